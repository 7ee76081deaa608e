#!/bin/bash
# What a clone of a running group takes beside cp of its data, and what the pool costs a log beside the disk that it lies on.
# Run from the build folder: tests/bench/volumes.sh. BENCH_SIZES: of the volume, in MB. BENCH_SECONDS: of each measurement of
# throughput, taken three times in turn. The group's database is MariaDB if there is an image of it in ORCH_TEST_CACHE.
sizes=${BENCH_SIZES:-10 1024 5120}
seconds=${BENCH_SECONDS:-2}
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
ORCH=$PWD/orch
commits=$PWD/tests/bench/commits
export ORCH_SHARE=$top/images ORCH_LIBEXEC=$PWD/runtime TERM=dumb
# shellcheck source=tests/e2e/lib.sh
. "$here/../e2e/lib.sh"
passed=1
trap 'finish >/dev/null' EXIT

median() {
	sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# wall COMMAND...: milliseconds.
wall() {
	local from=${EPOCHREALTIME/[.,]/}
	"$@" >/dev/null 2>&1 || echo "bench: failed: $*" >&2
	echo $(((${EPOCHREALTIME/[.,]/} - from) / 1000))
}

df_used() {
	orch df --json | jq .usage.pool.used
}

# fill FOLDER MB: in 16 files, of bytes that don't compress.
fill() {
	local i part=$(($2 * 1048576 / 16))
	[ -s "$work/seed" ] || head -c 16777216 /dev/urandom >"$work/seed"
	for i in $(seq 16); do
		while cat "$work/seed"; do :; done 2>/dev/null | head -c $part >"$1/file$i"
	done
	sync -f "$1"
}

busybox_image "$work/store" <<IMAGE
{kind: service, user: app, users: {app: {uid: 1000, gid: 1000}}, memory: 64M, pids: 40, path: /bin, data: /mnt,
 processes: {sleep: {command: [/bin/sleep, "100000"], main: true}},
 endpoints: {tcp: {scheme: tcp, port: 80, default: true}}}
IMAGE
busybox_image "$work/app" <<IMAGE
{kind: app, user: web, users: {web: {uid: 10000, gid: 10000}}, memory: 64M, pids: 40, path: /bin,
 processes: {sleep: {command: [/bin/sleep, "100000"], main: true}},
 endpoints: {tcp: {scheme: tcp, port: 80, default: true}}}
IMAGE
database=store:1.0 endpoint=tcp images=${ORCH_TEST_CACHE:-/var/cache/orch-test}/images
if [ -e "$images/names/base-mariadb:10.11" ]; then
	database=mariadb:10.11 endpoint=mysql
	mkdir -p "$root/var/lib/orch/images"
	cp -a "$images/." "$root/var/lib/orch/images/"
fi
for type in store app; do
	orch image import "$work/$type" "$type:1.0" >/dev/null || exit 1
done
mkdir "$work/project"
cd "$work/project" || exit 1
git init -q -b main .
printf 'name: app\ntype: "app:1.0"\nrelationships: {db: "db:%s"}\n' $endpoint >app.yaml
printf 'db: {type: "%s", disk: 50000, size: S}\n' $database >services.yaml
commit . one
orch deploy -q >/dev/null || exit 1
pool=$root/var/lib/orch/pool
image=$pool/$(orch ls --json | jq -r '.environments[0].machine_name')/db
volume=$work/volume
mkdir "$volume" "$work/bench"
# The same file system that the server has; a second device would be another.
mount "$(losetup -n -O NAME -j "$image" | head -n 1)" "$volume" || exit 1

# As orch makes one, and mounts it.
clone() {
	sync -f "$volume"
	cp --reflink=always "$image" "$pool/bench"
	mount "$(losetup --direct-io=on --sector-size 4096 -f --show "$pool/bench")" "$work/bench"
}
unclone() {
	local device
	device=$(findmnt -no SOURCE "$work/bench") || return
	umount "$work/bench"
	losetup -d "$device"
	rm "$pool/bench"
}

# First: what is written and removed below keeps the disk busy for a while. In turn, so that what else the machine does meets all of them alike. The clone is made anew each time: its first writes are those that cost.
mkdir "$work/disk" "$volume/fresh"
for i in 0 1 2 3; do
	orch volume rm bench -q 2>/dev/null
	unclone
	disk=$($commits "$seconds" "$work/disk")
	fresh=$($commits "$seconds" "$volume/fresh")
	clone
	first=$($commits "$seconds" "$work/bench/fresh")
	later=$($commits "$seconds" "$work/bench/fresh")
	[ $i -gt 0 ] || continue # warm now
	echo "$disk" >>"$work/t.disk"
	echo "$fresh" >>"$work/t.fresh"
	echo "$first" >>"$work/t.first"
	echo "$later" >>"$work/t.later"
done
unclone
echo "a database's commits a second (own client: log, fdatasync, checkpoints), median of 3; ratio to the disk below the pool"
base=$(median <"$work/t.disk")
for what in "disk:the disk itself ($(stat -fc %T "$work"))" "fresh:a volume" "first:its clone, from the start" "later:its clone, $seconds s later"; do
	median <"$work/t.${what%%:*}" | awk -v text="${what#*:}" -v base="$base" \
		'{ printf "  %-44s %9.0f   %.2f\n", text, $1, $1 / base }'
done
rm -rf "$volume/fresh" "$work/disk"

umount "$volume"
# Its own start, beside which the clone's "ready" stands.
for _ in 1 2 3 4 5; do
	orch stop -q
	wall orch start -q >>"$work/start"
done
echo "clones of a running group, in milliseconds, median of 5; $database itself starts in $(median <"$work/start")"
printf '  %-10s %10s %10s %14s %10s %16s\n' "" created ready "bytes added" "cp -a" "cp --reflink"
for size in $sizes; do
	mount "$(losetup -n -O NAME -j "$image" | head -n 1)" "$volume" && mkdir "$volume/more" || exit 1
	fill "$volume/more" "$size"
	sync -f "$volume"
	rm -f "$work"/t.*
	for _ in 1 2 3 4 5; do
		before=$(df_used)
		orch branch copy --no-start -q >/dev/null 2>&1
		echo $(($(df_used) - before)) >>"$work/t.added"
		orch destroy --purge --yes -q -e copy >/dev/null 2>&1
		orch branch copy --json 2>/dev/null | jq -r 'select(.event == "end") | "\(.created_ms) \(.ready_ms)"' >"$work/one"
		cut -d' ' -f1 "$work/one" >>"$work/t.created"
		cut -d' ' -f2 "$work/one" >>"$work/t.ready"
		orch destroy --purge --yes -q -e copy >/dev/null 2>&1
	done
	copy=$(wall cp -a "$volume" "$work/copy")
	rm -rf "$work/copy"
	link=$(wall cp --reflink=always "$image" "$pool/.bench")
	rm -rf "$pool/.bench" "$volume/more"
	umount "$volume"
	printf '  %-10s %10s %10s %14s %10s %16s\n' "$size MB" "$(median <"$work/t.created")" "$(median <"$work/t.ready")" \
		"$(median <"$work/t.added")" "$copy" "$link"
done
command -v docker >/dev/null || echo "  docker compose isn't here: cp -a is what it would copy the volumes with"
