#!/bin/bash
# Mounts of an app: storage, which workers and other apps share; instance, which nobody does. What stays when a container is another, or copied.
# shellcheck disable=SC2034 # lib.sh reads it
isolate=yes
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/e2e/lib.sh
. "$here/lib.sh"
before=$(host_state)

web_image "$work/app"
check "import" orch image import "$work/app" app:1.0
project=$work/project
mkdir -p "$project/api" "$project/.platform"
git init -q -b main "$project"
cat >"$project/.platform.app.yaml" <<'YAML'
name: web
type: "app:1.0"
disk: 128
mounts:
  own: {source: local}
  shared: {source: storage}
  near: {source: instance, source_path: own}
workers:
  queue:
    commands: {start: sleep 1000}
  lone:
    commands: {start: sleep 1000}
    mounts: {near: {source: instance}}
YAML
cat >"$project/api/.platform.app.yaml" <<'YAML'
name: api
type: "app:1.0"
mounts:
  theirs: {source: storage, service: web, source_path: shared/for-api}
YAML
echo one | tee "$project/api/page" >"$project/page"
commit "$project" one
cd "$project" || exit 1
check "deploy" orch deploy
[ $failed = 0 ] || exit 1

orch exec web -- sh -c 'echo app >own/file; echo app >shared/file; echo app >near/file'
orch exec web--queue -- sh -c 'echo worker >shared/more; echo worker >near/file; echo worker >own/more'
orch exec web--lone -- sh -c 'echo lone >near/file'
orch exec api -- sh -c 'echo api >theirs/file'
check "a worker sees what the app wrote" same "$(orch exec web--queue -- cat shared/file)" app
check "as its own user" same "$(orch exec web--queue -- stat -c %u shared/file)" 10000
check "and the app what the worker wrote" same "$(orch exec web -- ls shared)" "file
for-api
more"
check "another app has its folder" same "$(orch exec web -- cat shared/for-api/file)" api
check "and may write there, nowhere else" exits 1 orch exec api -- touch page
check "what is local is one's own" same "$(orch exec web -- ls own)" file
check "what is of the instance, too" same "$(orch exec web -- cat near/file) $(orch exec web--queue -- cat near/file) $(orch exec web--lone -- cat near/file)" "app worker lone"
check "under the same name as a local one" same "$(orch exec web -- cat own/file)" app
check "files come out" orch mount get web--queue:shared/file "$work/got"
check "of the app's volume" same "$(cat "$work/got")" app
check "files come out" orch mount get web--lone:near/file "$work/got-lone"
check "of the instance's" same "$(cat "$work/got-lone")" lone
check "as large as is declared" same "$(orch show web | jq '.[].disk?') $(orch show web--lone | jq '.[].disk?') $(orch show api | jq '.[].disk?')" "8128 8000 null"
check "no volume without use" same "$(cd "$root"/var/lib/orch/pool/main-??????? && echo *)" "web web--lone web--queue"

web=$(pids web)
sed -i 's/^  own: {source: local}/&\n  scratch: {source: tmp}/' .platform.app.yaml
commit "$project" "another mount"
check "deploy" orch deploy
check "another container" test "$(pids web)" != "$web"
check "with its data" same "$(orch exec web -- cat own/file shared/file near/file)" "app
app
app"
check "its worker's" same "$(orch exec web--queue -- cat shared/more near/file)" "worker
worker"
check "a branch" orch branch fix
check "has copies" same "$(orch exec -e fix web--queue -- cat shared/file near/file)" "app
worker"
check "of its own" orch exec -e fix web--queue -- sh -c 'echo fix >shared/file'
check "indeed" same "$(orch exec web -- cat shared/file) $(orch exec -e fix web -- cat shared/file)" "app fix"
check "nothing amiss" orch fsck
check "destroy" orch destroy --purge --yes-destroy fix -e fix
check "destroy" orch destroy --purge --yes-destroy main
check "nothing is left" same "$(host_state)" "$before"
