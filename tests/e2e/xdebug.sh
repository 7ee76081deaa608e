#!/bin/bash
# runtime.xdebug: requests with the key are run by a PHP of their own, and a debugger on the host steps through them.
# shellcheck disable=SC2034 # lib.sh reads it
here=$(cd "$(dirname "$0")" && pwd)
cache=${ORCH_TEST_CACHE:-/var/cache/orch-test}
# Packages need the host's network.
if [ -z "${ORCH_E2E_ISOLATED:-}" ]; then
	"$here/images.sh" php:8.2 router:1 || exit 1
fi
isolate=yes
# shellcheck source=tests/e2e/lib.sh
. "$here/lib.sh"
before=$(host_state)
mkdir -p "$root/var/lib/orch/images"
cp -a "$cache/images/." "$root/var/lib/orch/images/"

git init -q -b main "$work/project"
cd "$work/project" || exit 1
mkdir web
cat >web/index.php <<'PHP'
<?php
echo extension_loaded("xdebug") ? "debugged" : "plain", " ", ini_get("memory_limit"), "\n";
PHP
manifest() {
	cat >app.yaml <<YAML
name: shop
type: "php:8.2"
web: {locations: {/: {root: web, passthru: /index.php}}}
variables: {php: {memory_limit: 96M}}
$1
YAML
	commit . "$1"
}

# A key that can't be in a cookie.
manifest 'runtime: {xdebug: {idekey: "a;b"}}'
check "a wrong key is 2" exits 2 orch validate
check "it says where" contains "$(orch validate 2>&1)" "app.yaml:5:28"

manifest 'runtime: {}'
check "deploy" orch deploy
url=$(orch status | grep -oE 'http://[^ ]+')
page() {
	curl -fsS -m 30 "$@" "$url"
}
processes() {
	orch -q exec -u root shop -- ps -eo args | grep -c "[p]hp-fpm: master"
}
check "without a key" same "$(page -b XDEBUG_SESSION=MINE)" "plain 96M"
check "one PHP" same "$(processes)" 1
check "nothing to debug is 3" exits 3 orch xdebug
check "it says what to write" contains "$(orch xdebug 2>&1)" "runtime: {xdebug: {idekey: NAME}}"

manifest 'runtime: {xdebug: {idekey: MINE, max_nesting_level: 99}}'
check "deploy with a key" orch deploy
check "two of PHP" same "$(processes)" 2
check "others run without it" same "$(page)" "plain 96M"
check "nor by another key" same "$(page -b XDEBUG_SESSION=OTHER)" "plain 96M"
check "by a cookie" same "$(page -b XDEBUG_SESSION=MINE)" "debugged 96M"
check "by a query" same "$(page -G -d XDEBUG_TRIGGER=MINE)" "debugged 96M"
check "by the first request of a session" same "$(page -G -b XDEBUG_SESSION=MINE -d XDEBUG_SESSION_START=MINE)" "debugged 96M"

# until_says FILE TEXT: at most 20 s.
until_says() {
	for _ in $(seq 200); do
		grep -qF "$2" "$1" && return
		sleep 0.1
	done
	cat "$1"
	return 1
}
tunnel() {
	"$ORCH" --root "$root" xdebug --port 9876 "$@" 2>"$work/tunnel" &
	tunnel=$!
	until_says "$work/tunnel" "Ctrl-C ends it"
}
check "a port that is none is 2" exits 2 orch xdebug --port 70000
check "a tunnel" tunnel
check "one at a time: 4" exits 4 orch xdebug
check "without a debugger it goes on" same "$(page -b XDEBUG_SESSION=MINE)" "debugged 96M"
check "and that is said" until_says "$work/tunnel" "nothing listens at 127.0.0.1:9876"
python3 "$here/dbgp.py" 9876 >"$work/debugger" &
debugger=$!
check "a debugger" until_says "$work/debugger" listening
check "a request that is stepped through" same "$(page -b XDEBUG_SESSION=MINE)" "debugged 96M"
check "the debugger ends well" wait "$debugger"
check "it was this file" until_says "$work/debugger" "fileuri file:///app/web/index.php"
check "it was this key" until_says "$work/debugger" "idekey MINE"
check "that is said" until_says "$work/tunnel" "a request is being debugged"
# What a killed one leaves behind is no obstacle.
kill -9 "$tunnel"
{ wait "$tunnel"; } 2>/dev/null
check "another tunnel" tunnel shop
manifest 'runtime: {xdebug: {idekey: YOURS}}'
check "another key" orch deploy
check "the new key" same "$(page -b XDEBUG_SESSION=YOURS)" "debugged 96M"
check "not the old one" same "$(page -b XDEBUG_SESSION=MINE)" "plain 96M"
check "through the same tunnel" until_says "$work/tunnel" "nothing listens at 127.0.0.1:9876"
check "stop" orch stop
wait "$tunnel"
check "ends the tunnel with 3" same $? 3
check "and the way out" contains "$(cat "$work/tunnel")" "once it runs again: orch xdebug"

check "destroy" orch destroy --purge --yes-destroy main
check "nothing is left" same "$(host_state)" "$before"
