#!/bin/bash
# Getting rid of things and having them back: destroy's guard, the trash, backups on another root, mounts in and out, and
# kill -9 in the middle of each.
# Single quotes: for the shell in the container.
# shellcheck disable=SC2016
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
  httpd: {command: [/bin/httpd, -f, -p, "80", -h, /app], main: true, on_swap: none}
ready: [/bin/wget, -q, -O, /dev/null, "http://127.0.0.1/page"]
endpoints: {http: {scheme: http, port: 80, default: true}}
memory: 64M
pids: 40
path: /bin
IMAGE
busybox_image "$work/store" <<'IMAGE'
kind: service
user: app
users: {app: {uid: 1000, gid: 1000, home: /mnt}}
processes:
  httpd: {command: [/bin/httpd, -f, -p, "6000", -h, /mnt], main: true}
endpoints: {data: {scheme: http, port: 6000, default: true}}
data: /mnt
memory: 64M
pids: 40
path: /bin
IMAGE
check "import app" orch image import "$work/app" app:1.0
check "import store" orch image import "$work/store" store:1.0

project=$work/project
mkdir -p "$project"
git init -q -b main "$project"
cat >"$project/app.yaml" <<'YAML'
name: web
type: "app:1.0"
disk: 128
relationships: {database: "db:data"}
mounts: {"upload": {source: local, source_path: upload}}
YAML
printf 'db: {type: "store:1.0", disk: 256}\n' >"$project/services.yaml"
echo one >"$project/page"
commit "$project" one
cd "$project" || exit 1

# Everything in both containers' data: names, types, owners, modes, times, contents.
sums() {
	orch exec -u root db -- sh -c \
		'cd /mnt && find . | sort | while read -r f; do stat -c "%n %F %u:%g %a %Y" "$f"; [ -f "$f" ] && md5sum "$f"; done'
	orch exec -u root web -- sh -c 'cd /app/upload && find . -type f | sort | xargs md5sum'
}

# kill_often COMMAND...: killed after ever longer, until it comes to its end. 3: it had come to it before the last kill.
killed=0
kill_often() {
	local ms code=137
	for ms in 001 002 004 007 010 014 019 025 032 040 050 065 080 100 130 170 230 300 400 600 900; do
		kill_after 0.$ms "$@"
		code=$?
		[ $code = 137 ] || break
		killed=$((killed + 1))
	done
	[ $code = 137 ] && {
		"$ORCH" --root "$root" "$@"
		code=$?
	}
	[ $code = 0 ] || [ $code = 3 ]
}

# kill_after SECONDS COMMAND...: it, then its exit code; 137 when that was too little time.
kill_after() {
	local pid code
	"$ORCH" --root "$root" "${@:2}" >"$work/killed" 2>&1 &
	pid=$!
	(sleep "$1" && kill -9 $pid) 2>/dev/null &
	wait $pid 2>/dev/null
	code=$?
	kill $! 2>/dev/null
	wait $! 2>/dev/null
	return $code
}

check "deploy" orch deploy
[ $failed = 0 ] || exit 1
orch exec -u root db -- sh -c 'head -c 3000000 /dev/urandom >/mnt/table; ln -s table /mnt/link; ln /mnt/table /mnt/again
	mkdir -m 0700 /mnt/deep; echo x >/mnt/deep/"odd name"; dd if=/dev/zero of=/mnt/hole bs=1 count=0 seek=20M 2>/dev/null
	chown -R app:app /mnt; chmod 4750 /mnt/table'
orch exec web -- sh -c 'echo picture >/app/upload/cat.jpg; mkdir /app/upload/sub; echo deep >/app/upload/sub/dog.jpg'
sums >"$work/sums"

# The guard, the trash.
machine=$(orch status --json | jq -r '.environment.machine_name // .machine_name')
check "destroy has to be confirmed" exits 2 orch destroy </dev/null
check "--yes is not enough" contains "$(orch destroy --yes 2>&1 </dev/null)" "--yes-destroy main"
check "another name is not it" exits 2 orch destroy --yes-destroy fix
check "nothing was changed" same "$(sums)" "$(cat "$work/sums")"
check "destroy by name" orch destroy --yes-destroy main
check "it is gone" exits 3 orch status
check "the trash has it" same "$(orch trash ls --json | jq -r '.trash[] | "\(.environment) \(.containers)"')" "$machine db web"
check "with its size" same "$(orch trash ls --json | jq '.trash[0].bytes > 3000000')" true
check "nothing else of the trash" exits 3 orch trash restore other
check "back from the trash" orch trash restore main
check "the trash is empty" same "$(orch trash ls --json | jq '.trash | length')" 0
check "deploy finds it" orch deploy
check "the same data" same "$(sums)" "$(cat "$work/sums")"
check "trash of a running one" orch destroy --yes-destroy main
check "a new one" orch deploy
check "is empty" exits 1 orch exec db -- test -e /mnt/table
check "a running one gets nothing back" exits 4 orch trash restore main
orch stop -q
check "nor one that has volumes" exits 4 orch trash restore "$machine"
check "nothing was lost" same "$(orch trash ls --json | jq '.trash | length')" 1
check "purged" orch destroy --purge --yes-destroy main
check "empty of old ones" orch trash empty --older-than 1d
check "it is not old" orch trash restore main
check "deploy" orch deploy
check "the same data" same "$(sums)" "$(cat "$work/sums")"

# Killed at any moment: the next one that meets it ends it.
check "destroy, killed often" kill_often destroy --yes-destroy main
check "it was killed ($killed)" test $killed -gt 3
check "it is gone" exits 3 orch status
check "back from the trash" orch trash restore main
check "deploy" orch deploy
check "the same data" same "$(sums)" "$(cat "$work/sums")"
for ms in 020 030 040 050 060 080 110 150; do
	kill_after 0.$ms destroy --yes-destroy main
	check "deploy after a destroy killed at $ms ms" orch deploy
	if [ "$(orch trash ls --json | jq '.trash | length')" != 0 ]; then
		orch destroy -q --purge --yes-destroy main
		check "back after a destroy killed at $ms ms" orch trash restore main
		check "deploy" orch deploy
	fi
	check "the same data" same "$(sums)" "$(cat "$work/sums")"
done

check "destroy" orch destroy --purge --yes-destroy main
check "nothing is left" same "$(host_state)" "$before"
