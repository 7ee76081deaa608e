#!/bin/bash
# Branches with data: cloned, synced, promoted, compared, rolled back; hooks.clone; kill -9 in the middle.
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
  httpd: {command: [/bin/sh, -c, "[ ! -e /tmp/ill ] && exec /bin/httpd -f -p 6000 -h /mnt"], main: true}
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
for type in app store; do
	check "import $type" orch image import "$work/$type" "$type:1.0"
done

project=$work/project
mkdir -p "$project"
git init -q -b main "$project"
git -C "$project" config user.name e2e
git -C "$project" config user.email e2e@localhost
cat >"$project/app.yaml" <<'YAML'
name: web
type: "app:1.0"
size: M
disk: 128
relationships: {database: "db:data"}
mounts: {"upload": {source: local, source_path: upload}}
hooks:
  clone: |
    echo "about to clean, web processes: $(pidof httpd | wc -w)"
    wget -q -O upload/seen http://$(awk '/ database.internal/ { print $1 }' /etc/hosts):6000/id
    echo clean >upload/state
    [ ! -e upload/fail ]
YAML
printf 'db: {type: "store:1.0", disk: 300}\n' >"$project/services.yaml"
echo one >"$project/page"
commit "$project" one
cd "$project" || exit 1

# at ENV CONTAINER SCRIPT
at() {
	orch exec -u root -e "$1" "$2" -- sh -c "$3"
}
kill_supervisor() {
	local pid
	for pid in $(pgrep -f "supervise $1-.*--root $root"); do
		kill -9 "$pid" 2>/dev/null
		while [ -e "/proc/$pid" ] && ! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null; do sleep 0.01; done
	done
}
url() {
	orch status -e "$1" | grep -oE 'http://[^ ]+'
}
pool=$root/var/lib/orch/pool
of() {
	orch ls --json | jq -r --arg n "$1" '.environments[] | select(.environment == $n) | .machine_name'
}

check "nothing to clone yet" exits 3 orch branch early
check "deploy" orch deploy
[ $failed = 0 ] || exit 1
check "variables" orch var set -e main env:SHARED both
check "variables" orch var set -e main env:OWN mine --no-inherit
check "deploy of variables" orch deploy
at main db 'echo parent >/mnt/who; mkdir /mnt/dir; echo a >/mnt/dir/a; echo old >/mnt/old'
orch exec web -- sh -c 'echo secret >/app/upload/state'

# A clone is its parent's data and its own from then on.
out=$(orch branch fix 2>&1)
check "branch" contains "$out" "created in"
check "is ready" contains "$out" "ready in"
check "the clone hook's output is shown" contains "$out" "about to clean, web processes: 0"
check "git has the branch" git rev-parse --verify -q refs/heads/fix
check "without switching to it" same "$(git branch --show-current)" main
check "the data" same "$(at fix db 'cat /mnt/who')" parent
check "the hook ran, with its service" same "$(at fix web 'cat /app/upload/state /app/upload/seen')" \
	"clean
$(at main db 'cat /mnt/id')"
check "the parent's stays" same "$(at main web 'cat /app/upload/state')" secret
at fix db 'echo child >/mnt/who; echo c >/mnt/child'
at main db 'echo parent2 >/mnt/who'
check "writes of the child aren't the parent's" same "$(at main db 'cat /mnt/who; ls /mnt/child 2>&1 | wc -l')" "parent2
1"
check "nor the reverse" same "$(at fix db 'cat /mnt/who')" child
check "both serve" same "$(curl -fsS -m 5 "$(url main)page")$(curl -fsS -m 5 "$(url fix)page")" oneone
check "credentials are those of the data" same "$(orch exec -e fix web -- sh -c 'echo $PLATFORM_RELATIONSHIPS' | base64 -d |
	jq -r '.database[0].password')" "$(at fix db 'cat /mnt/id')"
check "names are its own" same "$(orch exec -e fix web -- sh -c 'echo $PLATFORM_BRANCH')" fix
check "variables are the child's, or inherited" same "$(orch exec -e fix web -- sh -c 'echo "$SHARED,$OWN"')" "both,"
check "the parent has its own" same "$(orch exec -e main web -- sh -c 'echo "$SHARED,$OWN"')" "both,mine"
check "a preview is small" same "$(orch show web -e fix | jq '.web.limits.memory')" 67108864
check "production isn't" same "$(orch show web -e main | jq '.web.limits.memory')" 134217728
check "type and parent" same "$(orch ls --json | jq -r '.environments[] | select(.environment == "fix") | .type')" development
check "again: it is there" contains "$(orch branch fix 2>&1)" "is there already"
check "the default branch has no parent" exits 2 orch branch main --from fix
check "no such parent" exits 3 orch branch x --from nobody

git switch -q -c here
check "for the branch that one stands on" orch branch
check "from where one came" same "$(at here db 'cat /mnt/who')" parent2
git switch -q main
check "without data" orch branch empty --no-data
check "is another database" exits 1 same "$(at empty db 'cat /mnt/id')" "$(at main db 'cat /mnt/id')"
check "and the hook didn't run" same "$(at empty web 'ls /app/upload')" ""
check "of a clone" orch branch second --from fix
check "has the clone's data" same "$(at second db 'cat /mnt/who')" child
check "not started" contains "$(orch branch later --no-start --ttl 2h 2>&1)" "orch start"
check "its data is there" same "$(in_volume "$(of later)/db" cat who)" parent2
check "start" orch start -e later
check "the hook ran then" same "$(at later web 'cat /app/upload/state')" clean
for e in here empty second later; do
	check "destroy $e" orch destroy --purge --yes -q -e $e
	git branch -q -D $e 2>/dev/null
done

# Two at once, of a parent that runs; then of one that stands still.
orch branch one >"$work/one" 2>&1 &
first=$!
orch branch two >"$work/two" 2>&1 &
second=$!
check "two at once: one" wait $first
check "two at once: two" wait $second
check "both have it" same "$(at one db 'cat /mnt/who')$(at two db 'cat /mnt/who')" parent2parent2
check "on ports of their own" exits 1 same "$(url one)" "$(url two)"
check "stop" orch stop
check "of a stopped parent" orch branch three --from main
check "has its data" same "$(at three db 'cat /mnt/who')" parent2
check "which is still stopped" same "$(orch ls --json | jq -r '.environments[] | select(.environment == "main") | .state')" stopped
check "start" orch start
check "pause" orch pause
check "of a paused parent" orch branch four --from main
check "has its data" same "$(at four db 'cat /mnt/who')" parent2
check "which is still paused" same "$(orch ls --json | jq -r '.environments[] | select(.environment == "main") | .status')" paused
check "resume" orch resume
check "which serves again" curl -fsS -m 5 -o /dev/null "$(url main)page"

# Of one that isn't well: what ails it here isn't in its data.
field() {
	orch ls --json | jq -r --arg n "$1" --arg k "$2" '.environments[] | select(.environment == $n) | .[$k]'
}
at main db 'touch /tmp/ill; kill -9 $(pidof httpd)'
for _ in $(seq 100); do
	[ "$(field main degraded)" = true ] && break
	sleep 0.1
done
check "a degraded parent" same "$(field main degraded)" true
check "of a degraded parent" orch branch five --from main
check "has its data" same "$(at five db 'cat /mnt/who')" parent2
check "is well itself" same "$(field five degraded) $(field five ready)" "false 2"
check "the parent is as it was" same "$(field main degraded)" true
at main db 'rm /tmp/ill'
for _ in $(seq 200); do
	[ "$(field main degraded)" = false ] && break
	sleep 0.1
done
check "and gets well by itself" same "$(field main degraded)" false
for e in one two three four five; do
	orch destroy --purge --yes -q -e $e
	git branch -q -D $e
done

# A clone hook that fails leaves nothing.
at main web 'touch /app/upload/fail'
left=$(ls "$pool")
check "a failing clone hook is 1" exits 1 orch branch bad
check "says so" contains "$(orch branch bad 2>&1)" "clone hook: exit 1"
check "there is no environment" same "$(orch ls --json | jq -r '.environments[].environment' | sort | xargs)" "fix main"
check "no volume" same "$(ls "$pool")" "$left"
check "no git branch" exits 1 git rev-parse --verify -q refs/heads/bad
at main web 'rm /app/upload/fail'

# kill -9 of the command in the middle, then the same again; then of its supervisor as well.
for ms in 5 10 15 20 25 30 40 50 70 90 120 160; do
	"$ORCH" --root "$root" branch crash >/dev/null 2>&1 &
	pid=$!
	sleep "$(awk "BEGIN { print $ms / 1000 }")"
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	[ $((ms % 20)) = 0 ] && kill_supervisor crash
	check "killed after $ms ms: again" orch branch crash
	check "killed after $ms ms: data" same "$(at crash db 'cat /mnt/who'),$(at crash web 'cat /app/upload/state')" "parent2,clean"
	check "killed after $ms ms: destroy" orch destroy --purge --yes -q -e crash
	check "killed after $ms ms: nothing is left" same "$(ls "$pool")" "$left"
	git branch -q -D crash
done
"$ORCH" --root "$root" branch crash >/dev/null 2>&1 &
pid=$!
sleep 0.03
kill -9 $pid
wait $pid 2>/dev/null
orch destroy --purge --yes -q -e crash 2>/dev/null
check "killed, then destroyed at once" same "$(ls "$pool")" "$left"
git branch -q -D crash 2>/dev/null

# diff.
at fix db 'rm /mnt/old; mv /mnt/dir /mnt/moved'
check "diff of files" same "$(orch diff main fix --json | jq -r '.diff.volumes[] | select(.volume == "db") | .files[] | "\(.change) \(.path)"')" \
	"added child
removed dir
added moved
removed old
changed who"
check "no difference of configuration" same "$(orch diff main fix --json | jq '[.diff.containers[].causes[] | select(.key | test("^(limits|variable)") | not)] | length')" 0
git switch -q fix
sed -i 's/disk: 300/disk: 301/' services.yaml
commit . "More disk"
check "deploy of the branch" orch deploy
check "diff of configuration" same "$(orch diff main fix --json |
	jq -r '.diff.containers[].causes[] | select(.key == "disk") | "\(.before) \(.after)"')" "300 301"
check "as text" contains "$(orch diff main fix)" "disk 300 -> 301"
check "without arguments it is plan" same "$(orch diff)" "$(orch plan)"

# sync data: the parent's, cleaned; and back when that fails.
check "sync data" contains "$(orch sync data 2>&1)" "about to clean"
check "the parent's data" same "$(at fix db 'cat /mnt/who')" parent2
check "cleaned" same "$(at fix web 'cat /app/upload/state')" clean
check "they are related still" same "$(orch diff main fix --json | jq '[.diff.volumes[] | select(.related)] | length')" 2
at fix db 'echo mine >/mnt/who'
at main web 'touch /app/upload/fail'
check "a failing hook is 1" exits 1 orch sync data
check "its own data is back" same "$(at fix db 'cat /mnt/who')" mine
check "and it serves" curl -fsS -m 5 -o /dev/null "$(url fix)page"
at main web 'rm /app/upload/fail'
check "data never moves upward" exits 2 orch sync data -e main --from fix

# Of one that is stopped at once, cleaned when it starts; one that is paused runs again.
at fix db 'echo asleep >/mnt/who'
orch stop
check "sync data of a stopped one" contains "$(orch sync data 2>&1)" "start it: orch start -e fix"
orch branch --no-start -q --from fix third
check "its data is there at once" same "$(in_volume "$(of third)/db" cat who)" "$(at main db 'cat /mnt/who')"
check "away with it" orch destroy --purge --yes -e third -q
at main web 'touch /app/upload/fail'
check "sync it once more" orch sync data -q
check "what can't be cleaned doesn't start" exits 1 orch start
check "the data is that of before" exits 0 orch start
check "before both of them" same "$(at fix db 'cat /mnt/who')" asleep
at main web 'rm /app/upload/fail'
orch stop
check "and again" orch sync data -q
check "start" orch start
check "cleaned by then" same "$(at fix web 'cat /app/upload/state')" clean
at fix db 'echo paused >/mnt/who'
orch pause
check "sync data of a paused one" contains "$(orch sync data 2>&1)" "was paused and runs again"
check "has the data" same "$(at fix db 'cat /mnt/who')" parent2
check "and serves" curl -fsS -m 5 -o /dev/null "$(url fix)page"

# sync code, promote.
git switch -q main
touch more
commit . "More"
git switch -q fix
check "promote never merges" exits 4 orch promote
echo dirty >>page
check "sync code of a dirty tree" exits 4 orch sync code
git checkout -q page
check "sync code" orch sync code
check "has the commit" test -e more
check "promote" orch promote
check "main is there" same "$(git rev-parse main)" "$(git rev-parse fix)"
check "and deployed" same "$(orch diff main fix --json | jq '[.diff.containers[].causes[] | select(.key | test("^(limits|variable)") | not)] | length')" 0
check "data stayed" same "$(at main db 'cat /mnt/who')" parent2
echo theirs >page
commit . "Mine"
git switch -q main
echo ours >page
commit . "Theirs"
git switch -q fix
check "a conflict is refused" exits 4 orch sync code
check "and names the file" contains "$(orch sync code 2>&1)" "page"
check "nothing was changed" same "$(git status --porcelain --untracked-files=no)" ""
git switch -q main

# why.
check "why: the place and the values" contains "$(orch why db)" "services.yaml:1:31   disk: 300 -> 301"
check "why: of a copy" contains "$(orch why web -e fix --json)" '"schema": "orch.why/1"'
check "why: nobody" exits 3 orch why nobody

# Snapshots before each deploy, rollback with and without data.
sums() {
	at main db 'cd /mnt && find . -type f | sort | xargs md5sum'
}
at main db 'head -c 3000000 /dev/urandom >/mnt/blob; echo g >/mnt/who'
was=$(sums)
generation=$(orch status --json | jq .environment.generation)
echo three >page
commit . three
check "deploy says its snapshot" contains "$(orch deploy 2>&1)" "snapshot  2 volumes @g$((generation + 1))"
at main db 'head -c 3000000 /dev/urandom >/mnt/blob; echo later >/mnt/who; rm /mnt/old'
later=$(sums)
check "the new page" same "$(curl -fsS -m 5 "$(url main)page")" three
check "dry run" contains "$(orch rollback --with-data --dry-run)" "Nothing was changed"
check "rollback" orch rollback
check "the old page" exits 1 same "$(curl -fsS -m 5 "$(url main)page")" three
check "with the present data" same "$(sums)" "$later"
check "rollback with data" orch rollback "$generation" --with-data
check "byte by byte" same "$(sums)" "$was"
kept=$(find "$pool" -maxdepth 1 -name '*@before-rollback-*' -path "*$(of main)*")
check "what was before is kept" same "$(in_volume "${kept##*/}/db" cat who)" later
check "and that is undone the same way" orch rollback --with-data
check "to the byte" same "$(sums)" "$later"
check "no such generation" exits 3 orch rollback 999
check "clone of a generation" orch branch back --from "main@$generation"
check "has its data" same "$(at back db 'cat /mnt/who')" g
orch destroy --purge --yes -q -e back

# A rollback whose generation doesn't come up leaves everything as it was.
good=$(orch status --json | jq .environment.generation)
pid=$(orch ps --json | jq '.containers[] | select(.container == "db") | .pid')
sed -i 's/^hooks:/hooks:\n  deploy: "[ ! -e upload\/broken ]"/' app.yaml
commit . "A deploy hook"
check "deploy with it" orch deploy
at main web 'touch /app/upload/broken'
orch deploy -q
echo four >page
commit . four
check "a failing deploy hook" exits 1 orch deploy
check "data is as it was" same "$(sums)" "$later"
at main web 'rm /app/upload/broken'
check "without a snapshot" exits 1 contains "$(orch deploy --no-snapshot 2>&1)" "snapshot"

# kill -9 in the middle of a rollback with data, supervisor and all: the next command finishes it, or it never began.
for ms in 10 30 60 100; do
	at main db 'echo now >/mnt/who'
	"$ORCH" --root "$root" rollback "$generation" --with-data >/dev/null 2>&1 &
	pid=$!
	sleep "$(awk "BEGIN { print $ms / 1000 }")"
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	kill_supervisor main
	check "killed after $ms ms: start" orch start
	who=$(at main db 'cat /mnt/who')
	check "killed after $ms ms: one or the other" contains "g now" "$who"
	check "killed after $ms ms: nothing unfinished" same "$(find "$pool" -maxdepth 1 -name '*~' | wc -l)" 0
done

check "destroy" orch destroy --purge --yes -q -e fix
check "destroy" orch destroy --purge --yes-destroy main -q -e main
check "nothing is left in the pool" same "$(ls "$pool" 2>/dev/null)" ""
check "nothing is left" same "$(host_state)" "$before"
