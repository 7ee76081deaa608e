#!/bin/bash
# Volumes: limits and who says so, snapshots, what takes how much, pools of each kind.
# Single quotes: for the shell in the container.
# shellcheck disable=SC2016
# shellcheck disable=SC2034 # lib.sh reads it
isolate=yes
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/e2e/lib.sh
. "$here/lib.sh"
before=$(host_state)
export TERM=dumb
unset ORCH_ENVIRONMENT ORCH_ROOT

import_images() {
	store_image "$work/store"
	busybox_image "$work/app" <<'IMAGE'
kind: app
user: web
users: {web: {uid: 10000, gid: 10000, home: /app}}
processes:
  httpd: {command: [/bin/httpd, -f, -p, "80", -h, /app], main: true}
endpoints: {http: {scheme: http, port: 80, default: true}}
memory: 64M
pids: 40
path: /bin
IMAGE
	local type
	for type in store app; do
		check "import $type" orch image import "$work/$type" "$type:1.0"
	done
}

# write FILE MB: random bytes, from its start and in place, in the container db.
write() {
	orch exec db -- dd if=/dev/urandom of="/mnt/$1" bs=1M count="$2" conv=notrunc,fsync 2>&1
}

put() {
	printf %s "$2" | orch exec db -- sh -c "cat > /mnt/$1 && sync"
}

get() {
	orch exec db -- cat "/mnt/$1"
}

# of VOLUME KEY: from df.
of() {
	orch df --json | jq -r --arg v "$1" --arg k "$2" '.usage.volumes[] | select(.kind == "volume" and .volume == $v) | .[$k]'
}

# until TEXT COMMAND...: its output holds the text within ten seconds.
until_says() {
	local text=$1
	shift
	for _ in $(seq 100); do
		case $("$@" 2>&1) in *"$text"*) return 0 ;; esac
		sleep 0.1
	done
	contains "$("$@" 2>&1)" "$text"
}

# within GOT WANTED: one part in a hundred apart.
within() {
	awk -v a="$1" -v b="$2" 'BEGIN { d = a - b; exit !(b > 0 && (d < 0 ? -d : d) <= b / 100) }' ||
		{
			echo "$1 is not within 1 % of $2"
			return 1
		}
}

import_images
project=$work/project
mkdir -p "$project"
git init -q -b main "$project"
cd "$project" || exit 1
printf 'name: web\ntype: "app:1.0"\nrelationships: {database: "db:data"}\n' >app.yaml
printf 'db: {type: "store:1.0", disk: 2500}\n' >services.yaml
echo one >page
commit . one

check "no pool yet" contains "$(orch pool show)" "no pool yet"
check "a bad size is refused" exits 2 orch deploy --pool-size 64GB
check "deploy makes the pool" orch deploy --pool-size 2G
[ $failed = 0 ] || exit 1
check "of that size" same "$(orch pool show --json | jq .pool.file_size)" 2147483648
check "a second size is refused" exits 4 orch deploy --pool-size 4G
check "by branch as well" exits 4 orch branch other --pool-size 4G
check "it grows" orch pool grow 3G
check "while it is used" same "$(orch pool show --json | jq '.pool.size > .pool.file_size * 0.95')" true
check "and doesn't shrink" exits 2 orch pool grow 1G

# The limit, which became smaller than what the volume was made for.
sed -i 's/disk: 2500/disk: 128/' services.yaml
commit . small
check "a smaller disk" orch deploy
check "data" write data 80
check "what is used" within "$(of db used)" 83886080
check "the limit" same "$(of db limit)" 128000000
check "the limit is reached" contains "$(write more 80)" "No space left on device"
check "never more than that" [ "$(of db used)" -le 128000000 ]
check "its log says so" until_says "quota: volume db is full (1" orch logs db
check "and the way out" contains "$(orch logs db)" 'raise "disk" in services.yaml'
check "ps says so" until_says "volume db is full" orch ps
check "df says so" contains "$(orch df)" 'full: raise "disk"'
orch exec db -- rm /mnt/more
for _ in $(seq 100); do
	orch ps | grep -q "is full" || break
	sleep 0.1
done
check "ps takes it back" exits 1 contains "$(orch ps)" "is full"

# Snapshots hold what was overwritten; the limit isn't about that.
put word one
for i in 1 2 3 4; do
	check "snapshot $i" orch volume snapshot "s$i"
	for part in 0 1 2 3; do
		check "rewritten $i.$part" orch exec db -- dd if=/dev/urandom of=/mnt/data bs=1M seek=$((part * 20)) count=20 conv=notrunc,fsync
		sleep 1.2
	done
done
check "no more is used" within "$(of db used)" 83886080
check "snapshots hold four times that" [ "$(orch df --json | jq .usage.snapshots.exclusive)" -ge 335000000 ]
# What parts of extents take beside is looked at every second.
still_limited() {
	local i
	for ((i = 0; i < 10; i++)); do
		case $(write more 80) in *"No space left on device"*) return 0 ;; esac
		orch exec db -- rm /mnt/more
		sleep 1
	done
	return 1
}
check "still limited" still_limited
orch exec db -- rm /mnt/more
check "six in the list: that before the deploy, too" same "$(orch volume ls --json | jq '.volumes | length')" 6

# Verbs.
check "orch's own names are refused" exits 2 orch volume snapshot g12
check "so are others" exits 2 orch volume snapshot ../x
check "a name is given once" exits 4 orch volume snapshot s1
check "no such snapshot" exits 3 orch volume restore nobody
put word two
sum=$(orch exec db -- md5sum /mnt/data)
check "restore" orch volume restore s1
check "the data of then" same "$(get word)" one
check "is ready" same "$(orch ps --json | jq '[.containers[] | select(.ready)] | length')" 2
kept=$(orch volume ls --json | jq -r '[.volumes[].snapshot | select(. != null and startswith("before-restore-"))][0]')
check "that of before is kept" orch volume restore "$kept"
check "and comes back" same "$(get word)" two
check "to the byte" same "$(orch exec db -- md5sum /mnt/data)" "$sum"
check "a snapshot under another name" orch volume clone s1 keep
check "rm" orch volume rm s1
check "is gone" exits 3 orch volume restore s1
check "the other isn't" orch volume restore keep
check "the data of then, again" same "$(get word)" one
check "a volume in use stays" exits 4 orch volume rm db
check "the limit is there as well" contains "$(write more 80)" "No space left on device"
orch exec db -- rm /mnt/more
orch stop -q
check "restore while stopped" orch volume restore s2
orch start -q
check "is there at the start" orch exec db -- test -s /mnt/data
for s in s2 s3 s4 keep; do
	check "rm $s" orch volume rm $s
done

# Not without end.
n=0
while [ $n -lt 70 ] && orch volume snapshot -q "many$n"; do n=$((n + 1)); done 2>"$work/refused"
check "64 snapshots are enough" same $n 64
check "which is said" contains "$(cat "$work/refused")" "which is the limit"
check "nothing counts twice" within "$(of db used)" 83886080
for i in $(seq 0 63); do orch volume rm -q "many$i"; done
check "they are gone" same "$(orch volume ls --json | jq '[.volumes[].snapshot | select(. != null and startswith("many"))] | length')" 0

# The sum is what the disk says.
sync -f "$root/var/lib/orch/pool"
check "total" within "$(orch df --json | jq .usage.total)" \
	"$(du -cB1 "$root/var/lib/orch/pool.img" "$root"/var/lib/orch/images/*.sqfs | awk 'END { print $1 }')"
check "df for people" contains "$(orch df)" "its file"
check "doctor looks at the pool" contains "$(orch doctor 2>&1)" "disk below the pool"

# The pool is full, and grows.
sed -i 's/disk: 128/disk: 5000/' services.yaml
commit . large
check "a larger disk" orch deploy
check "the pool is full" contains "$(write huge 4000)" "No space left on device"
check "which is said" until_says "the pool is full" orch logs db
check "by df too" contains "$(orch df)" "orch pool grow SIZE"
check "everything that was there is" orch exec db -- test -s /mnt/data
check "it grows when full" orch pool grow 4G
check "and can be written to" until_says "20+0 records out" write again 20
orch exec db -- rm /mnt/huge /mnt/again

# Another place.
mkdir "$work/plain"
check "a pool in use stays" exits 4 orch pool use "$work/plain" --unlimited
check "destroy" orch destroy --purge --yes-destroy main
check "no copies unless that is said" exits 2 orch pool use "$work/plain" --unlimited
check "not without limits either" exits 9 orch pool use "$work/plain" --allow-copy
if command -v mkfs.xfs >/dev/null; then
	truncate -s 400M "$work/xfs.img"
	mkfs.xfs -q "$work/xfs.img"
	mkdir "$work/xfs"
	mount -o loop "$work/xfs.img" "$work/xfs"
	touch "$work/xfs/mine"
	check "somebody's files are no pool" exits 2 orch pool use "$work/xfs" --unlimited
	rm "$work/xfs/mine"
	check "an XFS" orch pool use "$work/xfs"
	check "the file is gone" [ ! -e "$root/var/lib/orch/pool.img" ]
	check "deploy on XFS" orch deploy
	put word one
	check "snapshot on XFS" orch volume snapshot s1
	put word two
	check "restore on XFS" orch volume restore s1
	check "the data of then, on XFS" same "$(get word)" one
	check "said of XFS" contains "$(orch pool show)" "image in $work/xfs"
	check "destroy on XFS" orch destroy --purge --yes-destroy main
fi
check "copies when that is said" orch pool use "$work/plain" --unlimited --allow-copy
check "and what they cost" contains "$(orch pool show)" "as much space"
if [ -d "$work/xfs" ]; then umount "$work/xfs"; fi
check "nothing is left" same "$(host_state)" "$before"
