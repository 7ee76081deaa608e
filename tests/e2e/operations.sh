#!/bin/bash
# Operations: commands that an app declares by name. As whom and with what they run, their output and exit code, timeout, ^C, a deploy beside them.
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
cat >"$project/app.yaml" <<'YAML'
name: web
type: "app:1.0"
disk: 128
mounts: {data: {source: local, source_path: data}}
variables: {env: {COLOR: blue}}
operations:
  who:
    role: admin
    commands: {start: 'echo "$COLOR $(cat page) $(id -u)"; pwd; echo problem >&2; exit 7'}
  wait:
    commands:
      start: 'touch data/began; while [ ! -e data/go ]; do sleep 0.05; done; rm data/go; echo waited'
      stop: 'echo stop command; touch data/go'
  slow:
    commands: {start: sleep 1000}
    timeout: 1
crons:
  wait:
    spec: 'H 3 29 2 *'
    commands: {start: 'echo the cron of that name'}
workers:
  queue:
    commands: {start: sleep 1000}
YAML
echo one >"$project/page"
commit "$project" one
cd "$project" || exit 1
check "deploy" orch deploy
[ $failed = 0 ] || exit 1

# operations FILTER
operations() {
	orch operation ls --json | jq -r "$1"
}
# begun: the one that waits does.
begun() {
	for _ in $(seq 200); do
		[ "$(operations '.operations[] | select(.name == "wait") | .state')" = running ] &&
			orch exec web -- test -e data/began && return
		sleep 0.05
	done
	orch operation ls
	return 1
}
check "three of the app, none of the worker" same "$(operations '[.operations[] | .container + ":" + .name] | join(" ")')" "web:slow web:wait web:who"
check "people read it" contains "$(orch operation ls)" "sleep 1000"
check "none ran" same "$(operations '[.operations[].runs] | add')" 0
check "its exit code" exits 7 orch operation run who
check "its output, as its user and where" same "$(orch operation run web:who 2>/dev/null)" "blue one 10000
/app
problem"
check "counted" same "$(operations '.operations[] | select(.name == "who") | "\(.runs) \(.last_exit) \(.state)"')" "2 7 idle"
check "logged" contains "$(orch logs web)" "web/operation $(date -u +%Y)"
check "its time is over" exits 143 orch operation run slow
check "no such" exits 3 orch operation run nothing
check "not of a worker" exits 3 orch operation run web--queue:who
check "usage" exits 2 orch operation walk

orch operation run wait >"$work/wait" 2>&1 &
wait=$!
check "one begins" begun
check "it is not the cron" same "$(orch cron ls --json | jq '.crons[0].runs')" 0
check "the same a second time" exits 4 orch operation run wait
check "it keeps awake" exits 4 orch idle --now
page=$(pids web)
echo two >page
commit "$project" two
check "a deploy waits for it, so long" exits 6 orch deploy --timeout 1
check "and says so" contains "$(cat "$work/out")" 'for operation "wait" to end'
orch exec web -- touch data/go
check "it ends" wait $wait
check "its output" same "$(cat "$work/wait")" waited
orch exec web -- rm data/began

# ^C.
setsid bash -c "trap 'kill -INT \$pid' TERM; '$ORCH' --root '$root' operation run wait >'$work/wait' 2>&1 & pid=\$!; echo \$pid >'$work/pid'; wait \$pid; wait \$pid" &
wait=$!
check "one begins" begun
kill -INT "$(cat "$work/pid")"
check "^C" exits 130 wait $wait
check "by its stop command" contains "$(cat "$work/wait")" "stop command"
check "it is over" same "$(operations '.operations[] | select(.name == "wait") | .state')" idle
orch exec web -- rm -f data/began data/go

# Whoever waits may die.
orch operation run wait >"$work/wait" 2>&1 &
wait=$!
check "one begins" begun
kill -9 $wait
wait $wait
check "it runs on" same "$(operations '.operations[] | select(.name == "wait") | .state')" running
orch exec web -- touch data/go
for _ in $(seq 100); do
	[ "$(operations '.operations[] | select(.name == "wait") | .state')" = idle ] && break
	sleep 0.05
done
check "to its end" same "$(operations '.operations[] | select(.name == "wait") | .last_exit')" 0

sed -i 's/exit 7/exit 8/' app.yaml
commit "$project" "another operation"
check "why" contains "$(orch plan)" "operations.who.commands.start"
check "live" orch deploy
check "in the same container" same "$(pids web)" "$page"
check "is another" exits 8 orch operation run who
check "with the new code" contains "$(orch operation run who)" "blue two"

# The clock of crons: 6:00 in Kathmandu is 0:15 UTC, and up to 20 minutes later in production.
sed -i "s/^crons:/timezone: Asia\/Kathmandu\ncrons:\n  morning: {spec: '0 6 * * *', commands: {start: date}}/" app.yaml
commit "$project" "a zone"
check "why" contains "$(orch plan)" timezone
check "deploy" orch deploy
check "in the same container" same "$(pids web)" "$page"
# morning: when that job is next, in minutes after 0:00 UTC.
morning() {
	orch cron ls --json | jq '.crons[] | select(.name == "morning") | .next[11:13] as $h | .next[14:16] as $m | ($h | tonumber) * 60 + ($m | tonumber)'
}
check "by the zone" test "$(morning)" -ge 15 -a "$(morning)" -le 35
check "a job itself is in UTC" orch cron run morning
check "as its log says" contains "$(orch logs web)" " UTC "
sed -i 's/Kathmandu/Nowhere/' app.yaml
check "no such zone" exits 2 orch validate
git checkout -q app.yaml
check "nothing amiss" orch fsck
check "destroy" orch destroy --purge --yes-destroy main
check "nothing is left" same "$(host_state)" "$before"
