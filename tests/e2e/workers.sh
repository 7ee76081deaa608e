#!/bin/bash
# Workers: containers of the app's image and code with a command, a volume, variables and paths of their own; what a change of one causes.
# Crons: by hand and by the clock, one at a time, in the way of a deploy.
# shellcheck disable=SC2016 # for the shell in the container
# shellcheck disable=SC2034 # lib.sh reads it
isolate=yes
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/e2e/lib.sh
. "$here/lib.sh"
before=$(host_state)
export TERM=dumb

busybox_image "$work/app" <<'IMAGE'
kind: app
user: web
users: {web: {uid: 10000, gid: 10000, home: /app}}
processes:
  app: {command: [/bin/sleep, "100000"], main: true, stop_signal: INT, on_swap: restart}
  httpd: {command: [/bin/httpd, -f, -p, "80", -h, /app], web: true}
ready: [/bin/wget, -q, -O, /dev/null, "http://127.0.0.1/page"]
endpoints: {http: {scheme: http, port: 80, default: true}}
memory: 64M
pids: 40
path: /bin
IMAGE
listener_image "$work/store"
check "import" orch image import "$work/app" app:1.0
check "import" orch image import "$work/store" store:1.0
project=$work/project
mkdir -p "$project"
git init -q -b main "$project"
cat >"$project/app.yaml" <<'YAML'
name: web
type: "app:1.0"
disk: 128
mounts: {data: {source: local, source_path: data}}
variables: {env: {COLOR: blue}}
hooks: {deploy: "echo deployed >>data/hooks"}
crons:
  quick:
    spec: 'H 3 29 2 *'
    commands: {start: 'echo "$COLOR $(cat page) $(id -u)"'}
  slow:
    spec: 'H 3 29 2 *'
    commands: {start: 'echo slow begins; touch data/slow; while [ ! -e data/go ]; do sleep 0.05; done; rm data/go; echo slow done'}
  fails:
    spec: 'H 3 29 2 *'
    commands: {start: exit 9}
workers:
  queue:
    commands:
      start: 'trap "echo stopped >>/app/data/end; exit" TERM; while :; do echo "$COLOR $(cat page)"; sleep 0.2; done'
    relationships: {db: "db:main"}
    variables: {env: {COLOR: red}}
  short:
    commands: {start: 'echo run; sleep 0.1'}
    mounts: {}
YAML
echo 'db: {type: "store:1.0"}' >"$project/services.yaml"
echo one >"$project/page"
commit "$project" one
cd "$project" || exit 1

# says CONTAINER TEXT: within ten seconds its log ends with that.
says() {
	for _ in $(seq 100); do
		orch logs "$1" 2>&1 | tail -n 3 | grep -q "$2" && return
		sleep 0.1
	done
	orch logs "$1" | tail -n 5
	return 1
}

check "plan" contains "$(orch plan)" "web--queue"
check "deploy" orch deploy
[ $failed = 0 ] || exit 1
check "four containers" same "$(orch ps --json | jq -r '[.containers[].container] | join(" ")')" "db web web--queue web--short"
check "its kind" same "$(orch ps --json | jq -r '.containers[] | select(.container == "web--queue") | .kind')" worker
check "its variables and code" says web--queue "red one"
check "the app's own" same "$(orch exec web -- sh -c 'echo $COLOR')" blue
check "of the app" same "$(orch exec web--queue -- sh -c 'echo $PLATFORM_APPLICATION_NAME $(hostname) $(id -u) ${PORT-none}')" "web web--queue 10000 none"
check "no web server in it" same "$(orch exec web--queue -- ps -o comm | grep -c httpd)" 0
check "in the app there is" same "$(orch exec web -- ps -o comm | grep -c httpd)" 1
check "exec goes to the app by itself" same "$(orch run -- hostname)" web
check "it reaches what it relates to" same "$(orch exec web--queue -- probe SCAN "$(address db)" 1 65535)" 7000
check "the app doesn't" same "$(orch exec web -- probe SCAN "$(address db)" 1 65535)" ""
check "nobody reaches it" same "$(orch exec web -- probe SCAN "$(address web--queue)" 1 65535)" ""
check "a volume of its own" orch exec web--queue -- sh -c 'echo mine >data/x && [ ! -e data/hooks ]'
check "the app's is another" same "$(orch exec web -- ls data)" hooks
check "hooks ran in the app" same "$(orch exec web -- cat data/hooks)" deployed
check "mounts: {} is none" exits 1 orch exec web--short -- grep -q " /app/data " /proc/mounts
check "it is started again" same "$(for _ in $(seq 100); do
	n=$(orch ps --json | jq '.containers[] | select(.container == "web--short") | .restarts')
	[ "$n" -ge 2 ] && break
	sleep 0.1
done; [ "$n" -ge 2 ] && echo yes)" yes

# Jobs.
# jobs FILTER: of orch cron ls.
jobs() {
	orch cron ls --json | jq -r "$1"
}
check "three jobs" same "$(jobs '[.crons[] | select(.container == "web") | .name] | join(" ")')" "fails quick slow"
check "of a stable time" same "$(jobs '.crons[] | select(.name == "quick") | .next')" "$(jobs '.crons[] | select(.name == "quick") | .next')"
check "none in workers" same "$(jobs '.crons | length')" 3
check "run one" same "$(orch cron run quick)" "blue one 10000"
check "it ran as the app" contains "$(orch logs web)" "web/cron $(date -u +%Y)"
check "its output" contains "$(orch logs web)" "blue one 10000"
check "it is counted" same "$(jobs '.crons[] | select(.name == "quick") | "\(.runs) \(.last_exit) \(.state)"')" "1 0 idle"
check "by its app's name, too" orch cron run web:quick
check "a failure" exits 9 orch cron run fails
check "is said" contains "$(orch cron run fails 2>&1)" "exit 9"
check "no such job" exits 3 orch cron run nothing
check "not of a worker" exits 3 orch cron run web--queue:quick
check "neither" exits 2 orch cron walk
check "people read it" contains "$(orch cron ls)" "H 3 29 2 *"
# runs: the slow one does.
runs() {
	for _ in $(seq 100); do
		[ "$(jobs '.crons[] | select(.name == "slow") | .state')" = running ] && return
		sleep 0.05
	done
	orch cron ls
	return 1
}
orch cron run slow >"$work/slow" &
slow=$!
check "a slow one runs" runs
check "what it writes is seen at once" sh -c "for _ in \$(seq 100); do grep -qx 'slow begins' '$work/slow' && exit; sleep 0.05; done; exit 1"
check "it keeps awake" exits 4 orch idle --now
page=$(pids web)
echo one and a half >page
commit "$project" "while a cron runs"
check "a deploy waits for it, so long" exits 6 orch deploy --timeout 1
check "and says so" contains "$(cat "$work/out")" 'for cron "slow" to end'
check "what waited is as it was" same "$(pids web) $(orch exec web -- cat page)" "$page one"
check "and none is held any more" orch cron ls
orch deploy >"$work/deploy" 2>&1 &
deploy=$!
for _ in $(seq 100); do
	grep -q "for cron" "$work/deploy" && break
	sleep 0.05
done
check "the deploy waits" kill -0 $deploy
check "others wait, too" same "$(jobs '.crons[] | select(.name == "slow") | .state')" running
orch exec web -- touch data/go
check "it ends" wait $slow
check "all that it wrote, and nothing else" same "$(cat "$work/slow")" "slow begins
slow done"
check "then the deploy goes on" wait $deploy
check "with the new code" same "$(orch exec web -- cat page)" "one and a half"
check "jobs run again, with it" sh -c "'$ORCH' --root '$root' cron run quick && '$ORCH' --root '$root' logs web | grep -q 'blue one and a half 10000'"
orch cron run slow >/dev/null 2>&1 &
slow=$!
check "a slow one runs" runs
watcher=$(fuser "$root"/run/orch/main-*/supervisor.lock 2>/dev/null | tr -d ' ')
kill -9 "$watcher"
orch exec web -- touch data/go
check "it outlives the supervisor" wait $slow
sed -i "s/start: exit 9/start: exit 8/" app.yaml
commit "$project" "another job"
check "a job is changed" contains "$(orch plan)" "crons.fails.commands.start"
check "live" orch deploy
check "in the same container" same "$(pids web)" "$page"
check "and counts" contains "$(orch cron run fails 2>&1)" "exit 8"

web=$(pids web) db=$(pids db) queue=$(pids web--queue)
echo two >page
commit "$project" two
check "plan says swap" contains "$(orch plan | grep -A 2 web--queue)" swap
check "code is swapped" orch deploy
check "in the worker, too" says web--queue "red two"
check "in the same container" same "$(pids web--queue) $(pids web)" "$queue $web"
check "it was asked to stop" same "$(orch exec web--queue -- tail -n 1 data/end)" stopped
sed -i 's/COLOR: red/COLOR: green/' app.yaml
commit "$project" green
check "where it comes from" contains "$(orch plan)" "app.yaml:22:"
check "a variable of one worker" orch deploy
check "has changed" says web--queue "green two"
check "and nothing else" same "$(pids web) $(pids db)" "$web $db"
sed -i '/^  short:/,$d; s/^crons:/&\n  tick: {spec: "* * * * *", commands: {start: echo tick}}/' app.yaml
commit "$project" "one worker less"
check "one less" orch deploy
check "is gone" same "$(orch ps --json | jq -r '[.containers[].container] | join(" ")')" "db web web--queue"
check "all others are as they were" same "$(pids web) $(pids db) $(pids web--queue)" "$web $db $queue"
check "a branch has it, too" orch branch fix
check "with its data" same "$(orch exec -e fix web--queue -- cat data/x)" mine
# ticks: by the clock, which takes a minute.
ticks() {
	for _ in $(seq 65); do
		orch logs -e fix web | grep -q "Z tick$" && return
		sleep 1
	done
	orch cron ls -e fix
	return 1
}
check "a job runs by the clock" ticks
check "nothing amiss" orch fsck
check "destroy" orch destroy --purge --yes-destroy fix -e fix
check "destroy" orch destroy --purge --yes-destroy main
check "nothing is left" same "$(host_state)" "$before"
