#!/bin/bash
# examples/shop with the catalogue's own images: PHP, MariaDB, Redis. Base images are kept in ORCH_TEST_CACHE
# by digest of their recipes; orch builds what is not there, or outdated.
# Single quotes: for the shell in the container.
# shellcheck disable=SC2016
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/e2e/lib.sh
. "$here/lib.sh"
export TERM=dumb
cache=${ORCH_TEST_CACHE:-/var/cache/orch-test}
images=$root/var/lib/orch/images

echo "base images: built now, or from $cache"
mkdir -p "$images"
[ -d "$cache/images" ] && cp -a "$cache/images/." "$images/"
for type in php:8.2 mariadb:10.11 redis:7.0; do
	check "image build $type" orch image build "$type"
done
[ $failed = 0 ] || exit 1
mkdir -p "$cache"
rm -rf "$cache/images.new"
cp -a "$images" "$cache/images.new" && rm -rf "$cache/images" && mv "$cache/images.new" "$cache/images"
check "image ls" contains "$(orch image ls)" "base-php:8.2"
check "image verify" orch image verify php:8.2

cp -r "$here/../../examples/shop" "$work/shop"
cd "$work/shop" || exit 1
git init -q -b main .
commit . "A shop"
check "deploy" orch deploy
[ $failed = 0 ] || {
	orch logs | tail -n 40
	exit 1
}
url=$(orch status | grep -oE 'http://[^ ]+')
page() {
	curl -fsS -m 10 "$url" | sed -n "s,^<li>$1: \(.*\)</li>,\1,p"
}
check "visits are counted" same "$(page visits)" 1
check "again" same "$(page visits)" 2
check "the cache hits" same "$(page cache)" hit
check "a stylesheet is no script" contains "$(curl -fsSI -m 10 "${url}static/shop.css")" "text/css"
check "what is not there" same "$(curl -s -o /dev/null -w '%{http_code}' -m 10 "${url}static/none.css")" 404

db=$(pids db) redis=$(pids redis) app=$(pids app)
sed -i "s/SHOP_VERSION = '1'/SHOP_VERSION = '2'/" src/version.php
commit . "Version 2"
check "redeploy" orch deploy
check "new code" same "$(page version)" 2
check "same processes" same "$(pids db) $(pids redis) $(pids app)" "$db $redis $app"
sed -i 's/memory_limit: 256M/memory_limit: 128M/' app.yaml
commit . "Less memory"
check "a php setting" orch deploy
check "is there" contains "$(curl -fsS -m 10 "$url")" "memory limit 128M"
check "in the same container" same "$(pids app)" "$app"

before=$(page visits)
check "stop" orch stop
check "start" orch start
check "visits are kept" same "$(page visits)" $((before + 1))
fpm=$(orch exec app -- sh -c 'for p in /proc/[0-9]*; do [ "$(cat $p/comm)" = php-fpm8.2 ] && basename $p; done' | sort -n | head -n 1)
orch exec app -- kill -9 "$fpm"
check "php-fpm comes back" curl -fsS -m 10 --retry 10 --retry-all-errors --retry-delay 1 -o /dev/null "$url"
check "destroy" orch destroy --purge --yes-destroy main
