#!/bin/bash
# Environments without traffic fall asleep and wake with the next connection, of which none is lost; with requests that need them
# awake; whatever happens to who watches over them.
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
printf 'name: web\ntype: "app:1.0"\n' >"$project/app.yaml"
echo one >"$project/page"
commit "$project" one
cd "$project" || exit 1
check "deploy" orch deploy
url=$(orch status | grep -oE 'http://[^ ]+')

state() {
	orch ls --json | jq -r '.environments[0].state'
}

# becomes STATE: within ten seconds.
becomes() {
	for _ in $(seq 200); do
		[ "$(state)" = "$1" ] && return
		sleep 0.05
	done
	state
	return 1
}

# The process that watches over the environment; whether it dozes.
watcher() {
	fuser "$root"/run/orch/main-*/supervisor.lock 2>/dev/null | tr -d ' '
}
dozes() {
	for _ in $(seq 100); do
		[ "$(cat "/proc/$(watcher)/comm")" = orch-doze ] && return
		sleep 0.05
	done
	return 1
}

frozen() {
	find /sys/fs/cgroup -path "*/orch-$(printf %s "$root" | sha256sum | cut -c 1-8)/main-???????/cgroup.freeze" \
		-exec cat {} \;
}

check "no sleep while it is new" same "$(state)" running
pids=$(pids web)
check "sleep" orch idle --now
check "asleep" same "$(state)" asleep
check "ps says so" contains "$(orch ps)" asleep
check "its supervisor dozes" dozes
check "and is small" [ "$(awk '/^Rss/ { print $2 }' "/proc/$(watcher)/smaps_rollup")" -lt 200 ]
check "the first connection is answered" same "$(curl -fsS -m 5 "${url}page")" one
check "awake" becomes running
check "the same processes" same "$(pids web)" "$pids"

# Many at once, to one that is asleep: none fails.
for round in 1 2 3; do
	orch idle --now || sleep 0.2
	for i in $(seq 20); do
		curl -fsS -m 10 "${url}page" >"$work/answer.$i" 2>&1 &
	done
	wait
	check "$round: twenty connections" same "$(cat "$work"/answer.* | sort | uniq -c | xargs)" "20 one"
done

# A connection that stays open: its next request wakes it as well.
exec 5<>"/dev/tcp/127.0.0.1/$(echo "$url" | grep -oE '[0-9]+/$' | tr -d /)"
sleep 0.1
check "sleep with an open connection" orch idle --now
printf 'GET /page HTTP/1.0\r\n\r\n' >&5
check "its request is answered" same "$(timeout 5 tail -n 1 <&5)" one
exec 5>&-

# By itself, after a while; and again after each time it was wanted.
check "after a second" orch idle --after 1
check "it falls asleep" becomes asleep
check "the first connection is answered" same "$(curl -fsS -m 5 "${url}page")" one
check "again" becomes asleep
check "exec wakes it" same "$(orch exec web -- cat /app/page)" one
orch exec web -- sleep 4 &
sleep 3
check "never under a command" same "$(state)" running
check "not even when told to" exits 4 orch idle --now
wait
check "afterwards it sleeps" becomes asleep
orch exec -T web -- sh -c 'while :; do :; done >/dev/null 2>&1 &'
sleep 3
check "never while something computes in it" same "$(state)" running
orch exec web -- sh -c 'kill $(ps -o pid,args | awk "/while :/ && !/awk/ { print \$1 }")'
check "afterwards it sleeps" becomes asleep
check "deploy wakes it" sh -c "echo two >page && git commit -qam two && '$ORCH' --root '$root' deploy -q"
check "the new page" same "$(curl -fsS -m 5 "${url}page")" two
check "it falls asleep" becomes asleep
check "never" orch idle --never
check "wakes it" becomes running
sleep 2
check "and it stays awake" same "$(state)" running

# Killed while it sleeps.
orch idle --now
check "dozing" dozes
kill -9 "$(watcher)"
check "the next command knows that it sleeps" same "$(state)" asleep
check "and sees to it" sh -c "'$ORCH' --root '$root' ps -q"
check "still asleep" same "$(state) $(frozen)" "asleep 1"
check "its traffic wakes it" same "$(curl -fsS -m 5 "${url}page")" two
check "awake" becomes running
orch idle --now
check "dozing" dozes
kill -9 "$(watcher)"
curl -fsS -m 10 "${url}page" >"$work/late" &
sleep 0.3
check "what came meanwhile" orch ps
wait
check "is answered by then" same "$(cat "$work/late")" two
orch idle --now
check "dozing" dozes
kill -9 "$(pids web | cut -d' ' -f1)"
check "a container that dies in its sleep comes back" becomes running
check "it answers" curl -fsS -m 5 --retry 10 --retry-delay 1 --retry-connrefused "${url}page"

orch idle --now
check "stop" orch stop
check "start" orch start
check "it answers" same "$(curl -fsS -m 5 "${url}page")" two
orch idle --now
check "dozing" dozes
check "destroy" orch destroy --purge --yes-destroy main
check "nothing is left" same "$(host_state)" "$before"
