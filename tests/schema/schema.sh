#!/bin/bash
# What ajv, which knows nothing of orch, says of our JSON Schemas; with ORCH_CORPUS (a folder with corpus/ and schema/) also real
# projects and the vendor's own schemas. Needs node, and ajv and yaml in ORCH_NPM: packaging/packages.sh.
here=$(cd "${srcdir:-.}" && pwd) || exit 1
modules=${ORCH_NPM:-${ORCH_TEST_CACHE:-/var/cache/orch-test}/npm}/node_modules
orch=${ORCH:-${builddir:-.}/orch}

if ! command -v node >/dev/null || [ ! -d "$modules/ajv" ] || [ ! -d "$modules/yaml" ]; then
	echo "skipped: no node, or no ajv in $modules"
	[ -z "${ORCH_NEED_NPM:-}" ] || exit 1
	exit 77
fi
export NODE_PATH=$modules
root=$(mktemp -d) || exit 1
trap 'rm -rf "$root"' EXIT
export ORCH_ROOT=$root
status=0
ORCH_SHARE=$here/tests/data node "$here/tests/schema/check.mjs" ours "$orch" "$here" || status=1
if [ -n "${ORCH_CORPUS:-}" ]; then
	ORCH_SHARE=$here/images node "$here/tests/schema/check.mjs" corpus "$orch" "$ORCH_CORPUS" || status=1
fi
exit $status
