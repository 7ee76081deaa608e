# Sourced by the scenarios of clones: an app, the database "db" of a type, a writer, and what each clone must hold.
# They give sql ENV STATEMENTS, writing ENV (a client that takes statements) and whole ENV (the server's own check).
# shellcheck shell=bash
# shellcheck disable=SC2154 # lib.sh and the scenario give them
cache=${ORCH_TEST_CACHE:-/var/cache/orch-test}

# What an environment's app is told.
password() {
	# shellcheck disable=SC2016 # for the shell in the container
	orch exec -e "$1" web -- sh -c 'echo $PLATFORM_RELATIONSHIPS' | base64 -d | jq -r '.database[0].password'
}

# database_group TYPE ENDPOINT
database_group() {
	mkdir -p "$root/var/lib/orch/images"
	cp -a "$cache/images/." "$root/var/lib/orch/images/"
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
	check "import" orch image import "$work/app" app:1.0
	mkdir -p "$work/project"
	cd "$work/project" || exit 1
	git init -q -b main .
	printf 'name: web\ntype: "app:1.0"\nrelationships: {database: "db:%s"}\n' "$2" >app.yaml
	printf 'db: {type: "%s", disk: 8192}\n' "$1" >services.yaml
	commit . one
	check "deploy" orch deploy
	[ "$failed" = 0 ] || exit 1
	check "tables" sql main "CREATE TABLE a(n INT PRIMARY KEY, filler VARCHAR(200));
		CREATE TABLE b(n INT PRIMARY KEY, filler VARCHAR(200))"
}

# Numbered transactions over both tables, as fast as they are acknowledged; the time of each acknowledgement.
numbers() {
	local i=1
	while [ ! -e "$work/enough" ]; do
		echo "BEGIN; INSERT INTO a VALUES($i, REPEAT('x', 200)); INSERT INTO b VALUES($i, REPEAT('y', 200)); COMMIT; SELECT $i;"
		i=$((i + 1))
	done
}
write() {
	numbers 2>/dev/null | writing main |
		while read -r n; do echo "$EPOCHREALTIME $n"; done >"$work/acknowledged"
}
last() {
	tail -n 2 "$work/acknowledged" | head -n 1 | cut -d' ' -f2
}
between() {
	[ "$1" -le "$2" ] && [ "$2" -le "$3" ]
}

# clone I: made, looked at, removed.
clone() {
	local i=$1 env=clone-$1 from to low high count both others
	from=$(last)
	orch branch "$env" --json >"$work/branch" 2>"$work/branch.err" || {
		check "clone $i" false
		cat "$work/branch.err" "$work/branch"
		return
	}
	to=$(($(last) + 2)) # one acknowledged meanwhile, one on its way
	tail -n 1 "$work/branch" | jq -r '"\(.created_ms) \(.ready_ms)"' >>"$work/times"
	read -r low high count both others <<<"$(sql "$env" 'SELECT MIN(n), MAX(n), COUNT(*),
		(SELECT COUNT(*) FROM b JOIN a USING(n)), (SELECT COUNT(*) FROM b) FROM a' | tr '\t|' '  ')"
	check "clone $i: from the first" same "$low" 1
	check "clone $i: no holes" same "$count" "$high"
	check "clone $i: whole transactions" same "$both $others" "$count $count"
	check "clone $i: what was committed before it, and nothing from later" between "$from" "$high" "$to"
	check "clone $i: its own check" whole "$env"
	check "clone $i: takes writes" sql "$env" "INSERT INTO a VALUES(-$i, 'child')"
	check "clone $i: destroy" orch destroy --purge --yes -q -e "$env"
	git branch -q -D "$env"
}

# Everything: N clones in a row under write load, then the parent.
clones() {
	local i writer
	write &
	writer=$!
	for _ in $(seq 100); do
		[ "$(wc -l <"$work/acknowledged")" -gt 200 ] && break
		sleep 0.1
	done
	: >"$work/times"
	for i in $(seq "$1"); do clone "$i"; done
	touch "$work/enough"
	wait $writer
	check "the parent has none of their writes" same "$(sql main 'SELECT COUNT(*) FROM a WHERE n < 1')" 0
	check "the parent has all that it acknowledged" same "$(sql main 'SELECT COUNT(*) FROM a')" \
		"$(tail -n 1 "$work/acknowledged" | cut -d' ' -f2)"
	check "and is whole" whole main
	awk '{ if (NR > 1 && $1 - t > m) m = $1 - t; t = $1; n = NR }
		END { printf "%d transactions, the longest stall of the parent %.1f ms\n", n, m * 1000 }' "$work/acknowledged"
	sed -n 's/.*snapshot clone.*held \([0-9]*\) us.*/\1/p' "$root"/var/lib/orch/log/main-*/supervisor.log | sort -n |
		awk '{ v[NR] = $1 } END { printf "held: median %.1f ms, most %.1f ms\n", v[int((NR + 1) / 2)] / 1000, v[NR] / 1000 }'
	sort -n "$work/times" | awk '{ v[NR] = $1 } END { printf "%d clones: created in %d ms (median; most %d)\n", NR, v[int((NR + 1) / 2)], v[NR] }'
	cut -d' ' -f2 "$work/times" | sort -n | awk '{ v[NR] = $1 } END { printf "ready in %d ms (median; most %d)\n", v[int((NR + 1) / 2)], v[NR] }'
	check "destroy" orch destroy --purge --yes-destroy main -q -e main
}
