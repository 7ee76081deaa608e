#!/bin/bash
# As clones.sh, of a PostgreSQL. CLONES=100 for more of them.
# shellcheck disable=SC2034 # lib.sh reads it
here=$(cd "$(dirname "$0")" && pwd)
# Packages need the host's network.
if [ -z "${ORCH_E2E_ISOLATED:-}" ]; then
	"$here/images.sh" postgresql:15 || exit 1
fi
isolate=yes
# shellcheck source=tests/e2e/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/e2e/prefix.sh
. "$here/prefix.sh"
before=$(host_state)
export TERM=dumb

# client ENV [FLAG...]: as the app would connect.
client() {
	local env=$1
	shift
	orch exec -T -e "$env" db -- env PGPASSWORD="$(password "$env")" psql -X -q -A -t -v ON_ERROR_STOP=1 -h 127.0.0.1 -U main "$@" main
}
sql() {
	client "$1" -c "$2" </dev/null
}
writing() {
	client "$1"
}
# Every page of every table and index, and that each row is found by its index.
whole() {
	orch exec -T -u app -e "$1" db -- /usr/lib/postgresql/15/bin/pg_amcheck -h /run/postgresql -U postgres -d main \
		--install-missing --heapallindexed --parent-check </dev/null
}

database_group postgresql:15 postgresql
clones "${CLONES:-5}"
check "nothing is left" same "$(host_state)" "$before"
