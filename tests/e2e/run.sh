#!/bin/bash
# One-off commands: in a running environment, in one that is made for them and thrown away, with a deadline, with a copy of another's
# data, killed; what they leave for CI.
# shellcheck disable=SC2016 # for the shell in the container
# shellcheck disable=SC2034 # lib.sh reads it
isolate=yes
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/e2e/lib.sh
. "$here/lib.sh"
before=$(host_state)
export TERM=dumb

web_image "$work/app"
check "import" orch image import "$work/app" app:1.0
project=$work/project
mkdir -p "$project"
git init -q -b main "$project"
printf 'name: web\ntype: "app:1.0"\ndisk: 128\nmounts: {data: {source: local, source_path: data}}\n' >"$project/app.yaml"
echo 'variables: {env: {COLOR: blue}}' >>"$project/app.yaml"
echo one >"$project/page"
commit "$project" one
cd "$project" || exit 1

# environments: how many there are.
environments() {
	orch ls --json | jq '.environments | length'
}

check "nothing runs yet" exits 3 orch run -- true
check "a pool is of --rm" exits 2 orch run --pool-size 1G -- true
check "from nothing to nothing" orch run --rm --pool-size 1G -e ci -- sh -c '[ $COLOR = blue ] && [ "$(cat /app/page)" = one ]'
check "it is gone" same "$(environments)" 0
check "nothing is left of it" same "$(host_state)" "$before"
check "the pool is as large as was said" same "$(stat -c %s "$root/var/lib/orch/pool.img")" $((1 << 30))
check "a second size is refused" exits 4 orch run --rm --pool-size 2G -- true
check "its exit code" exits 7 orch run --rm -- sh -c 'exit 7'
check "not found is 127" exits 127 orch run --rm -- no-such-program
check "not executable is 126" exits 126 orch run --rm -- /app/page
check "input and output" same "$(echo hello | orch run --rm -q -- cat)" hello
check "no manifest is 3" exits 3 orch -C / run --rm -- true
sed -i 's/^type/typo/' app.yaml
commit "$project" bad
check "bad manifest is 2" exits 2 orch run --rm --artifacts "$work/bad" -- true
check "said in the summary" same "$(jq -r '.result + " " + (.exit | tostring)' "$work/bad/summary.json")" "error 2"
git reset -q --hard HEAD~1
check "a deadline is 6" exits 6 orch run --rm --timeout 3 --artifacts "$work/late" -- sleep 100
check "and said" same "$(jq -r .result "$work/late/summary.json")" timeout
check "nothing is left" same "$(environments) $(host_state)" "0 $before"
check "--from alone" exits 2 orch run --from main -- true

# What CI is given.
orch run --rm -e 'a<b' --artifacts "$work/ci" -- sh -c 'echo "<out> & \"more\""; echo err >&2; exit 3' >"$work/stdout" 2>"$work/stderr"
check "code" same $? 3
check "standard output" same "$(cat "$work/stdout")" '<out> & "more"'
check "standard error" contains "$(cat "$work/stderr")" "err"
check "summary" same "$(jq -r '"\(.schema) \(.environment) \(.result) \(.exit) \(.command[0])"' "$work/ci/summary.json")" \
	"orch.run/1 a<b failed 3 sh"
check "its steps" same "$(jq '[.steps[] | select(.event == "create" and .name == "web")] | length' "$work/ci/summary.json")" 1
check "junit.xml" python3 - "$work/ci/junit.xml" <<'PYTHON'
import sys, xml.etree.ElementTree as ET
suite = ET.parse(sys.argv[1]).getroot().find("testsuite")
cases = {(c.get("classname"), c.get("name")): c for c in suite.findall("testcase")}
assert suite.get("name") == "orch run a<b", suite.get("name")
assert (suite.get("failures"), suite.get("errors")) == ("1", "0"), suite.attrib
assert int(suite.get("tests")) == len(cases), (suite.get("tests"), cases.keys())
command = next(c for k, c in cases.items() if k[0] == "orch.run")
assert command.find("failure").get("message") == "exit 3"
assert '<out> & "more"' in command.find("system-out").text and "err" in command.find("system-out").text
assert ("orch.deploy", "create web") in cases, cases.keys()
PYTHON
check "the command's output" contains "$(cat "$work/ci/command.log")" "<out>"
check "the containers' logs" contains "$(cat "$work/ci/logs/web/init.log")" "httpd"
sed -i 's/^type: .*/&\nhooks: {build: "exit 9"}/' app.yaml
commit "$project" "build fails"
check "orch's failure is 125" exits 125 orch run --rm --artifacts "$work/failed" -- true
check "with artifacts" same "$(jq -r '"\(.result) \(.exit)"' "$work/failed/summary.json")" "error 125"
check "and its error" contains "$(cat "$work/failed/junit.xml")" "exit 9"
git reset -q --hard HEAD~1

# On the host.
check "on the host" same "$(orch run --rm --host -q -- sh -c 'curl -fsS -m 5 "${ORCH_URL}page"; echo $COLOR')" "one
blue"
check "its exit code" exits 4 orch run --rm --host -- sh -c 'exit 4'
check "not found" exits 127 orch run --rm --host -- no-such-program

# In an environment that stays, and with its data.
check "deploy" orch deploy
check "write" orch run -- sh -c 'echo precious >/app/data/x'
check "read" same "$(orch run -e main -- cat /app/data/x)" precious
check "--rm never removes what was there" exits 4 orch run --rm -e main -- true
check "its data" same "$(orch run --rm --from main -q -- cat /app/data/x)" precious
check "a copy of it" orch run --rm --from main -- sh -c 'echo other >/app/data/x'
check "without --from there is none" exits 1 orch run --rm -- cat /app/data/x
check "of a stopped one" sh -c "'$ORCH' --root '$root' stop && '$ORCH' --root '$root' run --rm --from main -- grep -q precious /app/data/x"
orch start -q
check "the parent is as it was" same "$(orch run -- cat /app/data/x)" precious
check "only it is left" same "$(environments)" 1

# settles N: to that many environments, within a few commands: one that was killed may leave children that die a moment later.
settles() {
	for _ in 1 2 3 4 5; do
		[ "$(environments)" = "$1" ] && return
		sleep 0.2
	done
	orch ls
	return 1
}

# Interrupted, and killed: at many moments.
for signal in INT TERM HUP; do
	"$ORCH" --root "$root" run --rm -e stopped -- sleep 100 >"$work/log" 2>&1 &
	for _ in $(seq 100); do
		[ "$(orch ls --json | jq '[.environments[] | select(.state == "running")] | length')" = 2 ] && break
		sleep 0.05
	done
	sleep 0.1
	kill -$signal $!
	wait $!
	check "$signal: it ended" [ $? -ge 128 ]
	check "$signal: and took all along" same "$(environments)" 1
done
for ms in 5 20 50 100 150 200 300 500; do
	"$ORCH" --root "$root" run --rm -e "killed-$ms" --from main -- sleep 100 >"$work/log" 2>&1 &
	sleep "$(printf '0.%03d' $ms)"
	kill -9 $!
	wait $! 2>/dev/null
	check "killed after $ms ms: the next command removes it" settles 1
done
check "the parent is as it was" same "$(orch run -- cat /app/data/x)" precious
check "destroy" orch destroy --purge --yes-destroy main
check "nothing is left" same "$(host_state)" "$before"
check "no note of a throwaway" same "$(ls "$root/var/lib/orch/throwaway")" ""
