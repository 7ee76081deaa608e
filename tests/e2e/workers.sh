#!/bin/bash
# Workers: containers of the app's image and code with a command, a volume, variables and paths of their own; what a change of one causes.
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
busybox_image "$work/store" <<'IMAGE'
kind: service
user: app
users: {app: {uid: 1000, gid: 1000, home: /}}
processes: {probe: {command: [/bin/probe, LISTEN, "7000"], main: true}}
endpoints: {main: {scheme: tcp, port: 7000, default: true}}
memory: 64M
pids: 40
path: /bin
IMAGE
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

web=$(pids web) db=$(pids db) queue=$(pids web--queue)
echo two >page
commit "$project" two
check "plan says swap" contains "$(orch plan | grep -A 2 web--queue)" swap
check "code is swapped" orch deploy
check "in the worker, too" says web--queue "red two"
check "in the same container" same "$(pids web--queue) $(pids web)" "$queue $web"
check "it was asked to stop" same "$(orch exec web--queue -- cat data/end)" stopped
sed -i 's/COLOR: red/COLOR: green/' app.yaml
commit "$project" green
check "where it comes from" contains "$(orch plan)" "app.yaml:12:"
check "a variable of one worker" orch deploy
check "has changed" says web--queue "green two"
check "and nothing else" same "$(pids web) $(pids db)" "$web $db"
sed -i '/^  short:/,$d' app.yaml
commit "$project" "one worker less"
check "one less" orch deploy
check "is gone" same "$(orch ps --json | jq -r '[.containers[].container] | join(" ")')" "db web web--queue"
check "all others are as they were" same "$(pids web) $(pids db) $(pids web--queue)" "$web $db $queue"
check "a branch has it, too" orch branch fix
check "with its data" same "$(orch exec -e fix web--queue -- cat data/x)" mine
check "nothing amiss" orch fsck
check "destroy" orch destroy --purge --yes-destroy fix -e fix
check "destroy" orch destroy --purge --yes-destroy main
check "nothing is left" same "$(host_state)" "$before"
