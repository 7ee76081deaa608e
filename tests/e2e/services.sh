#!/bin/bash
# Services that keep things: redis-persistent, RabbitMQ, and a volume that two apps share.
# Single quotes: for the shell in the container.
# shellcheck disable=SC2016
# shellcheck disable=SC2034 # lib.sh reads it
here=$(cd "$(dirname "$0")" && pwd)
cache=${ORCH_TEST_CACHE:-/var/cache/orch-test}
# Packages need the host's network.
if [ -z "${ORCH_E2E_ISOLATED:-}" ]; then
	"$here/images.sh" nodejs:18 redis-persistent:7.0 rabbitmq:3.10 network-storage:2.0 || exit 1
fi
isolate=yes
# shellcheck source=tests/e2e/lib.sh
. "$here/lib.sh"
mkdir -p "$root/var/lib/orch/images"
cp -a "$cache/images/." "$root/var/lib/orch/images/"

mkdir -p "$work/app"/{one,two,.platform}
cd "$work/app" || exit 1
git init -q -b main .
cp "$here/../data/services/amqp.js" one/
cat >one/.platform.app.yaml <<'YAML'
name: one
type: "nodejs:18"
relationships: {store: "kv:redis", queue: "mq:rabbitmq"}
mounts:
  files: {source: service, service: files, source_path: common}
  everything: {source: service, service: files, source_path: ""}
additional_hosts: {elsewhere.example: 192.0.2.7}
YAML
cat >two/.platform.app.yaml <<'YAML'
name: two
type: "nodejs:18"
mounts: {shared/here: {source: service, service: files, source_path: common}}
YAML
cat >.platform/services.yaml <<'YAML'
kv: {type: "redis-persistent:7.0", disk: 256}
mq: {type: "rabbitmq:3.10", disk: 512, configuration: {vhosts: [jobs]}}
files: {type: "network-storage:2.0", disk: 256}
YAML
printf '"http://{default}/": {type: upstream, upstream: "one:http"}\n' >.platform/routes.yaml
commit . one
check "deploy" orch deploy
[ $failed = 0 ] || {
	orch logs | tail -n 60
	exit 1
}
on() {
	orch -q exec "$@" </dev/null
}
check "redis takes" same "$(on one sh -c 'redis-cli -h store.internal set a kept')" OK
check "its limit" same "$(on kv cat /run/redis/redis.conf | grep -c 'maxmemory 100663296')" 1
check "rabbitmq lets in" same "$(on one node amqp.js)" in
check "by its password only" same "$(on one node amqp.js wrong)" refused
check "a file of one" on one sh -c 'echo together > files/x'
check "is there for two" same "$(on two cat shared/here/x)" together
check "two writes as well" on two sh -c 'echo again >> shared/here/x'
check "at once" same "$(on one tail -n 1 everything/common/x)" again
check "a host of the manifest's" contains "$(on one getent hosts elsewhere.example)" 192.0.2.7
check "stop" orch stop
check "start" orch start
check "redis kept it" same "$(on one sh -c 'redis-cli -h store.internal get a')" kept
check "the files are there" same "$(on two cat shared/here/x | tr '\n' ' ')" "together again "
check "rabbitmq is back" same "$(on one node amqp.js)" in
