#!/bin/bash
# Clones of a MariaDB that is written to all the time: each starts, passes its own check and holds exactly a prefix
# of the committed transactions. CLONES=100 for more of them.
# shellcheck disable=SC2034 # lib.sh reads it
here=$(cd "$(dirname "$0")" && pwd)
# Packages need the host's network.
if [ -z "${ORCH_E2E_ISOLATED:-}" ]; then
	"$here/images.sh" mariadb:10.11 || exit 1
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
	orch exec -T -e "$env" db -- env MYSQL_PWD="$(password "$env")" mariadb -h 127.0.0.1 -u user -N -B "$@" main
}
sql() {
	client "$1" -e "$2"
}
writing() {
	client "$1" -n
}
whole() {
	same "$(sql "$1" 'CHECK TABLE a, b EXTENDED' | cut -f4 | sort -u)" OK
}

database_group mariadb:10.11 mysql
clones "${CLONES:-5}"
check "nothing is left" same "$(host_state)" "$before"
