#!/bin/bash
# What MariaDB and PostgreSQL commit a second in a volume, and in a clone of it, beside the same server on the disk below
# the pool, in turn in one run. Run from the build folder as root. BENCH_SECONDS: of each measurement, taken three times.
# BENCH_BTRFS=yes: with a btrfs as the pool as well, in a file on the same disk.
# shellcheck disable=SC2034 # lib.sh reads it
isolate=yes
seconds=${BENCH_SECONDS:-2}
cache=${ORCH_TEST_CACHE:-/var/cache/orch-test}
for type in mariadb:10.11 postgresql:15; do
	[ -e "$cache/images/names/base-$type" ] && continue
	echo "databases: left out: no image of $type in $cache; make check-e2e builds it"
	exit 0
done
# shellcheck source=tests/bench/many.sh
. "$(cd "$(dirname "$0")" && pwd)/many.sh"

# on KIND VERB...: each kind of disk has a root of its own.
on() {
	local kind=$1
	shift
	"$ORCH" --root "$work/$kind" "$@"
}

# As the servers' own superusers, by their sockets.
maria() {
	on "$1" exec -T -u root -e "$2" my -- "${@:3}" </dev/null
}
postgres() {
	on "$1" exec -T -u app -e "$2" pg -- /usr/lib/postgresql/15/bin/pgbench -n -h /run/postgresql -U postgres "${@:3}" main </dev/null 2>&1
}

# Four clients at once: a row changed at random, and one added, a transaction. It has no option for a
# time, so a few show how many that is.
transactions() {
	maria "$1" "$2" mariadb-slap --no-defaults --socket=/run/mysqld/mysqld.sock --create-schema=main --no-drop --delimiter=';' \
		--concurrency=4 --number-of-queries=$(($3 * 5)) --query="SET @at = FLOOR(1 + RAND() * 200000); START TRANSACTION;
			UPDATE account SET balance = balance + 1 WHERE id = @at;
			INSERT INTO history(id, filler) VALUES(@at, REPEAT('y', 100)); COMMIT" |
		awk -v n="$3" '/Average number of seconds/ { printf "%.0f\n", n / ($(NF - 1) > 0 ? $(NF - 1) : 0.001) }'
}
mariadb_rate() {
	local n
	n=$(transactions "$1" "$2" 200)
	transactions "$1" "$2" $((n * seconds / 4 * 4))
}
postgresql_rate() {
	postgres "$1" "$2" -c 4 -j 2 -T "$seconds" | sed -n 's/^tps = \([0-9]*\).*/\1/p'
}

busybox_image "$work/app" <<'IMAGE'
{kind: app, user: web, users: {web: {uid: 10000, gid: 10000}}, memory: 64M, pids: 40, path: /bin,
 processes: {sleep: {command: [/bin/sleep, "100000"], main: true}},
 endpoints: {tcp: {scheme: tcp, port: 80, default: true}}}
IMAGE
mkdir "$work/project"
cd "$work/project" || exit 1
git init -q -b main .
# As small as a clone is anyway: the same memory for all.
printf 'name: web\ntype: "app:1.0"\nrelationships: {a: "my:mysql", b: "pg:postgresql"}\n' >app.yaml
printf '%s: {type: "%s", disk: 8192, size: S}\n' my mariadb:10.11 pg postgresql:15 >services.yaml
commit . one
# A root of that kind with both servers and their data.
start() {
	local kind=$1
	mkdir -p "$work/$kind/var/lib/orch/images"
	cp -a "$cache/images/." "$work/$kind/var/lib/orch/images/"
	on "$kind" image import "$work/app" app:1.0 >/dev/null || return 1
	case $kind in
	plain)
		mkdir "$work/disk.plain"
		on plain pool use "$work/disk.plain" --unlimited --allow-copy >/dev/null 2>&1 || return 1
		;;
	btrfs)
		truncate -s 16G "$work/btrfs.img"
		mkfs.btrfs -q -m single "$work/btrfs.img" && mkdir "$work/disk.btrfs" && mount -o loop "$work/btrfs.img" "$work/disk.btrfs" &&
			losetup --direct-io=on "$(findmnt -no SOURCE "$work/disk.btrfs")" && on btrfs pool use "$work/disk.btrfs" >/dev/null || return 1
		;;
	esac
	on "$kind" deploy -q >"$work/said" 2>&1 || {
		cat "$work/said"
		return 1
	}
	postgres "$kind" main -i -q -s 5 >/dev/null
	maria "$kind" main mariadb --no-defaults --socket=/run/mysqld/mysqld.sock main -e "
		CREATE TABLE account(id INT PRIMARY KEY, balance INT, filler CHAR(100));
		INSERT INTO account SELECT seq, 0, REPEAT('x', 100) FROM seq_1_to_200000;
		CREATE TABLE history(n BIGINT AUTO_INCREMENT PRIMARY KEY, id INT, filler CHAR(100))"
}
stop_all() {
	local kind
	for kind in $kinds; do
		on "$kind" destroy --purge --yes -q -e copy >/dev/null 2>&1
		on "$kind" destroy --purge --yes-destroy main -q >/dev/null 2>&1
	done
	[ ! -d "$work/disk.btrfs" ] || umount "$work/disk.btrfs"
	finish >/dev/null
}
kinds="plain own"
[ "${BENCH_BTRFS:-}" != yes ] || ! command -v mkfs.btrfs >/dev/null || kinds="$kinds btrfs"
trap stop_all EXIT
for kind in $kinds; do
	start "$kind" || {
		echo "databases: no servers on $kind"
		exit 1
	}
done

# In turn, so that what else the machine does meets all of them alike. A clone is made anew each time: its first writes are
# those that cost. The first round is warm-up.
rate() {
	"$1_rate" "$2" "$3" >"$work/one"
	[ "$round" = 0 ] || cat "$work/one" >>"$work/t.$1.$2.$3"
}
for round in 0 1 2 3; do
	for server in mariadb postgresql; do
		for kind in $kinds; do
			rate $server "$kind" main
			[ "$kind" != plain ] || continue
			on "$kind" branch copy -q >/dev/null 2>&1
			rate $server "$kind" copy
			on "$kind" destroy --purge --yes -q -e copy >/dev/null 2>&1
			git branch -q -D copy
		done
	done
done

echo "databases: transactions a second of four clients, median of 3; ratio to the same server on $(findmnt -no FSTYPE -T "$work")"
printf '  %-20s %10s' "" "plain disk"
for kind in $kinds; do
	[ "$kind" = plain ] || printf ' %17s %17s' "$kind volume" "its clone"
done
echo
for server in mariadb postgresql; do
	base=$(share 50 <"$work/t.$server.plain.main")
	printf '  %-20s %10s' "$server" "$base"
	for kind in $kinds; do
		[ "$kind" != plain ] || continue
		for env in main copy; do
			awk -v n="$(share 50 <"$work/t.$server.$kind.$env")" -v base="$base" 'BEGIN { printf " %10d %6.2f", n, n / base }'
		done
	done
	echo
done
passed=1
