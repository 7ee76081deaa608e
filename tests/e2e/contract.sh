#!/bin/bash
# What an application finds in its container: variables at build and run time, commands, hooks, files, and relationships
# to five services, read there by the vendor's own client library from npm.
# Single quotes: for the shell in the container.
# shellcheck disable=SC2016
# shellcheck disable=SC2034 # lib.sh reads it
here=$(cd "$(dirname "$0")" && pwd)
cache=${ORCH_TEST_CACHE:-/var/cache/orch-test}
data=$here/../data/contract
# Packages need the host's network.
if [ -z "${ORCH_E2E_ISOLATED:-}" ]; then
	command -v npm >/dev/null || {
		echo "skipped: no npm, which fetches platformsh-config"
		exit 77
	}
	"$here/images.sh" nodejs:18 mariadb:10.11 redis:7.0 memcached:1.6 postgresql:15 router:1 || exit 1
	library=$(mktemp -d /var/tmp/orch-npm.XXXXXX)
	export library
	trap 'rm -rf "$library"' EXIT
	(cd "$library" && npm install --no-audit --no-fund --silent platformsh-config@2) || {
		echo "skipped: platformsh-config can't be fetched from npm"
		exit 77
	}
	unshare -mn --propagation private env ORCH_E2E_ISOLATED=1 bash "$0" "$@"
	exit
fi
# shellcheck source=tests/e2e/lib.sh
. "$here/lib.sh"
mkdir -p "$root/var/lib/orch/images"
cp -a "$cache/images/." "$root/var/lib/orch/images/"

git init -q -b main "$work/app"
cd "$work/app" || exit 1
cp "$data"/* .
cp -r "$library/node_modules" .
mkdir -p public web
echo 'BOTH="$BOTH and .environment"; export BOTH' >.environment
commit . one
check "deploy" orch deploy
[ $failed = 0 ] || {
	orch logs | tail -n 60
	exit 1
}
inside() {
	orch -q exec app -- "$@" </dev/null
}
shell() {
	inside sh -c "$1"
}
# in FILE FILTER: of a JSON file of ours
in_file() {
	jq -r "$2" "$work/$1"
}

# The build.
inside cat /app/build.json >"$work/build"
check "a failing line doesn't end a hook" [ -s "$work/build" ]
check "by dash" same "$(inside readlink -f /bin/sh)" /usr/bin/dash
for name in RELATIONSHIPS ROUTES ENVIRONMENT ENVIRONMENT_TYPE DOCUMENT_ROOT SMTP_HOST; do
	check "no PLATFORM_$name in a build" same "$(in_file build ".PLATFORM_$name")" null
done
for name in PORT SOCKET DATABASE_HOST; do
	check "no $name in a build" same "$(in_file build ".$name")" null
done
check ".environment isn't read in a build" same "$(in_file build .BOTH)" manifest
while read -r name value; do
	check "$name in the build" same "$(in_file build ".$name")" "$value"
done <<'VALUES'
PLATFORM_APPLICATION_NAME app
PLATFORM_APP_DIR /app
PLATFORM_OUTPUT_DIR /app
PLATFORM_CACHE_DIR /tmp/cache
PLATFORM_VENDOR orch
CI true
GREETING hello
NUMBER 3
FLAG true
LIST ["a","b"]
USER web
HOME /app
LANG C.UTF-8
VALUES
check "trimmed in the build" same "$(in_file build .PLATFORM_APPLICATION | base64 -d |
	jq -c '[.hooks | keys[]] + [keys[] | select(IN("web", "relationships", "crons", "workers", "access"))]')" '["build"]'
check "entropy in the build" same "$(in_file build '.PLATFORM_PROJECT_ENTROPY | test("^[A-Z2-7]{52}====$")')" true

# What processes are given, over HTTP; and what a command sees.
shell 'curl -fs http://localhost/' >"$work/env"
for name in BRANCH:main ENVIRONMENT_TYPE:production DOCUMENT_ROOT:/app/public SMTP_HOST: APP_DIR:/app DIR:/app; do
	check "PLATFORM_${name%%:*}" same "$(in_file env ".PLATFORM_${name%%:*}")" "${name#*:}"
done
for name in PORT:8888 SOCKET:null CI:null PLATFORM_VENDOR:null PLATFORM_CACHE_DIR:null GREETING:hello NUMBER:3 HOME:/app USER:web \
	DATABASE_URL:own DATABASE_HOST:database.internal MEM_PORT:11211 CACHE_SCHEME:redis PG_PATH:main; do
	check "${name%%:*}" same "$(in_file env ".${name%%:*}")" "${name#*:}"
done
check ".environment wins" same "$(in_file env .BOTH)" "manifest and .environment"
check "in a command, too" same "$(shell 'echo $BOTH')" "manifest and .environment"
check "its start command" contains "$(in_file env .PLATFORM_APP_COMMAND)" "exec node server.js"
check "and the one before" contains "$(in_file env .PLATFORM_PRE_APP_COMMAND)" "export LEAK"
check "and the one after" contains "$(in_file env .PLATFORM_POST_APP_COMMAND)" "until curl"
check "base64 in one line" same "$(in_file env .PLATFORM_RELATIONSHIPS | wc -l)" 1
check "without php and env" same "$(in_file env .PLATFORM_VARIABLES | base64 -d | jq -Sc .)" '{"app:feature":{"on":true},"app:name":"shop"}'
check "the application" same "$(in_file env .PLATFORM_APPLICATION | base64 -d |
	jq -c '[.name, .type, .app_dir, (.tree_id | length), (.mounts | keys), .web.locations["/"].expires]')" \
	'["app","nodejs:18","/app",40,["/data","/web/scratch"],"-1s"]'
check "tree id" same "$(in_file env .PLATFORM_TREE_ID)" "$(in_file build .PLATFORM_TREE_ID)"

# Commands and hooks.
check "pre_start keeps to itself, and start goes on" same "$(shell 'cat /app/data/starts')" "pre
start [] /app 10000"
check "post_start" same "$(shell 'cat /app/data/post_start')" "post manifest and .environment"
check "the process is called app" contains "$(orch ps --json)" app
check "deploy's environment" contains "$(shell 'cat /app/data/deploy.env')" "BOTH=manifest and .environment"
check "the code is read-only" exits 1 shell '[ -e /app/data/oops ]'
check "deploy.log" contains "$(shell 'cat /var/log/deploy.log')" "deploying as 10000 in /app"
check "says what it ran" contains "$(shell 'cat /var/log/deploy.log')" "Launching command 'env > data/deploy.env"
check "post-deploy.log" contains "$(shell 'cat /var/log/post-deploy.log')" "afterwards manifest and .environment"
app=$(shell 'pgrep -f "node server"')
shell "kill $app"
check "app comes back" shell 'i=0; until curl -fs -o /dev/null http://localhost/; do i=$((i+1)); [ $i -lt 100 ] || exit 1; sleep 0.1; done'
check "with pre_start again" same "$(shell 'grep -c pre /app/data/starts')" 2

# Files and tools.
check "limits in /run/config.json" same "$(shell 'jq -c "[.info.limits.memory, .info.limits.disk, (.info.limits.cpu > 0)]" /run/config.json')" "[512,256,true]"
check "the app in it" same "$(shell 'jq -r ".applications[0].configuration.name" /run/config.json')" app
check "no secrets in it" exits 1 shell 'grep -q password /run/config.json'
for tool in sh bash base64 jq curl wget git rsync tar unzip file sed make ssh killall mysql psql redis-cli node npm; do
	check "$tool is there" shell "command -v $tool"
done

# The client library.
inside node check.js >"$work/library"
while read -r filter value; do
	check "library: $filter" same "$(jq -cr "$filter" "$work/library")" "$value"
done <<'VALUES'
.valid true
.build false
.runtime true
.production false
.enterprise false
.has true
.nobody RangeError
.variable shop
.nested.on true
.missing else
.applicationName app
.appDir /app
.branch main
.documentRoot /app/public
.port 8888
.primary.primary true
.primary.upstream app
.upstream|length 1
.application.name app
(.routes|keys[0])==.primary.url true
.projectEntropy|length 56
.credentials.database|[.host,.port,.scheme,.rel,.service,.type,.username,.password,.path] ["database.internal",3306,"mysql","mysql","db","mariadb:10.11","user","","main"]
.credentials.database|[.query.is_master,.fragment,.public,.host_mapped,.epoch] [true,null,false,false,0]
.credentials.database|(.instance_ips==[.ip]) true
.credentials.database.hostname|test("^[a-z2-7]{26}\\.db\\.service\\._\\.") true
.credentials.reports|[.username,(.password|length),.path,.rel,.service] ["reporter",32,null,"reporter","db2"]
.credentials.cache|[.host,.port,.scheme,.username,.password,.path,.query] ["cache.internal",6379,"redis",null,null,null,[]]
.credentials.mem|keys ["cluster","host","hostname","ip","port","rel","scheme","service","type"]
.credentials.pg|[.host,.port,.scheme,.username,.password,.path,.query] ["pg.internal",5432,"pgsql","main","main","main",{"is_master":true}]
VALUES

# With these credentials one gets in, and no further.
check "mariadb by name" same "$(shell 'mysql -h database.internal -u user main -N -e "create table t(a int); insert into t values (7); select * from t"')" 7
sql() {
	shell 'mysql -h reports.internal -u reporter -p"$REPORTS_PASSWORD" main -N -e "'"$1"'" 2>&1'
}
check "ro reads" same "$(sql 'select 1')" 1
check "ro doesn't write" contains "$(sql 'create table t(a int)')" denied
check "ro sees its schema only" contains "$(sql 'use old-times')" denied
check "redis" same "$(shell 'redis-cli -h cache.internal set a b')" OK
check "memcached" contains "$(inside bash -c 'exec 3<>/dev/tcp/$MEM_HOST/$MEM_PORT; printf "version\r\n" >&3; head -n 1 <&3')" VERSION
check "postgresql" same "$(shell 'PGPASSWORD=main psql -h pg.internal -U main main -Atc "create table t(a int); insert into t values (7); select a from t where similarity(a::text, a::text) = 1"' | tail -n 1)" 7

# A schema that is no longer listed is dropped, others keep what they hold.
sed -i 's/schemas: \[main, old-times\]/schemas: [main]/; s/, old-times: admin//' services.yaml
sed -i 's/reports: "db2:reporter"/reports: "db2:admin"/' app.yaml
sed -i 's/{type: "postgresql:15", disk: 512, configuration: {extensions: \[pg_trgm, hstore\]}}/{type: "postgresql:15", disk: 512, configuration: {databases: [main, more], extensions: [pg_trgm, hstore]}}/' services.yaml
commit . two
check "redeploy" orch deploy
check "old-times is gone" same "$(shell 'mysql -h reports.internal -u admin -p"$REPORTS_PASSWORD" -N -e "show databases"' | sort | tr '\n' ' ')" "information_schema main "
check "admin makes tables" shell 'mysql -h reports.internal -u admin -p"$REPORTS_PASSWORD" main -e "create table t(a int primary key); create view v as select * from t"'
check "postgresql has another database" same "$(shell 'PGPASSWORD=main psql -h pg.internal -U main more -Atc "create table x(a int); select 1"' | tail -n 1)" 1
check "and the first one's data" same "$(shell 'PGPASSWORD=main psql -h pg.internal -U main main -Atc "select a from t"')" 7

# Routes of a router.
cat >routes.yaml <<'ROUTES'
https://{default}/: {type: upstream, upstream: "app:http", id: main, attributes: {kind: shop}}
https://www.{default}/: {type: redirect, to: "https://{default}/"}
http://api.{default}/v1: {type: upstream, upstream: "app:http", cache: false}
ROUTES
commit . routes
started=$(inside pgrep -x node)
check "routes" orch deploy
check "the app goes on" same "$(inside pgrep -x node)" "$started"
inside node check.js >"$work/library"
url=$(orch open)
check "the primary route is where people go" same "$(jq -r .primary.url "$work/library")" "$url"
check "it answers there" contains "$(curl -fsS -m 10 "$url")" PLATFORM_ROUTES
while read -r filter value; do
	check "library: $filter" same "$(jq -cr "$filter" "$work/library")" "$value"
done <<'VALUES'
.primary|[.id,.type,.upstream,.original_url,.attributes.kind] ["main","upstream","app","https://{default}/","shop"]
.upstream|length 2
.routes|length 3
[.routes[]|select(.primary==true)]|length 1
[.routes[]|select(.type=="redirect")][0].to==.primary.url true
[.routes[]|select(.original_url=="http://api.{default}/v1/")][0].cache.enabled false
.primary|[.cache.enabled,.cache.default_ttl,.ssi.enabled,.sticky.enabled,.restrict_robots] [true,0,false,false,false]
.primary.http_access {"addresses":[],"basic_auth":{}}
VALUES
