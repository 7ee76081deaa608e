#!/bin/bash
# routes.yaml against a running router: tests/data/router/requests.txt says what requests to it get. Then what changes it
# and what doesn't, who may ask, names, copies, and that it reaches nothing but the apps.
# Single quotes: for the shell in the container.
# shellcheck disable=SC2016
# shellcheck disable=SC2034 # lib.sh reads it
here=$(cd "$(dirname "$0")" && pwd)
cache=${ORCH_TEST_CACHE:-/var/cache/orch-test}
# An image needs packages, and so the host's network.
if [ -z "${ORCH_E2E_ISOLATED:-}" ]; then
	"$here/images.sh" nodejs:18 router:1 || exit 1
fi
isolate=yes
# shellcheck source=tests/e2e/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/e2e/requests.sh
. "$here/requests.sh"
mkdir -p "$root/var/lib/orch/images"
cp -a "$cache/images/." "$root/var/lib/orch/images/"
data=$here/../data/router
before=$(host_state)

busybox_image "$work/store" <<'IMAGE'
kind: service
user: app
users: {app: {uid: 1000, gid: 1000, home: /}}
processes:
  httpd: {command: [/bin/httpd, -f, -p, "6000", -h, /srv], main: true}
ready: [/bin/wget, -q, -O, /dev/null, "http://127.0.0.1:6000/page"]
endpoints: {data: {scheme: http, port: 6000, default: true}, closed: {scheme: http, port: 6001}}
memory: 64M
pids: 40
path: /bin
IMAGE
mkdir "$work/store/srv"
echo "of the store" >"$work/store/srv/page"
check "import" orch image import "$work/store" store:1.0

# Somebody else's server, behind the link of lib.sh.
unshare -n sleep infinity &
outside=$!
sleep 0.2
ip link set outside0 netns $outside
outside() {
	nsenter -t $outside -n "$@"
}
outside ip link set lo up
outside ip addr add 198.51.100.2/24 dev outside0
outside ip link set outside0 up
outside python3 "$data/outside.py" &
server=$!
disown $outside $server
trap 'kill $server $outside; finish' EXIT

git init -q -b main "$work/site"
cd "$work/site" || exit 1
mkdir .platform app shop
for name in app shop; do
	cp "$data/server.js" $name/
	cat >$name/.platform.app.yaml <<YAML
name: $name
type: "nodejs:18"
web:
  commands: {start: "exec node server.js"}
  locations: {"/": {passthru: true}}
YAML
done
echo 'store: {type: "store:1.0"}' >.platform/services.yaml
cp "$data/routes.yaml" .platform/
commit . one
check "validate" orch validate
check "plan" contains "$(orch plan)" router
orch deploy >"$work/urls" 2>"$work/said" || cat "$work/said"
check "all are ready" same "$(orch ps --json | jq '[.containers[] | select(.ready)] | length')" 4
[ $failed = 0 ] || {
	orch logs | tail -n 60
	exit 1
}
name=$(orch status --json | jq -r .environment.machine_name)
port=$(orch status --json | jq -r .environment.url | sed 's/.*:\([0-9]*\).*/\1/')
host=$name.site.orch.localhost
check "deploy says the primary route first" same "$(head -n 1 "$work/urls")" "http://$host:$port/"
check "and each other" contains "$(cat "$work/urls")" "http://deep.$host:$port/only/here/"
check "but none that leads elsewhere" same "$(grep -c -e www.main -e old.main -e wild. "$work/urls")" 1
check "status" contains "$(orch status)" "http://store.$host:$port/"
check "open" same "$(orch open)" "http://$host:$port/"
check "show" same "$(orch show | jq -r '.environment.urls[0]')" "http://$host:$port/"
check "doctor says that there is no TLS" contains "$(orch doctor)" "TLS"
check "ls" same "$(orch ls --json | jq -r '.environments[0].urls[0]')" "http://$host:$port/"
check "as it is, by its name" contains "$(curl -sS -m 10 "http://$host:$port/")" "app: GET /"

# request METHOD HOST/PATH SENT STATUS BODY HEAD: the answer is in $work/head and $work/body.
request() {
	local method=$1 to=${2%%/*} path=/${2#*/} sent=$3 status=$4 body=$5 head=$6 args=() part
	case $to in *:*) ;; *) to=$to:$port ;; esac
	case $method in
	HEAD) args+=(-I) ;;
	*=*) args+=(-X "${method%=*}" --data-binary @-) ;;
	*) args+=(-X "$method") ;;
	esac
	case $sent in Cookie:*,*) sent=${sent//, /%} ;; esac
	while read -r -d ';' part; do
		[ -z "$part" ] || args+=(-H "${part//%/; }")
	done <<<"$sent;"
	[ "${method#*=}" != "$method" ] || method="=0"
	head -c "${method#*=}" /dev/zero | tr '\0' x | curl -sS -m 20 -i --path-as-is -H Expect: -H "Host: $to" \
		"${args[@]}" "http://127.0.0.1:$port$path" 2>&1 | tr -d '\r' >"$work/answer"
	answers "$status" "$body" "$head"
}

asked=0
while IFS='|' read -r what sent status body head; do
	case $what in "#"* | "") continue ;; esac
	for part in what sent status body head; do
		trim "${!part}"
		printf -v $part %s "$trimmed"
	done
	to=${what#* }
	check "$what ($sent)" request "${what%% *}" "${to/"~"/$host}" "$sent" "$status" \
		"${body//"~"/$host:$port}" "${head//"~"/$host:$port}" </dev/null
	asked=$((asked + 1))
done <"$data/requests.txt"
check "at least 60 requests" [ $asked -ge 60 ]
check "the log has them" contains "$(orch logs router)" '"GET /from/a/b HTTP/1.1" 302'

# A connection that becomes another one.
websocket() {
	exec 4<>"/dev/tcp/127.0.0.1/$port"
	printf 'GET /ws HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nCookie: a=b\r\n\r\n' "$1:$port" >&4
	read -r -t 10 line <&4
	contains "$line" "101 Switching" || return 1
	while read -r -t 10 line <&4 && [ "$line" != $'\r' ]; do :; done
	printf 'hello\n' >&4
	read -r -t 10 line <&4
	exec 4>&-
	same "$line" "echo hello"
}
check "a websocket" websocket "plain.$host"
check "a websocket, by a route with a cache" websocket "$host"

# Read while it is written.
stream() {
	local first
	exec 4< <(curl -sSN -m 20 -H "Host: plain.$host" "http://127.0.0.1:$port/?wait=15000&X-Accel-Buffering=no")
	read -r -t 10 first <&4
	exec 4<&-
	same "$first" first
}
check "the first part comes before the second" stream

# PLATFORM_ROUTES, in a process that runs.
orch -q exec app -- sh -c 'echo $PLATFORM_ROUTES' </dev/null | base64 -d >"$work/routes"
while read -r filter value; do
	check "routes: $filter" same "$(jq -cr --arg h "$host:$port" "$filter" "$work/routes")" "$value"
done <<VALUES
.["http://"+\$h+"/"]|[.primary,.type,.upstream,.original_url,.id,.attributes.team,.restrict_robots] [true,"upstream","app","https://{default}/","main","web",false]
.["http://"+\$h+"/"].cache {"cookies":[],"default_ttl":0,"enabled":true,"headers":[]}
.["http://"+\$h+"/"]|[has("redirects","address","hosts","endpoint")] [false,false,false,false]
[.[]|select(.primary)]|length 1
.["http://"+\$h+"/shop/"]|[.upstream,.cache.enabled,.ssi.enabled,.sticky.enabled] ["shop",false,false,false]
.["http://www."+\$h+"/"]|[.type,.to,.primary] ["redirect","http://$host:$port/",false]
.["http://strict."+\$h+"/"]|[.sticky.enabled,.tls.strict_transport_security.enabled] [true,true]
.["http://"+\$h+"/"].http_access {"addresses":[],"basic_auth":{}}
.["http://out."+\$h+"/"]|[.type,.to,has("cache")] ["proxy","http://198.51.100.2:8000",false]
.["http://www.example.org:$port/"].original_url https://www.example.org/
[.[]|select(.original_url=="http://{default}/")]|length 0
VALUES

# It reaches what the routes say, and nothing else.
from_router() {
	orch -q exec router -- timeout 1 bash -c "exec 3<>/dev/tcp/$1/$2" </dev/null
}
check "to an app" from_router "$(address app)" 80
check "to the other" from_router "$(address shop)" 80
check "not to its other ports" exits 124 from_router "$(address app)" 8888
check "to the service of a route" from_router "$(address store)" 6000
check "the apps don't reach it" exits 124 orch -q exec app -- timeout 1 bash -c "exec 3<>/dev/tcp/$(address router)/80" </dev/null

# Other routes are a reload of nginx, and nothing else.
everyone() {
	for container in app shop store router; do
		pids $container
	done
	orch -q exec app -- pgrep -f "node server" </dev/null
	orch -q exec shop -- pgrep -o nginx </dev/null
	orch -q exec -u root router -- cat /tmp/nginx/nginx.pid </dev/null
}
was=$(everyone)
cat >>.platform/routes.yaml <<'YAML'
https://new.{default}/: {type: upstream, upstream: "shop:http", cache: false}
YAML
sed -i 's|{to: /to}|{to: /elsewhere}|; /^https:..store/d; /^https:..dead/d' .platform/routes.yaml
commit . routes
check "plan says reload" contains "$(orch plan)" reload
check "with its place" contains "$(orch plan)" "routes.yaml:"
orch deploy >/dev/null 2>"$work/said"
check "deploy" same "$(grep -cE '(create|restart|recreate|swap|stop) ' "$work/said")" 0
check "reloads" contains "$(cat "$work/said")" "reload    router"
# nginx takes up a new configuration in its own time.
for _ in $(seq 50); do
	request GET "new.$host/" "" 200 shop "" >/dev/null && break
	sleep 0.1
done
check "the new route" request GET "new.$host/" "" 200 "shop: GET /" ""
check "the changed one" request GET "$host/from/x" "" 302 "" "location: /elsewhere/x"
check "the removed one" request GET "store.$host/page" "" 404 "" ""
check "the same processes" same "$(everyone)" "$was"
check "no way to the service any more" exits 124 from_router "$(address store)" 6000
check "the app is told when it asks" contains "$(orch -q exec app -- sh -c 'echo $PLATFORM_ROUTES' </dev/null | base64 -d)" "http://new.$host"
check "nothing to do" contains "$(orch deploy 2>&1)" "nothing to do"

# What is kept is of one version of the code.
check "kept" request GET "any.$host/version" "" 200 "" ""
check "kept still" request GET "any.$host/version" "" 200 "" "x-platform-cache: HIT"
echo "// two" >>app/server.js
commit . "another version"
check "another version of the code" orch deploy
for _ in $(seq 50); do
	request GET "any.$host/other" "" 200 "" "x-platform-cache: MISS" >/dev/null && break
	sleep 0.1
done
check "kept no more" request GET "any.$host/version" "" 200 "" "x-platform-cache: MISS"

# What nginx doesn't take is no deploy, and all stays.
cp .platform/routes.yaml "$work/good.yaml"
printf 'https://bad.{default}/: {type: upstream, upstream: "app:http", redirects: {paths: {"^/(?<uri>x)": {to: /, regexp: true}}}}\n' >>.platform/routes.yaml
commit . bad
check "a bad rule is no deploy" exits 1 orch deploy
check "and all stays" request GET "new.$host/" "" 200 "shop: GET /" ""
cp "$work/good.yaml" .platform/routes.yaml
commit . good
check "as before" orch deploy

# Who may ask.
check "a password" orch env set --auth guest:secret
check "without its hash in the plan" contains "$(orch plan)" "(hidden)"
check "asked for after a deploy" contains "$(orch deploy 2>&1)" "reload    router"
for _ in $(seq 50); do
	request GET "$host/" "" 401 "" "" >/dev/null && break
	sleep 0.1
done
guest="Authorization: Basic $(printf guest:secret | base64)"
wrong="Authorization: Basic $(printf guest:wrong | base64)"
check "without it" request GET "$host/" "" 401 "" "www-authenticate: basic; !x-own"
check "a wrong one" request GET "$host/" "$wrong" 401 "" ""
check "with it" request GET "$host/" "$guest" 200 "app: GET /" ""
check "which the app isn't told" request GET "plain.$host/" "$guest" 200 "!Authorization" ""
check "redirects, too" request GET "www.$host/" "" 401 "" "!location"
check "with it" request GET "www.$host/" "$guest" 301 "" "location: http://$host"
check "single paths, too" request GET "$host/from" "" 401 "" "!location"
check "other hosts, too" request GET "nobody/" "" 401 "" ""
check "no password in PLATFORM_ROUTES" same "$(orch -q exec app -- sh -c 'echo $PLATFORM_ROUTES' </dev/null | base64 -d |
	jq -c '[.[].http_access.basic_auth] | unique')" '[{"guest":null}]'
check "a branch" orch branch guarded
check "asks for it, too" same "$(curl -sS -m 10 -o "$work/answer" -w '%{http_code}' "$(orch open -e guarded)")" 401
check "destroy it" orch destroy -e guarded --purge --yes
check "not in the document either" exits 1 grep -q secret <<<"$(orch -q show)"
check "an address" orch env set --auth - --access allow:198.51.100.0/24 --access deny:any
check "bad ones" exits 2 orch env set --access allow:nowhere
check "deploy" orch deploy --publish 0.0.0.0
for _ in $(seq 50); do
	request GET "$host/" "" 403 "" "" >/dev/null && break
	sleep 0.1
done
check "not from here" request GET "$host/" "" 403 "" ""
check "from there" contains "$(outside curl -sS -m 10 -H "Host: $host" "http://198.51.100.1:$port/")" "X-Forwarded-For: 198.51.100.2"
check "anybody again" orch env set --access -
check "deploy" orch deploy --publish 127.0.0.1

check "fsck" exits 0 orch fsck

# More than a process can be given.
cp .platform/routes.yaml "$work/good.yaml"
for i in $(seq 400); do
	echo "https://r$i.{default}/: {type: upstream, upstream: \"shop:http\"}"
done >>.platform/routes.yaml
commit . many
check "too many routes" exits 2 orch deploy
check "say so" contains "$(orch plan 2>&1)" "PLATFORM_ROUTES"
cp "$work/good.yaml" .platform/routes.yaml
commit . few

# Names.
sed -i '$ahttps://all.{all}/: {type: upstream, upstream: "shop:http", cache: false}' .platform/routes.yaml
commit . all
check "a bad name" exits 2 orch deploy --domain 'a b'
check "names" orch deploy --domain shop.example.net --domain shop.example.com
check "the first is the default one" same "$(orch open)" "http://shop.example.net:$port/"
for _ in $(seq 50); do
	request GET "shop.example.net/" "" 200 "" "" >/dev/null && break
	sleep 0.1
done
check "by its name" request GET "shop.example.net/" "" 200 "app: GET /" ""
check "its own name works still" request GET "$host/" "" 200 "app: GET /" ""
check "a redirect to it" request GET "www.shop.example.net/" "" 301 "" "location: http://shop.example.net:$port/"
check "{all}: the first" request GET "all.shop.example.net/" "" 200 "shop: GET /" ""
check "{all}: the second" request GET "all.shop.example.com/" "" 200 "shop: GET /" ""
check "{default} is one" request GET "shop.example.com/" "" 404 "" ""
check "remembered" contains "$(orch deploy 2>&1)" "nothing to do"
check "none again" orch deploy --domain -
check "as before" same "$(orch open)" "http://$host:$port/"

# A copy has names of its own, and robots stay away.
check "a branch" orch branch fix
fix=$(orch status --json -e fix | jq -r .environment.machine_name)
port_main=$port host_main=$host
port=$(orch status --json -e fix | jq -r .environment.url | sed 's/.*:\([0-9]*\).*/\1/') host=$fix.site.orch.localhost
check "its own name" request GET "$host/" "" 200 "app: GET /" "x-robots-tag: noindex, nofollow"
check "leads to its own" request GET "www.$host/" "" 301 "" "location: http://$host:$port/"
check "somebody's name in production" request GET "www.example.org.$host/" "" 200 "app: GET /" ""
check "and the way there" request GET "example.org.$host/x" "" 301 "" "location: http://www.example.org.$host:$port/x"
check "not the other's" request GET "$host_main/" "" 404 "" ""
check "its own routes" contains "$(orch -q exec -e fix app -- sh -c 'echo $PLATFORM_ROUTES' </dev/null | base64 -d)" "http://$host:$port/"
check "destroy it" orch destroy -e fix --purge --yes
port=$port_main host=$host_main

# Asleep, the first request wakes it.
check "sleep" orch idle --now
for _ in $(seq 100); do
	[ "$(orch status --json | jq -r .environment.state)" = asleep ] && break
	sleep 0.1
done
check "it sleeps" same "$(orch status --json | jq -r .environment.state)" asleep
check "and wakes" request GET "$host/" "" 200 "app: GET /" ""

# Without routes.yaml there is no router.
git rm -q .platform/routes.yaml
commit . "no routes"
check "no routes" contains "$(orch deploy 2>&1)" "remove    router"
check "straight to the first app" contains "$(curl -sS -m 10 "$(orch open)")" "app: GET /"
# One comes in between without a request being lost.
git checkout -q HEAD~ -- .platform/routes.yaml
commit . "routes again"
rm -f "$work/refused"
while [ ! -e "$work/enough" ]; do
	curl -sS -m 10 -o /dev/null "http://127.0.0.1:$port/" 2>>"$work/refused"
done &
asking=$!
check "routes again" contains "$(orch deploy 2>&1)" "create    router"
touch "$work/enough"
wait $asking
check "nobody was refused" same "$(cat "$work/refused")" ""
check "it is in front again" request GET "$host/" "" 200 "app: GET /" "x-platform-cache: MISS"
check "destroy" orch destroy --purge --yes-destroy main
check "nothing is left" same "$(host_state)" "$before"
