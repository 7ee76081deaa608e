#!/bin/bash
# Environments as a whole: the tree of them, pause and resume, those that end by themselves, gc, worktrees side by side,
# variables and secrets, events. Two small containers each.
# Single quotes: for the shell in the container.
# shellcheck disable=SC2016
# shellcheck disable=SC2034 # lib.sh reads it
isolate=yes
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/e2e/lib.sh
. "$here/lib.sh"
# What other roots have mounted comes and goes.
mine() {
	host_state | sed '$d' | awk -v w="$work" '!/^\/var\/tmp\// || index($0, w)'
}

before=$(mine)
export TERM=dumb

busybox_image "$work/app" <<'IMAGE'
kind: app
user: web
users: {web: {uid: 10000, gid: 10000, home: /app}}
processes:
  httpd: {command: [/bin/httpd, -f, -p, "80", -h, /app], main: true}
ready: [/bin/wget, -q, -O, /dev/null, "http://127.0.0.1/page"]
endpoints: {http: {scheme: http, port: 80, default: true}}
hooks: [configure]
memory: 64M
pids: 40
path: /bin
IMAGE
# What a PHP image would write its php.ini from.
cat >"$work/app/etc/orch/hooks/configure" <<'HOOK'
#!/bin/sh
cat >/run/orch/seen.json
HOOK
chmod 755 "$work/app/etc/orch/hooks/configure"
busybox_image "$work/store" <<'IMAGE'
kind: service
user: app
users: {app: {uid: 1000, gid: 1000, home: /mnt}}
processes:
  tick: {command: [/bin/sh, -c, "while :; do date +%s.%N >/mnt/now; usleep 20000; done"], main: true}
ready: [/bin/test, -s, /mnt/now]
endpoints: {data: {scheme: http, port: 6000, default: true}}
data: /mnt
memory: 64M
pids: 40
path: /bin
IMAGE
for type in app store; do
	check "import $type" orch image import "$work/$type" "$type:1.0"
done

project=$work/shop
mkdir -p "$project"
git init -q -b main "$project"
cat >"$project/app.yaml" <<'YAML'
name: web
type: "app:1.0"
size: XL
relationships: {database: "db:data"}
variables: {env: {FROM: manifest, ALWAYS: manifest}}
hooks:
  build: |
    echo "$BUILT" > built
YAML
printf 'db: {type: "store:1.0", disk: 300, size: L}\n' >"$project/services.yaml"
echo one >"$project/page"
commit "$project" one
cd "$project" || exit 1
check "deploy" orch deploy
[ $failed = 0 ] || exit 1

# env NAME: the machine name. field NAME KEY: of orch ls.
env_id() {
	orch ls --json | jq -r --arg n "$1" '.environments[] | select(.environment == $n) | .machine_name'
}

field() {
	orch ls --json | jq -r --arg n "$1" ".environments[] | select(.environment == \$n) | .$2"
}

# A tree of three: sizes of previews, types, titles.
check "limits as declared in production" same "$(orch show web | jq .web.limits.memory)" $((64 << 23))
git branch fix-1
git worktree add -q "$work/fix-1" fix-1
check "a preview" orch -C "$work/fix-1" deploy
check "a preview has the small size" same "$(orch show -e fix-1 web | jq .web.limits.memory)" $((64 << 20))
check "services too" same "$(orch show -e fix-1 db | jq .db.limits.memory)" $((64 << 20))
check "its parent is production" same "$(field fix-1 parent)" "$(env_id main)"
check "its type" same "$(field fix-1 type)" development
check "of main" same "$(field main type)" production
check "staging" orch env set -e fix-1 --type staging --title "Try it" -q
check "is staging" same "$(field fix-1 type) $(field fix-1 title)" "staging Try it"
check "production stays" exits 2 orch env set -e main --type staging
check "nothing to set" exits 2 orch env set -e main
check "no loop" exits 2 orch env set -e main --parent fix-1
check "tree" contains "$(orch ls)" "└─ fix-1"
check "status" contains "$(orch status -e fix-1)" "parent      $(env_id main)"
check "open" same "$(orch open)" "$(field main url)"
check "open of none" exits 3 orch open -e nothing
check "size is known" same "$(orch ls --json | jq '[.environments[] | select(.size.exclusive >= 0)] | length')" 2

# Pause: nothing moves, across a supervisor's death; resume goes on with the same processes.
now() {
	cat "$root/var/lib/orch/pool/$(env_id main)/db/now"
}

supervisor() {
	pgrep -f "orch supervise $(env_id main)"
}

web=$(pids web) db=$(pids db)
check "pause" orch pause -q
check "paused" same "$(field main status)" paused
a=$(now)
sleep 0.3
check "stands still" same "$(now)" "$a"
check "twice is once" orch pause -q
check "ps says so" same "$(orch ps --json | jq -r '[.containers[].state] | unique | join(",")')" paused
check "exec says the way out" exits 4 orch exec db -- true
check "and how" contains "$(orch exec db -- true 2>&1)" "orch resume"
kill -9 "$(supervisor)"
check "status starts a supervisor" orch status
sleep 0.3
check "stands still with a new supervisor" same "$(now)" "$a"
check "resume" orch resume -q
check "no other processes" same "$(pids web),$(pids db)" "$web,$db"
check "active" same "$(field main status)" active
sleep 0.1
check "moves" exits 1 same "$(now)" "$a"
check "resume of a running one" exits 4 orch resume
orch pause -q
check "a deploy resumes" orch deploy -q
check "the page" same "$(curl -fsS -m 5 "$(orch open)page")" one
check "no other processes after it" same "$(pids web),$(pids db)" "$web,$db"
orch pause -q
echo two >page
commit "$project" two
check "a deploy with changes resumes" orch deploy -q
check "the new page" same "$(curl -fsS -m 5 "$(orch open)page")" two
orch pause -q
check "stop of a paused one" orch stop -q
check "inactive" same "$(field main status)" inactive
check "pause of a stopped one" exits 3 orch pause
check "start" orch start -q
orch pause -q
check "shutdown of a paused one" orch stop --all --shutdown -q
rm -rf "$root/run/orch/$(env_id main)"
check "boot" orch start --all -q
check "comes back paused" same "$(field main status) $(field main ready)" "paused 0"
check "the other one runs" same "$(field fix-1 status) $(field fix-1 ready)" "active 2"
check "resume after a boot" orch resume -q
check "runs again" same "$(field main status) $(field main ready)" "active 2"
check "all" orch pause --all -q
check "all are paused" same "$(orch ls --json | jq '[.environments[] | select(.status == "paused")] | length')" 2
check "resume all" orch resume --all -q

# Those that end by themselves.
gone() {
	local i
	for ((i = 0; i < 300; i++)); do
		[ -n "$(env_id "$1")" ] || return 0
		sleep 0.1
	done
	return 1
}

check "production never ends" exits 2 orch deploy --ttl 2h
check "no time" exits 2 orch -C "$work/fix-1" deploy --ttl soon
check "an end" orch -C "$work/fix-1" deploy -q --ttl 1h
check "is said" grep -qE ' (1h00m|59m[0-9]+s) ' <(orch ls)
check "is taken back" orch env set -q -e fix-1 --ttl never
check "is none" same "$(field fix-1 expires)" null
git worktree add -q -b short "$work/short" main
check "a short one" orch -C "$work/short" deploy -q --ttl 1s
check "is removed by its supervisor" gone short
check "its data is in the trash" same "$(find "$root/var/lib/orch/pool/trash" -maxdepth 1 -name 'short-*.db.*' | wc -l)" 1
# A deploy whose build goes on until told: the end comes meanwhile, and waits for it.
mkfifo "$work/gate"
sed -i 's#echo "$BUILT" > built#echo "$BUILT" > built; [ ! -e wait ] || { : >/tmp/cache/waits; while [ ! -e /tmp/cache/go ]; do usleep 20000; done; }#' "$work/short/app.yaml"
touch "$work/short/wait"
commit "$work/short" wait
orch -C "$work/short" deploy -q --ttl 1s >"$work/deployed" 2>&1 &
deploying=$!
waits() {
	local i
	for ((i = 0; i < 300; i++)); do
		ls "$root"/var/lib/orch/cache/*/waits >/dev/null 2>&1 && return 0
		sleep 0.1
	done
	return 1
}
check "the build waits" waits
sleep 1.2
check "its time is over" contains "$(orch ls | grep short)" " over "
check "gc waits for the deploy" contains "$(orch gc)" "its time is over, but a deploy is at work"
check "it is there" test -n "$(env_id short)"
touch "$(ls -d "$root"/var/lib/orch/cache/*.web)/go"
wait $deploying
check "the deploy ended well" same "$? $(cat "$work/deployed")" "0 $(cat "$work/deployed")"
check "then it is removed" gone short
# Without a supervisor whoever comes next does it.
check "again" orch -C "$work/short" deploy -q
check "stopped" orch -C "$work/short" stop -q
check "with an end" orch env set -q -e short --ttl 1s
sleep 1.1
check "the next command" orch env set -q -e fix-1 --title "Again"
check "is who comes next" gone short

# gc: only what surely nobody needs, and it says so.
check "gc without anything" orch gc
check "a name is no branch" orch -e by-name deploy -q
check "gc keeps it" contains "$(orch gc --dry-run)" "not known to be a git branch's"
check "destroy it" orch destroy --yes -q -e by-name
git worktree add -q -b gone "$work/gone" main
check "deploy a branch" orch -C "$work/gone" deploy -q
check "its branch is there" contains "$(orch gc --dry-run)" "its branch is there"
git worktree remove --force "$work/gone"
check "a folder that is gone is no reason" contains "$(orch gc --dry-run)" "its branch is there"
git branch -qD gone
check "dry run says what" contains "$(orch gc --dry-run)" "its branch is gone"
check "and does nothing" test -n "$(env_id gone)"
mv "$project" "$project.away"
check "a repository that isn't there is no reason" contains "$(orch -C / gc --dry-run)" "its repository isn't there"
mv "$project.away" "$project"
cd "$project" || exit 1
check "gc" contains "$(orch gc --json | jq -r '.items[] | select(.outcome == "removed") | .kind')" environment
check "it is gone" same "$(env_id gone)" ""
check "with its data in the trash" same "$(find "$root/var/lib/orch/pool/trash" -maxdepth 1 -name 'gone-*.db.*' | wc -l)" 1
check "the others are there" same "$(field main status),$(field fix-1 status)" "active,active"
old() {
	touch -d '2 days ago' "$root"/var/lib/orch/images/*.sqfs
	orch gc "$@"
}
n_images=$(orch image ls --json | jq '.images | length')
taken() {
	orch df --json | jq .usage.pool.file_taken
}
check "much data" orch exec db -- sh -c 'head -c 60000000 /dev/urandom >/mnt/large && sync /mnt/large'
large=$(taken)
check "and none" orch exec db -- rm /mnt/large
check "gc gives the pool's blocks back" contains "$(orch gc --json | jq -r '.items[] | select(.kind == "pool") | .outcome')" "given back"
check "the file takes less" test "$(taken)" -lt $((large - 50000000))
check "old images without a use" contains "$(old --dry-run)" "nothing needs it"
check "are removed" old
check "some" test "$(orch image ls --json | jq '.images | length')" -lt "$n_images"
check "what runs has its image" same "$(curl -fsS -m 5 "$(orch open)page")" two
check "and can be made again" orch stop -q
check "from the same images" orch start -q

# Worktrees side by side, at the same time; another clone is another project.
for i in 1 2 3; do
	git worktree add -q -b "agent-$i" "$work/agent-$i" main
	echo "agent $i" >"$work/agent-$i/page"
	commit "$work/agent-$i" "agent $i"
done
check "a branch is in one worktree only" exits 128 git worktree add -q "$work/twice" agent-1
deploying=()
for i in 1 2 3; do
	orch -C "$work/agent-$i" deploy -q >"$work/agent-$i.out" 2>&1 &
	deploying+=($!)
done
for i in 1 2 3; do
	wait "${deploying[$((i - 1))]}"
	check "deploy of worktree $i" same "$? $(cat "$work/agent-$i.out")" "0 $(field "agent-$i" url)"
	check "page of worktree $i" same "$(curl -fsS -m 5 "$(field "agent-$i" url)page")" "agent $i"
	check "ORCH_URL of worktree $i" same "$(orch -C "$work/agent-$i" exec web -- sh -c 'echo $ORCH_URL')" \
		"$(field "agent-$i" url)"
done
check "one project" same "$(orch ls --json | jq -r '[.environments[].project_id] | unique | length')" 1
check "main's page" same "$(curl -fsS -m 5 "$(orch open)page")" two
check "three URLs" same "$(orch ls --json | jq -r '[.environments[].url] | unique | length')" 5
url=$(field agent-1 url)
echo again >"$work/agent-1/page"
commit "$work/agent-1" again
check "deploy again" orch -C "$work/agent-1" deploy -q
check "the URL is stable" same "$(field agent-1 url)" "$url"
git clone -q "$project" "$work/clone/shop"
check "a clone" orch -C "$work/clone/shop" deploy -q
check "is another project" same "$(orch ls --json | jq -r '[.environments[].project_id] | unique | length')" 2
git -C "$work/agent-2" checkout -q --detach
check "no branch, no guess" exits 2 orch -C "$work/agent-2" deploy
check "but by name" orch -C "$work/agent-2" -e agent-2 deploy -q
for i in 1 2 3; do
	check "destroy of agent-$i" orch destroy --purge --yes -q -e "agent-$i"
done
check "the clone's" orch destroy --purge --yes-destroy main -q -C "$work/clone/shop"

# Events: deploys, what ended by itself, memory that ran out; bounded, and followed.
has_event() {
	local i
	for ((i = 0; i < 100; i++)); do
		orch events --json -n all | jq -se --arg w "$1" --arg c "$2" \
			'any(.[]; .event == $w and .container == (if $c == "" then null else $c end))' >/dev/null && return 0
		sleep 0.1
	done
	orch events
	return 1
}

ready() {
	local i
	for ((i = 0; i < 200; i++)); do
		[ "$(field main ready)" = 2 ] && return 0
		sleep 0.1
	done
	return 1
}
check "deploys" has_event deployed ""
check "pauses" has_event paused ""
"$ORCH" --root "$root" events -f >"$work/followed" &
following=$!
check "out of memory" exits 137 orch exec -u root web -- sh -c 'head -c 900000000 /dev/zero | tail -c 890000000 >/dev/null; exit $?'
orch exec -u root web -- killall httpd
check "a process that ended" has_event ended web
check "memory that ran out" has_event "out of memory" web
check "with the process that was killed" grep -q "limit .*, killed: tail (" <<<"$(orch events)"
check "its log says it too" contains "$(orch logs web)" "web/oom 20"
check "what came back" ready
kill -9 "$(pids db | cut -d' ' -f1)"
check "a container that ended" has_event ended db
check "comes back" ready
echo '<' >app.yaml.bad && mv app.yaml app.yaml.good && sed 's/hooks:/hooks:\n  deploy: "exit 3"/' app.yaml.good >app.yaml && rm app.yaml.bad
check "a deploy that fails" exits 1 orch deploy --worktree -q
mv app.yaml.good app.yaml
check "failures" has_event failed ""
kill -INT $following
wait $following
check "followed" grep -q "out of memory" "$work/followed"
check "to the end" grep -q "failed.*generation" "$work/followed"
check "the last two" same "$(orch events -n 2 | wc -l)" 2
check "a line each" same "$(orch events --json -n 2 | jq -c .environment | sort -u)" '"main"'

# Variables: whose counts, what a change restarts, what builds see.
value() {
	orch -e "$1" exec web -- sh -c "printf %s \"\$$2\""
}

check "set" orch var set -q FROM environment
check "nothing changes yet" same "$(value main FROM)" manifest
check "the plan says what and why" contains "$(orch plan)" "variable FROM (environment) added: environment"
check "of the project" orch var set -q --project FROM project
check "lower case" orch var set -q --project other_one "a b"
web=$(pids web) db=$(pids db)
check "deploy" orch deploy -q
check "the environment's counts" same "$(value main FROM)" environment
check "the project's too" same "$(value main OTHER_ONE)" "a b"
check "the manifest's where nothing else is" same "$(value main ALWAYS)" manifest
check "the same container" same "$(pids web),$(pids db)" "$web,$db"
check "a preview inherits" orch -C "$work/fix-1" deploy -q
check "from its parent" same "$(value fix-1 FROM)" environment
check "its own counts" orch var set -q -e fix-1 FROM own
check "deploy of it" orch -C "$work/fix-1" deploy -q
check "own" same "$(value fix-1 FROM)" own
check "where it is from" same "$(orch var ls -e fix-1 --json | jq -r '.variables[] | select(.name == "env:OTHER_ONE") | .from')" project
check "not inherited" orch var set -q FROM mine --no-inherit
check "removed" orch var rm -q -e fix-1 FROM
check "once more" orch -C "$work/fix-1" deploy -q
check "then the project's" same "$(value fix-1 FROM)" project
check "several environments" orch var set -q --env main --env fix-1 BOTH x
check "both" same "$(orch var get BOTH) $(orch var get -e fix-1 BOTH)" "x x"
check "removed from one" orch var rm -q BOTH
check "get of none" exits 3 orch var get BOTH
check "rm of none" exits 3 orch var rm BOTH
check "of one app" orch var set -q --app web ONLY web
check "of another one" orch var set -q --app api ONLY api
check "for all" orch var set -q ONLY all
check "an app that isn't there is told" contains "$(orch var set --app api FOR_API x 2>&1)" "no app of what is deployed"
check "what counts for it" same "$(orch var get ONLY --app web) $(orch var get ONLY --app api) $(orch var get ONLY)" "web api all"
check "ls has each" same "$(orch var ls --json | jq -r '[.variables[] | select(.name == "env:ONLY") | .app] | join(",")')" ",api,web"
check "of the project's app" orch var set -q --project --app web BOTH_LEVELS project
check "the plan says it" contains "$(orch plan)" "variable BOTH_LEVELS (project)"
check "deploy it" orch deploy -q
check "the app sees its own" same "$(value main ONLY) $(value main BOTH_LEVELS) $(value main FOR_API)" "web project "
check "for the environment's app before that" orch var set -q BOTH_LEVELS environment
check "inherited with its app" orch -C "$work/fix-1" deploy -q
check "and has both" same "$(value fix-1 ONLY) $(value fix-1 BOTH_LEVELS)" "web environment"
check "removed from the app alone" orch var rm -q --app web ONLY
check "then that for all" same "$(orch var get ONLY --app web)" all
check "no name of an app" exits 2 orch var set --app web/x ONLY y
check "no name" exits 2 orch var set 1x y
check "ours" exits 2 orch var set PLATFORM_X y
check "json" orch var set -q --json app:settings '{"a": [1, 2]}'
check "bad json" exits 2 orch var set --json app:settings '{'
check "standard input" exits 0 sh -c "printf 'from\ninput\n' | $ORCH --root $root var set -q INPUT -"
check "deploy these" orch deploy -q
check "structure is kept" same "$(value main PLATFORM_VARIABLES | base64 -d)" '{"app:settings":{"a":[1,2]}}'
check "two lines" same "$(value main INPUT)" $'from\ninput'
check "nothing to do" contains "$(orch deploy 2>&1)" "nothing to do"
# php settings reload, builds see only theirs.
web=$(orch exec web -- pidof httpd)
check "php" orch var set -q php:memory_limit 300M
check "is a reload" contains "$(orch plan)" "reload"
check "deploy it" orch deploy -q
check "configured" same "$(orch exec -u root web -- cat /run/orch/seen.json | jq -r .app.variables.php.memory_limit)" 300M
check "the process stays" same "$(orch exec web -- pidof httpd)" "$web"
check "for builds" orch var set -q --no-runtime BUILT one
check "is a swap" contains "$(orch deploy 2>&1)" "swap"
check "built with it" same "$(orch exec web -- cat /app/built)" one
check "the process doesn't see it" same "$(value main BUILT)" ""
check "at run time only" orch var set -q --no-build RUN one
images=$(orch image ls --json | jq '.images | length')
check "a restart" contains "$(orch deploy 2>&1)" "restart"
check "no other image" same "$(orch image ls --json | jq '.images | length')" "$images"

# A clone has its own sizes and variables from the start, and a value of its parent's only where it inherits.
check "branch" orch branch -q cloned
check "the small size" same "$(orch show -e cloned web | jq .web.limits.memory)" $((64 << 20))
check "of the database too" same "$(orch show -e cloned db | jq .db.limits.memory)" $((64 << 20))
check "what isn't inherited" same "$(value cloned FROM)" project
check "what is" same "$(value cloned RUN)" one
check "branch of a paused one" same "$(orch pause -q && orch branch -q cloned-2 >/dev/null; echo $?; orch status --json | jq -r .environment.status)" $'0\npaused'
check "goes on" orch resume -q
for e in cloned cloned-2; do
	check "destroy of $e" orch destroy --purge --yes -q -e $e
done

# Sensitive ones: nowhere but where the app finds them.
secret=geheim-$RANDOM$RANDOM
check "sensitive" orch var set -q --sensitive TOKEN "$secret"
check "the plan doesn't show it" exits 1 contains "$(orch plan; orch plan --json)" "$secret"
check "but says that it is" contains "$(orch plan)" "variable TOKEN (environment) added: (sensitive)"
check "deploy with it" orch deploy -q
check "the app has it" same "$(value main TOKEN)" "$secret"
check "as a file" orch var set -q --sensitive --as file KEY "$secret-file"
check "deploy with a file" orch deploy -q
check "its path" same "$(value main KEY)" /run/secrets/KEY
check "its text" same "$(orch exec web -- cat /run/secrets/KEY)" "$secret-file"
check "its mode" same "$(orch exec web -- stat -c '%a %u' /run/secrets/KEY)" "400 10000"
check "get refuses" exits 5 orch var get TOKEN
check "get reveals" same "$(orch var get TOKEN --reveal)" "$secret"
everywhere() {
	orch ps --json && orch show && orch plan --json && orch history --json && orch status --json && orch ls --json &&
		orch var ls && orch var ls --json && orch logs -n all && cat "$root"/var/lib/orch/log/*/supervisor.log &&
		orch events --json && cat "$root"/var/lib/orch/state.db* "$root"/run/orch/*/record.json
}
everywhere >"$work/everywhere" 2>&1
check "it is looked for in much" test "$(wc -c <"$work/everywhere")" -gt 15000
check "nowhere else" exits 1 grep -qa "$secret" "$work/everywhere"
check "stays sensitive" orch var set -q TOKEN "$secret-2"
check "as before" exits 5 orch var get TOKEN
check "what was deployed counts" same "$(value main TOKEN)" "$secret"
kill -9 "$(supervisor)"
kill -9 "$(pids web | cut -d' ' -f1)"
orch status >/dev/null
check "it comes back" ready
check "with the same secret" same "$(value main TOKEN)" "$secret"
check "and its file" same "$(orch exec web -- cat /run/secrets/KEY)" "$secret-file"
check "deploy the new one" orch deploy -q
check "has the new one" same "$(value main TOKEN)" "$secret-2"
check "no file any more" orch var rm -q KEY
check "deploy without" orch deploy -q
check "it is gone" exits 1 orch exec web -- test -e /run/secrets/KEY
check "the key is root's" same "$(stat -c '%a %u' "$root/var/lib/orch/secret.key")" "600 0"

# With a key of the host (here one of our own, in our own mount namespace) the key of secrets is kept encrypted.
if command -v systemd-creds >/dev/null; then
	mkdir -p /var/lib/systemd
	mount -t tmpfs sealed /var/lib/systemd
	systemd-creds setup >/dev/null 2>&1
	mv "$root/var/lib/orch/secret.key" "$work/secret.key"
	# Who has the key keeps it: a key doesn't change under a supervisor but here.
	kill -9 "$(supervisor)"
	check "a host key" test -f /var/lib/systemd/credential.secret
	check "sealed with another key" exits 1 orch var get TOKEN --reveal
	check "set again" orch var set -q TOKEN "$secret-3"
	check "encrypted by the host's" test -f "$root/var/lib/orch/secret.key.cred"
	check "nothing in plain" exits 1 test -e "$root/var/lib/orch/secret.key"
	check "opens again" same "$(orch var get TOKEN --reveal)" "$secret-3"
	check "is deployed" orch deploy -q
	check "the app has that" same "$(value main TOKEN)" "$secret-3"
	umount /var/lib/systemd
	check "not without the host's" exits 1 orch var get TOKEN --reveal
fi

for e in main fix-1; do
	orch destroy --purge --yes -q -e $e 2>/dev/null || orch destroy --purge --yes-destroy $e -q -e $e
done
check "nothing is left" same "$(mine)" "$before"
