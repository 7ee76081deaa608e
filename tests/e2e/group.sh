#!/bin/bash
# A group of three small containers through its whole life: deploy, redeploy, what each can see and
# reach, limits, drills with kill -9, bad input, and nothing left at the end.
# Single quotes: for the shell in the container.
# shellcheck disable=SC2016
# shellcheck disable=SC2034 # lib.sh reads it
isolate=yes
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/e2e/lib.sh
. "$here/lib.sh"
before=$(host_state)
export TERM=dumb

web_image "$work/app"
busybox_image "$work/store" <<'IMAGE'
kind: service
user: app
users: {app: {uid: 1000, gid: 1000, home: /mnt}}
processes:
  httpd: {command: [/bin/httpd, -f, -p, "6000", -h, /mnt], main: true}
ready: [/bin/wget, -q, -O, /dev/null, "http://127.0.0.1:6000/id"]
endpoints: {data: {scheme: http, port: 6000, default: true}}
data: /mnt
hooks: [boot, open]
memory: 64M
pids: 40
path: /bin
IMAGE
cat >"$work/store/etc/orch/hooks/boot" <<'HOOK'
#!/bin/sh
[ -s /mnt/id ] || { head -c 16 /dev/urandom | md5sum | cut -c 1-32 >/mnt/id; chown app:app /mnt/id; }
HOOK
cat >"$work/store/etc/orch/hooks/open" <<'HOOK'
#!/bin/sh
printf '{"data": {"username": "reader", "password": "%s", "path": "id"}}\n' "$(cat /mnt/id)"
HOOK
chmod 755 "$work"/store/etc/orch/hooks/*
busybox_image "$work/cache" <<'IMAGE'
kind: service
user: app
users: {app: {uid: 1000, gid: 1000, home: /}}
processes:
  probe: {command: [/bin/probe, LISTEN, "7000", "7001"], main: true}
endpoints: {main: {scheme: tcp, port: 7000, default: true}}
memory: 64M
pids: 40
path: /bin
IMAGE
for type in app store cache; do
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
mounts: {"upload": {source: local, source_path: upload}}
hooks:
  build: |
    id -u > built-by
  deploy: |
    echo deployed >> /app/upload/deploys
YAML
printf 'db: {type: "store:1.0", disk: 300}\ncache: {type: "cache:1.0"}\n' >"$project/services.yaml"
echo one >"$project/page"
commit "$project" one
cd "$project" || exit 1

check "validate" orch validate
check "plan of something new" contains "$(orch plan)" "create"
check "deploy" orch deploy
[ $failed = 0 ] || exit 1
url=$(orch status | grep -oE 'http://[^ ]+')
check "the page" same "$(curl -fsS -m 5 "${url}page")" one
check "the build ran as the app's user" same "$(curl -fsS -m 5 "${url}built-by")" 10000
check "all are ready" same "$(orch ps --json | jq '[.containers[] | select(.ready)] | length')" 3

check "of generation 1" same "$(orch ps --json | jq '[.containers[] | select(.generation == 1)] | length')" 3
web=$(pids web) db=$(pids db) cache=$(pids cache)
check "nothing to do" contains "$(orch deploy 2>&1)" "nothing to do"
check "no new process" same "$(pids web),$(pids db),$(pids cache)" "$web,$db,$cache"
check "plan has no differences" exits 0 orch plan --detailed-exitcode

echo two >page
commit "$project" two
check "plan has differences" exits 8 orch plan --detailed-exitcode
check "plan says swap" contains "$(orch plan)" "swap"
check "code is swapped" contains "$(orch deploy 2>&1)" "swap"
check "the new page" same "$(curl -fsS -m 5 "${url}page")" two
check "no container was touched" same "$(pids web),$(pids db),$(pids cache)" "$web,$db,$cache"

# What orch config prints is the same group, to the byte.
orch config >"$work/config.yaml"
mkdir .upsun
cp "$work/config.yaml" .upsun/config.yaml
git rm -q app.yaml services.yaml
commit "$project" "in one file"
check "orch config of its own output" same "$(orch config)" "$(cat "$work/config.yaml")"
check "an empty plan" exits 0 orch plan --detailed-exitcode
# What can't be done yet is refused before anything is touched; to look at it takes no rights.
echo "move_to_root: true" >"$work/later"
git rm -q -r .upsun
git checkout -q HEAD~ -- app.yaml services.yaml
cat "$work/later" >>app.yaml
commit "$project" "with what is not done"
check "what is not done is fine to validate" orch validate
check "validate -v says more" contains "$(orch validate -v 2>&1)" "move_to_root: true: not done"
check "it is not deployed" exits 2 orch deploy
check "nor planned" exits 2 orch plan
check "but offline" contains "$(orch plan --offline 2>/dev/null)" "create"
chmod 755 "$work" "$project"
check "nobody may validate" setpriv --reuid 65534 --regid 65534 --clear-groups "$ORCH" --root "$root" validate -C "$project"
sed -i '$d' app.yaml
commit "$project" "without"
check "as it was" exits 0 orch plan --detailed-exitcode
check "deploy hook ran per commit" same "$(orch exec web -- wc -l /app/upload/deploys | cut -d' ' -f1)" 2

# What a container sees.
check "id" contains "$(orch exec web -- id)" "uid=10000(web)"
check "root is asked for" same "$(orch exec -u root web -- id -u)" 0
check "PID 1" same "$(orch exec web -- cat /proc/1/comm)" orch-init
check "hostname" same "$(orch exec db -- hostname)" db
check "its own processes only" same "$(orch exec cache -- ps -o comm | grep -cvE '^(COMMAND|orch-init|probe|ps)$')" 0
check "its own links only" same "$(orch exec web -- ip -o link | wc -l)" 2
check "its own address" contains "$(orch exec web -- ip -4 addr show eth0)" "$(address web)/32"
check "its own mounts only" same "$(orch exec web -- cat /proc/mounts | grep -c "$work")" 0
check "the root is read-only" exits 1 orch exec -u root web -- touch /x
check "the code is read-only" exits 1 orch exec web -- touch /app/x
check "mounts are writable" orch exec web -- touch /app/upload/x
check "exit code" exits 7 orch exec web -- sh -c 'exit 7'
check "not found is 127" exits 127 orch exec web -- no-such-program
check "no such container is 3" exits 3 orch exec nobody -- true
check "input goes in" same "$(echo hello | orch exec web -- cat)" hello

# Who reaches whom.
check "credentials" same "$(orch exec web -- sh -c 'echo $PLATFORM_RELATIONSHIPS' | base64 -d |
	jq -r '.database[0] | "\(.host):\(.port) \(.username) \(.password | length)"')" \
	"database.internal:6000 reader 32"
# Names by hand: a static busybox can't load what glibc looks them up with.
check "the name answers" orch exec web -- sh -c \
	'wget -q -O - http://$(awk "/ database.internal/ { print \$1 }" /etc/hosts):6000/id'
for from in web db cache; do
	for to in web db cache; do
		[ $from != $to ] || continue
		expected=
		[ "$from $to" = "web db" ] && expected=6000
		check "ports of $to from $from" same \
			"$(orch exec $from -- probe SCAN "$(address $to)" 1 65535)" "$expected"
	done
done
check "root can't change the rules" exits 2 orch exec -u root web -- ip route add 169.254.99.1 dev eth0
check "logs" contains "$(orch logs web)" "web/init"

# Limits.
check "memory is limited" exits 137 orch exec -u root web -- sh -c 'head -c 200000000 /dev/zero | tail -c 190000000 >/dev/null; exit $?'
check "and ps says so" contains "$(orch ps)" "out of memory 1x: limit 64M, peak 64M, killed: tail ("
check "processes are limited" exits 2 orch exec web -- sh -c 'i=0; while [ $i -lt 60 ]; do sleep 3 & i=$((i+1)); done'
until orch exec web -- true 2>/dev/null; do sleep 0.1; done

# Drills.
identity=$(orch exec db -- cat /mnt/id)
supervisor=$(pgrep -f "supervise.*--root $root" | head -n 1)
kill -9 "$supervisor"
check "it serves without a supervisor" same "$(curl -fsS -m 5 "${url}page")" two
check "the next verb takes over" orch ps
check "the same containers" same "$(pids db),$(pids cache)" "$db,$cache"
httpd=$(orch exec web -- pidof httpd)
orch exec -u root web -- kill -9 "$httpd"
sleep 1
check "the process is back" curl -fsS -m 5 --retry 20 --retry-connrefused --retry-delay 1 "${url}page"
check "its container stayed" same "$(pids db)" "$db"
kill -9 "${cache%% *}"
for _ in $(seq 100); do
	[ "$(orch ps --json | jq '[.containers[] | select(.ready)] | length')" = 3 ] && break
	sleep 0.1
done
check "the container is back" same "$(orch ps --json | jq '[.containers[] | select(.ready)] | length')" 3
check "the others stayed" same "$(pids db)" "$db"

# A second environment: the same addresses, another world.
git checkout -q -b fix
echo fix >page
commit "$project" fix
check "second environment" orch deploy
other=$(orch status | grep -oE 'http://[^ ]+')
check "its own page" same "$(curl -fsS -m 5 "${other}page")" fix
check "the first is as it was" same "$(curl -fsS -m 5 "${url}page")" two
check "other data" exits 1 same "$(orch exec db -- cat /mnt/id)" "$identity"
for to in 169.254.1.1 169.254.64.2 169.254.64.3 $(hostname -I | tr " " "\n" | grep -v :); do
	check "no way to the other, nor to the host: $to" same \
		"$(orch exec web -- probe SCAN "$to" 1 65535)" ""
done
check "ls" same "$(orch ls --json | jq '.environments | length')" 2
check "destroy" orch destroy --purge --yes
git checkout -q main

# Data survives everything but --purge.
check "stop" orch stop
check "nothing answers" exits 7 curl -sS -m 3 "${url}page"
check "start" orch start
check "the same data" same "$(orch exec db -- cat /mnt/id)" "$identity"
sed -i 's/disk: 300/disk: 301/' services.yaml
echo 'variables: {env: {COLOR: blue}}' >>app.yaml
commit "$project" blue
check "a variable" orch deploy
check "is there" same "$(orch exec web -- sh -c 'echo $COLOR')" blue

# Bad input changes nothing.
record=$(orch show)
echo 'nonsense: true' >>app.yaml
commit "$project" bad
check "bad input is refused" exits 2 orch deploy
check "with its place" contains "$(orch deploy 2>&1)" 'error: unknown key "nonsense" [E0'
check "nothing changed" same "$(orch show)" "$record"
git reset -q --hard HEAD~1
sed -i 's/id -u > built-by/exit 3/' app.yaml
commit "$project" "build fails"
check "a failing build is 1" exits 1 orch deploy
check "the page stays" same "$(curl -fsS -m 5 "${url}page")" two
check "unknown verb" exits 2 orch deplyo
check "unknown flag" exits 2 orch deploy --foo
check "where to look" contains "$(orch deploy --foo 2>&1)" 'unknown flag "--foo"; see: orch deploy --help'
check "the nearest one" contains "$(orch deploy --worktre 2>&1)" 'did you mean "--worktree"?'
check "history" contains "$(orch history)" "ok"

check "destroy has to be confirmed" exits 2 orch destroy </dev/null
check "by name" exits 2 orch destroy --yes </dev/null
check "by its name" exits 2 orch destroy --yes-destroy other </dev/null
check "destroy" orch destroy --purge --yes-destroy main
check "no environment" exits 3 orch status
check "nothing is left" same "$(host_state)" "$before"
