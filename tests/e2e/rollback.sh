#!/bin/bash
# Fifty generations, each with other data: back to any of them, byte by byte. ROLLBACK_MB=1024 for more data.
# Single quotes: for the shell in the container.
# shellcheck disable=SC2016
# shellcheck disable=SC2034 # lib.sh reads it
isolate=yes
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/e2e/lib.sh
. "$here/lib.sh"
before=$(host_state)
export TERM=dumb
size=${ROLLBACK_MB:-64} # of the volume

busybox_image "$work/app" <<'IMAGE'
kind: app
user: web
users: {web: {uid: 10000, gid: 10000, home: /app}}
processes:
  httpd: {command: [/bin/httpd, -f, -p, "80", -h, /app], main: true, on_swap: none}
endpoints: {http: {scheme: http, port: 80, default: true}}
memory: 64M
pids: 40
path: /bin
IMAGE
store_image "$work/store"
for type in app store; do
	check "import $type" orch image import "$work/$type" "$type:1.0"
done
mkdir "$work/project"
cd "$work/project" || exit 1
git init -q -b main .
printf 'name: web\ntype: "app:1.0"\nrelationships: {database: "db:data"}\n' >app.yaml
printf 'db: {type: "store:1.0", disk: %d}\n' $((size * 2 + 512)) >services.yaml
echo 1 >page
commit . 1
check "deploy" orch deploy
[ $failed = 0 ] || exit 1

# Sixteen files; each generation writes a mebibyte somewhere in one of them, and makes, renames and removes small ones.
part=$((size / 16))
check "data" orch exec db -- sh -c 'for i in $(seq 0 15); do dd if=/dev/urandom of=/mnt/$i bs=1M count='$part' 2>/dev/null || exit; done'
change() {
	orch exec db -- sh -c 'dd if=/dev/urandom of=/mnt/'$(($1 % 16))' bs=1M seek='$(($1 % part))' count=1 conv=notrunc 2>/dev/null
		echo '"$1"' >/mnt/generation; echo x >/mnt/made-'"$1"'; mv /mnt/made-'$(($1 - 1))' /mnt/moved 2>/dev/null; sync'
}
volume=$(orch status --json | jq -r .environment.machine_name)/db
sums() {
	in_volume "$volume" find . -type f -printf '%p %m %U %T@\n' -exec sha256sum {} + | sort
}
generation() {
	orch status --json | jq .environment.generation
}
change 1
sums >"$work/sums.1"
for g in $(seq 2 51); do
	echo "$g" >page
	commit . "$g"
	check "deploy $g" orch deploy -q
	change "$g"
	# All of them would take a while.
	case $g in 2 | 26 | 50) sums >"$work/sums.$g" ;; esac
done
check "so many generations" same "$(generation)" 51
url=$(orch status | grep -oE 'http://[^ ]+')
# Each rollback is a generation, too: the oldest of the last fifty first.
for g in 1 2 26 50; do
	from=${EPOCHREALTIME/[.,]/}
	check "to generation $g" orch rollback $g --with-data
	echo "rollback of $size MB to generation $g of $(generation): $(((${EPOCHREALTIME/[.,]/} - from) / 1000)) ms"
	sums >"$work/sums"
	check "byte by byte" cmp "$work/sums" "$work/sums.$g"
	check "its code" same "$(curl -fsS -m 5 "${url}page")" $g
	check "all are ready" same "$(orch ps --json | jq '[.containers[] | select(.ready)] | length')" 2
done
# How many snapshots stay is a setting.
kept() {
	orch volume ls --json | jq -r '.volumes[].snapshot // empty' | grep -cE "^$1" | xargs
}
per=$(($(orch volume ls --json | jq '[.volumes[] | select(.snapshot == null)] | length')))
check "fifty by itself" same "$(orch status --json | jq .environment.keep) $(kept 'g[0-9]')" "50 $((50 * per))"
for bad in 0 -1 1001 many ''; do
	check "no number of snapshots: $bad" exits 2 orch env set "--keep=$bad"
done
check "three" orch env set --keep 3
check "told" contains "$(orch status)" "keeps       3 snapshots"
check "not at once" same "$(kept 'g[0-9]')" $((50 * per))
echo last >page
commit . last
check "the next deploy" orch deploy -q
check "three stay" same "$(kept 'g[0-9]') $(kept before-rollback-)" "$((3 * per)) $((3 * per))"
check "the newest" same "$(orch volume ls --json | jq -r '[.volumes[].snapshot // empty | select(test("^g[0-9]"))] | unique | map(ltrimstr("g") | tonumber) | max')" "$(generation)"
check "destroy" orch destroy --purge --yes-destroy main
check "nothing is left" same "$(host_state)" "$before"
