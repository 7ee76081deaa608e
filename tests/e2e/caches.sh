#!/bin/bash
# build.caches: what a build finds of an earlier one, by the files that it watches; stale, shared, over the app's own; never of a failed build.
# shellcheck disable=SC2016 # for the shell in the container
# shellcheck disable=SC2034 # lib.sh reads it
isolate=yes
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/e2e/lib.sh
. "$here/lib.sh"
before=$(host_state)

web_image "$work/app"
check "import" orch image import "$work/app" app:1.0
project=$work/project
mkdir -p "$project/api" "$project/web/lib" "$project/.platform"
git init -q -b main "$project"
cat >"$project/web/.platform.app.yaml" <<'YAML'
name: web
type: "app:1.0"
build:
  caches:
    exact: {directory: deep/modules, watch: [lock]}
    stale: {watch: [lock, other/none], allow_stale: true}
    lib: {directory: lib, watch: [lock]}
    common: {directory: common, watch: [lock], share_between_apps: true}
hooks:
  build: |
    (cat deep/modules/made stale/made common/made 2>&1; cat lib/own lib/made 2>&1; stat -c %u deep/modules 2>/dev/null) >found
    mkdir -p deep/modules stale common
    n=$(cat number)
    echo "exact $n" >deep/modules/made; echo "stale $n" >stale/made; echo "lib $n" >lib/made; echo "common $n" >common/made
    ln -sf ../../../../etc/passwd deep/modules/link
    echo changed >>lock
    ! [ -e fail ]
YAML
cat >"$project/api/.platform.app.yaml" <<'YAML'
name: api
type: "app:1.0"
build:
  caches:
    common: {directory: common, watch: [lock], share_between_apps: true}
    private: {directory: private, watch: [lock]}
hooks:
  build: 'mkdir -p private; cat common/made private/made >found 2>&1; echo api >>private/made'
YAML
cd "$project" || exit 1
echo one | tee web/page >api/page
echo own1 >web/lib/own
echo a | tee web/lock >api/lock
echo 1 >web/number
rounds=0
# deploy: with another commit; the api is built anew, too.
deploy() {
	rounds=$((rounds + 1))
	echo "$rounds" >api/round
	commit "$project" "$rounds"
	orch deploy
}
# found APP: what its build found.
found() {
	orch exec "$1" -- cat found | grep -v "^cat:\|can't open" | paste -sd,
}
check "deploy" deploy
[ $failed = 0 ] || exit 1
check "at first there is nothing but the app's own" contains "$(found web)" "own1"
check "nothing" exits 1 contains "$(found web)" "exact"
check "it stays in the image" same "$(orch exec web -- cat deep/modules/made)" "exact 1"

echo 2 >web/number
echo own2 >web/lib/own
check "deploy" deploy
check "what it left; the app's own counts before it" same "$(found web)" "exact 1,stale 1,common 1,own2,lib 1,10000"
check "the other app has what all have" contains "$(found api)" "common 1"

echo 3 >web/number
echo b >web/lock
check "says so" contains "$(deploy 2>&1)" "cache stale: what was kept for other files"
check "for other files only what may be stale" same "$(found web)" "stale 1,own2"

echo 4 >web/number
touch web/fail
check "a build that fails" exits 1 deploy
rm web/fail
echo c >web/lock
echo 5 >web/number
check "deploy" deploy
check "leaves nothing" same "$(found web)" "stale 3,own2"
echo a >web/lock
echo 6 >web/number
check "deploy" deploy
check "the first ones are still there" same "$(found web)" "exact 1,stale 1,common 1,own2,lib 1,10000"
check "one's own is nobody else's" same "$(find "$root/var/lib/orch/cache" -name '*.web.caches' | wc -l)" 1
check "a link is kept as a link" same "$(find "$root/var/lib/orch/cache" -name link -type l | wc -l)" "$(find "$root/var/lib/orch/cache" -name link | wc -l)"
check "which leads nowhere" exits 1 grep -rqs root: "$root/var/lib/orch/cache"

# A folder that is a link leads out of the app: nothing is written or kept there.
rm -rf web/lib
ln -s /etc web/lib
sed -i 's/echo "lib $n" >lib\/made;//; s/mkdir -p deep/rm -rf lib; ln -s \/etc lib; mkdir -p deep/' web/.platform.app.yaml
echo 7 >web/number
check "deploy" deploy
check "nothing came out" exits 1 grep -rqs root: "$root/var/lib/orch/cache"
check "nothing went in" test ! -e /etc/made
for i in d e f g h; do
	echo $i >web/lock
	check "deploy" deploy
done
check "four of each are kept" same "$(find "$root/var/lib/orch/cache" -path '*.web.caches/*/made' | wc -l)" "$(find "$root"/var/lib/orch/cache/*.web.caches -mindepth 1 -maxdepth 1 -type d | wc -l)"
check "no more" test "$(find "$root"/var/lib/orch/cache/*.web.caches -mindepth 1 -maxdepth 1 -type d | wc -l)" -le 12
check "gc keeps what was used" orch gc
check "it is there" test -d "$(echo "$root"/var/lib/orch/cache/*.web.caches)"
check "nothing amiss" orch fsck
check "destroy" orch destroy --purge --yes-destroy main
check "nothing is left" same "$(host_state)" "$before"
