#!/bin/bash
# What orch validate takes for a project of ten apps, from start to end, and how much of that any command takes. Run from the
# build folder; BENCH_RUNS: how often, 20.
# shellcheck source=tests/bench/many.sh
. "$(cd "$(dirname "$0")" && pwd)/many.sh"

mkdir -p "$work/project/.platform"
cd "$work/project" || exit 1
for i in $(seq 10); do
	mkdir "app$i"
	cat >"app$i/.platform.app.yaml" <<APP
name: app$i
type: "php:8.2"
disk: 1024
relationships: {database: "db:mysql", redis: "cache:redis"}
mounts:
  var: {source: local, source_path: var}
  "public/uploads": {source: local, source_path: uploads}
variables: {env: {A: "1", B: "2"}, php: {memory_limit: 256M}}
web:
  locations:
    "/":
      root: public
      passthru: /index.php
      expires: 1h
      rules:
        '\.(css|js|gif|jpe?g|png|svg)$': {expires: 4w}
        '^/media/.*\.php$': {scripts: false}
hooks:
  build: |
    set -e
    composer install
  deploy: php bin/console migrate
crons:
  clean: {spec: "H 3 * * *", commands: {start: php bin/clean}}
workers:
  queue: {commands: {start: php bin/queue}}
APP
	printf '"https://app%s.{default}/": {type: upstream, upstream: "app%s:http"}\n' "$i" "$i" >>.platform/routes.yaml
done
printf '%s\n' 'db: {type: "mariadb:10.11", disk: 2048}' 'cache: {type: "redis:7.0"}' >.platform/services.yaml
orch validate || exit 1

# times COMMAND...: how long each run took, in microseconds.
times() {
	for _ in $(seq "${BENCH_RUNS:-20}"); do
		wall "$@"
	done
}
echo "orch validate, ten apps with a worker and a cron each"
times orch validate >"$work/times"
figure "any command: libraries" "$(ms "$(times orch explain E0310 | share 50)")"
figure "validate" "$(ms "$(share 50 <"$work/times")")"
# Whatever else the machine does.
bound "validate at its fastest, ms" "$(awk -v us="$(share 0 <"$work/times")" 'BEGIN { printf "%.1f", us / 1000 }')" 10
