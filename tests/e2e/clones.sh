#!/bin/bash
# Clones of a MariaDB that is written to all the time: each starts, passes its own check and holds exactly a prefix
# of the committed transactions. CLONES=100 for more of them.
# shellcheck disable=SC2034 # lib.sh reads it
isolate=yes
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/e2e/lib.sh
. "$here/lib.sh"
before=$(host_state)
export TERM=dumb
cache=${ORCH_TEST_CACHE:-/var/cache/orch-test}
images=$root/var/lib/orch/images
mkdir -p "$images"
[ -d "$cache/images" ] && cp -a "$cache/images/." "$images/"
check "image build" orch image build mariadb:10.11

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
check "import" orch image import "$work/app" app:1.0
project=$work/project
mkdir -p "$project"
git init -q -b main "$project"
printf 'name: web\ntype: "app:1.0"\nrelationships: {database: "db:mysql"}\n' >"$project/app.yaml"
printf 'db: {type: "mariadb:10.11", disk: 8192}\n' >"$project/services.yaml"
commit "$project" one
cd "$project" || exit 1
check "deploy" orch deploy
[ $failed = 0 ] || exit 1

# What an environment's app is told.
password() {
	# shellcheck disable=SC2016 # for the shell in the container
	orch exec -e "$1" web -- sh -c 'echo $PLATFORM_RELATIONSHIPS' | base64 -d | jq -r '.database[0].password'
}
# client ENV [FLAG...]: as the app would connect.
client() {
	local env=$1
	shift
	orch exec -T -e "$env" db -- env MYSQL_PWD="$(password "$env")" mariadb -h 127.0.0.1 -u user -N -B "$@" main
}
# sql ENV STATEMENTS
sql() {
	client "$1" -e "$2"
}
check "tables" sql main "CREATE TABLE a(n INT PRIMARY KEY, filler VARCHAR(200)) ENGINE=InnoDB;
	CREATE TABLE b(n INT PRIMARY KEY, filler VARCHAR(200)) ENGINE=InnoDB"

# Numbered transactions over both tables, as fast as they are acknowledged; the time of each acknowledgement.
numbers() {
	local i=1
	while [ ! -e "$work/enough" ]; do
		echo "BEGIN; INSERT INTO a VALUES($i, REPEAT('x', 200)); INSERT INTO b VALUES($i, REPEAT('y', 200)); COMMIT; SELECT $i;"
		i=$((i + 1))
	done
}
write() {
	numbers 2>/dev/null | client main -n |
		while read -r n; do echo "$EPOCHREALTIME $n"; done >"$work/acknowledged"
}
write &
writer=$!
last() {
	tail -n 2 "$work/acknowledged" | head -n 1 | cut -d' ' -f2
}
for _ in $(seq 100); do
	[ "$(wc -l <"$work/acknowledged")" -gt 200 ] && break
	sleep 0.1
done

between() {
	[ "$1" -le "$2" ] && [ "$2" -le "$3" ]
}
n=${CLONES:-20}
: >"$work/times"
for i in $(seq "$n"); do
	from=$(last)
	orch branch "clone-$i" --json >"$work/branch" 2>"$work/branch.err" || {
		check "clone $i" false
		cat "$work/branch.err" "$work/branch"
		continue
	}
	to=$(($(last) + 2)) # one acknowledged meanwhile, one on its way
	tail -n 1 "$work/branch" | jq -r '"\(.created_ms) \(.ready_ms)"' >>"$work/times"
	read -r low high count others <<<"$(sql "clone-$i" 'SELECT MIN(n), MAX(n), COUNT(*),
		(SELECT COUNT(*) FROM b JOIN a USING(n)) - COUNT(*) FROM a' | tr '\t' ' ')"
	check "clone $i: from the first" same "$low" 1
	check "clone $i: no holes" same "$count" "$high"
	check "clone $i: whole transactions" same "$others $(sql "clone-$i" 'SELECT COUNT(*) FROM b')" "0 $count"
	check "clone $i: what was committed before it, and nothing from later" between "$from" "$high" "$to"
	check "clone $i: CHECK TABLE" same "$(sql "clone-$i" 'CHECK TABLE a, b EXTENDED' | cut -f4 | sort -u)" OK
	check "clone $i: takes writes" sql "clone-$i" "INSERT INTO a VALUES(-$i, 'child')"
	check "clone $i: destroy" orch destroy --purge --yes -q -e "clone-$i"
	git branch -q -D "clone-$i"
done
touch "$work/enough"
wait $writer
check "the parent has none of their writes" same "$(sql main 'SELECT COUNT(*) FROM a WHERE n < 1')" 0
check "the parent has all that it acknowledged" same "$(sql main 'SELECT COUNT(*) FROM a')" \
	"$(tail -n 1 "$work/acknowledged" | cut -d' ' -f2)"
check "and is whole" same "$(sql main 'CHECK TABLE a, b EXTENDED' | cut -f4 | sort -u)" OK

awk '{ if (NR > 1 && $1 - t > m) m = $1 - t; t = $1; n = NR }
	END { printf "%d transactions, the longest stall of the parent %.1f ms\n", n, m * 1000 }' "$work/acknowledged"
sed -n 's/.*snapshot clone.*held \([0-9]*\) us.*/\1/p' "$root"/var/lib/orch/log/main-*/supervisor.log | sort -n |
	awk '{ v[NR] = $1 } END { printf "held: median %.1f ms, most %.1f ms\n", v[int((NR + 1) / 2)] / 1000, v[NR] / 1000 }'
sort -n "$work/times" | awk '{ c[NR] = $1; r[NR] = $2 } END { printf "%d clones: created in %d ms (median; most %d)\n", NR, c[int((NR + 1) / 2)], c[NR] }'
check "destroy" orch destroy --purge --yes-destroy main -q -e main
check "nothing is left" same "$(host_state)" "$before"
