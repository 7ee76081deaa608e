#!/bin/bash
# What goes wrong while a group is brought up or changed: kill -9 of the supervisor, the client and PID 1, two
# deploys at once, full and read-only disks, Ctrl-C, what never gets ready, hooks that fail. After each the old
# generation serves, the next command converges, and at the end nothing is left.
# shellcheck disable=SC2034 # lib.sh reads it
isolate=yes
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/e2e/lib.sh
. "$here/lib.sh"
before=$(host_state)
export TERM=dumb

# Ready once its volume has a file "go", and the code none named "broken".
busybox_image "$work/app" <<'IMAGE'
kind: app
user: web
users: {web: {uid: 10000, gid: 10000, home: /app}}
processes:
  httpd: {command: [/bin/httpd, -f, -p, "80", -h, /app], main: true, on_swap: restart}
ready: [/bin/sh, -c, "[ -e /app/state/go ] && [ ! -e /app/broken ] && wget -q -O /dev/null http://127.0.0.1/page"]
endpoints: {http: {scheme: http, port: 80, default: true}}
memory: 64M
pids: 40
path: /bin
IMAGE
store_image "$work/store"
# The state is on a disk of its own, to be filled and made read-only.
mkdir -p "$root"
mount -t tmpfs -o size=192m orch-drills "$root"
for type in app store; do
	check "import $type" orch image import "$work/$type" "$type:1.0"
done

project=$work/project
mkdir -p "$project"
git init -q -b main "$project"
cat >"$project/app.yaml" <<'YAML'
name: web
type: "app:1.0"
disk: 128
relationships: {database: "db:data"}
mounts: {"state": {source: local, source_path: state}}
hooks:
  build: |
    echo building
    if [ -e hold ]; then sleep 1000; fi
  deploy: |
    cat /app/page
    if [ -e /app/refuse ]; then exit 3; fi
YAML
printf 'db: {type: "store:1.0", disk: 128}\n' >"$project/services.yaml"
echo one >"$project/page"
commit "$project" one
cd "$project" || exit 1

# until_ok COMMAND...: at most 20 s.
until_ok() {
	for _ in $(seq 200); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.1
	done
	echo "never true: $*"
	return 1
}

supervisor() {
	pgrep -f "supervise [^ ]+ .*--root $root\$" | head -n 1
}

page() {
	curl -fsS -m 5 "${url}page"
}

page_is() {
	[ "$(page)" = "$1" ]
}

# The app's volume; not its snapshots.
state() {
	(cd "$root/var/lib/orch/pool" && printf '%s\n' main-*/web) | grep -v @
}

# The check of readiness says yes, or no.
go() {
	in_volume "$(state)" touch state/go
}

hold() {
	in_volume "$(state)" rm -f state/go
}

# In the background, as $job; what it says is in $work/log.
begin() {
	(
		trap - INT
		exec "$ORCH" --root "$root" "$@" --timeout "${patience:-20s}"
	) >"$work/log" 2>&1 &
	job=$!
}

ends() {
	local got
	wait "$job"
	got=$?
	[ "$got" = "$1" ] || {
		echo "exit $got instead of $1"
		cat "$work/log"
		return 1
	}
}

says() {
	contains "$(cat "$work/log")" "$1"
}

is_starting() {
	[ "$(orch ps --json | jq -r '.containers[] | select(.container == "web") | .state + (.ready | tostring)')" = startingfalse ]
}

all_ready() {
	[ "$(orch ps --json | jq '[.containers[] | select(.ready)] | length')" = 2 ]
}

edit() {
	echo "$1" >page
	commit "$project" "$1"
}

# What has to hold after each drill; the page says which generation's code runs.
stands() {
	check "$1: it serves" same "$(page)" "$2"
	check "$1: all are ready" until_ok all_ready
	check "$1: data is there" same "$(orch exec db -- cat /mnt/word)" kept
}

converges() {
	go
	check "$1: the next deploy" orch deploy --timeout 20s
	check "$1: the new page" same "$(page)" "$2"
	check "$1: then there is nothing to do" contains "$(orch deploy 2>&1)" "nothing to do"
}

# A supervisor that is killed in the middle of a deploy: the client starts another one.
begin deploy
check "a deploy waits for what isn't ready" until_ok is_starting
kill -9 "$(supervisor)"
go
check "the deploy carries on" ends 0
url=$(orch status | grep -oE 'http://[^ ]+')
check "data" orch exec db -- sh -c 'echo kept >/mnt/word'
stands "killed supervisor" one

# The client is killed: what it asked for goes on.
hold
edit two
begin deploy
check "the second deploy waits" until_ok is_starting
kill -9 "$job"
wait "$job" 2>/dev/null
go
check "it goes on without the client" until_ok all_ready
stands "killed client" two
converges "killed client" two

# The client is killed while it builds: the next deploy doesn't trip over the rest.
touch hold
edit three
begin deploy
check "a build" until_ok says building
kill -9 "$job"
wait "$job" 2>/dev/null
stands "killed build" two
git rm -q hold
edit three
converges "killed build" three

# Ctrl-C in a build, and while waiting for readiness.
touch hold
edit four
begin deploy
check "another build" until_ok says building
kill -INT "$job"
check "Ctrl-C ends the build" ends 130
stands "interrupted build" three
git rm -q hold
edit four
hold
begin deploy
check "waiting" until_ok is_starting
kill -INT "$job"
go
check "Ctrl-C returns to the generation before" ends 130
check "it says so" says "is back"
stands "interrupted deploy" three
converges "interrupted deploy" four

# Twice: it is left to the supervisor.
hold
edit five
begin deploy
check "waiting again" until_ok is_starting
kill -STOP "$(supervisor)"
kill -INT "$job"
sleep 0.3
kill -INT "$job"
check "Ctrl-C twice leaves at once" ends 130
check "and says who goes on" says "the supervisor carries on"
go
kill -CONT "$(supervisor)"
check "the supervisor goes back by itself" until_ok page_is four
converges "interrupted twice" five

# Never ready: in the time that it was given.
touch broken
edit six
patience=2s begin deploy
check "never ready is 6" ends 6
check "what was asked, and the answer" says 'web: its check "/bin/sh -c [ -e /app/state/go ] && [ ! -e /app/broken ] && wget'
check "with its end" says '/page": exit 1'
check "the end of its log" says "Z httpd: started"
check "and where there is more" says "see orch logs web"
check "what ran before is back" says "generation 7 is back"
# A hook's command has several lines, of which the first has a time.
check "its lines stay together" same "$(orch logs web -n all | grep -A1 "Launching command 'cat /app/page" | sed -n 2p)" "web/deploy if [ -e /app/refuse ]; then exit 3; fi"
check "the event" contains "$(orch events)" "its check"
check "but no log in events" exits 1 grep -q "told to swap" <<<"$(orch events)"
stands "never ready" five
git rm -q broken

# A deploy hook that fails is a deploy that failed.
touch refuse
edit seven
check "a deploy hook that fails is 1" exits 1 orch deploy
stands "failed hook" five
git rm -q refuse
edit eight
converges "failed hook" eight

# PID 1 killed while it gets ready.
hold
edit nine
begin deploy
check "waiting for the ninth" until_ok is_starting
kill -9 "$(pids web | cut -d' ' -f1)"
go
check "that deploy fails" ends 1
stands "killed init" eight
converges "killed init" nine

# All at once: both PID 1 and the supervisor.
kill -9 "$(pids web | cut -d' ' -f1)" "$(pids db | cut -d' ' -f1)" "$(supervisor)"
check "the next verb" orch status
check "all are back" until_ok all_ready
stands "all killed" nine

# Two deploys at once: of one branch, of two.
hold
edit ten
begin deploy
check "the tenth waits" until_ok is_starting
check "a second deploy of the branch is told" exits 4 orch deploy
git worktree add -q -b side "$work/side"
check "another branch isn't held up" exits 6 orch -C "$work/side" deploy --timeout 1s
go
check "the first ends well" ends 0
stands "two deploys" ten
check "the other one goes" orch -C "$work/side" destroy --purge --yes

# A disk that is full, then one that can't be written.
edit eleven
dd if=/dev/zero of="$root/fill" bs=1M status=none 2>/dev/null
check "a full disk is 1" exits 1 orch deploy
check "it says so" contains "$(orch deploy 2>&1)" "disk is full"
check "full: it serves" same "$(page)" ten
check "full: reading works" orch ps
rm "$root/fill"
converges "full disk" eleven
edit twelve
mount --rbind "$root" "$root"
mount -o remount,bind,ro "$root"
check "a read-only disk is 1" exits 1 orch deploy
check "it says so" contains "$(orch deploy 2>&1)" "ead-only"
check "read-only: reading works" orch ps
check "read-only: it serves" same "$(page)" eleven
umount -l "$root"
converges "read-only disk" twelve


check "destroy" orch destroy --purge --yes-destroy main
check "nobody is at work below it" until_ok umount "$root"
check "nothing is left" same "$(host_state)" "$before"
