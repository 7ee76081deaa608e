#!/bin/bash
# Real projects' manifests, read from ORCH_CORPUS and unchanged, with code of ours in the same shape; WordPress with
# Debian's package as the code. Versions that Debian hasn't: tests/data/corpus/catalog.
# shellcheck disable=SC2034 # lib.sh reads it
here=$(cd "$(dirname "$0")" && pwd)
cache=${ORCH_TEST_CACHE:-/var/cache/orch-test}
data=$here/../data/corpus
if [ -z "${ORCH_E2E_ISOLATED:-}" ]; then
	[ -d "${ORCH_CORPUS:-/nowhere}/corpus/wordpress-vanilla" ] || {
		echo "skipped: ORCH_CORPUS names no folder of sample projects"
		exit 77
	}
	wordpress=$(mktemp -d /var/tmp/orch-wordpress.XXXXXX)
	export wordpress
	trap 'rm -rf "$wordpress"' EXIT
	(cd "$wordpress" && apt-get -q download wordpress wordpress-theme-twentytwentythree libjs-cropper \
		libjs-underscore php-getid3 >/dev/null 2>&1) || {
		echo "skipped: Debian's wordpress can't be fetched"
		exit 77
	}
	# A project whose catalogue has the other versions.
	mkdir -p "$wordpress/images/.orch"
	cp -r "$data/catalog" "$wordpress/images/.orch/"
	printf 'name: a\ntype: "php:8.0"\n' >"$wordpress/images/app.yaml"
	git init -q "$wordpress/images"
	"$here/images.sh" nodejs:18 mariadb:10.11 router:1 || exit 1
	(cd "$wordpress/images" && "$here/images.sh" php:8.0) || exit 1
	unshare -mn --propagation private env ORCH_E2E_ISOLATED=1 bash "$0" "$@"
	exit
fi
# shellcheck source=tests/e2e/lib.sh
. "$here/lib.sh"
mkdir -p "$root/var/lib/orch/images"
cp -a "$cache/images/." "$root/var/lib/orch/images/"

# project NAME: the manifest of a sample project in a new repository.
project() {
	mkdir "$work/$1"
	cd "$work/$1" || exit 1
	git init -q -b main .
	cp -r "$ORCH_CORPUS/corpus/$1/." .
	mkdir -p .orch
	cp -r "$data/catalog" .orch/
}
# up NAME: it is deployed; $url is its address.
up() {
	commit . "$1"
	check "$1: deploy" orch deploy
	url=$(orch status | grep -oE 'http://[^ ]+')
	[ -n "$url" ] || orch logs | tail -n 40
}

project nodejs
cp "$data/nodejs/index.js" .
up nodejs
check "nodejs: answers" contains "$(curl -fsS -m 10 --retry 10 --retry-all-errors --retry-delay 1 "${url}x")" "at /x, database says 42"
check "nodejs: its mount" orch -q exec app -- touch /app/run/x
orch destroy --purge --yes-destroy main -q

project php
cp -r "$data/php/." .
up php
check "php: front controller" contains "$(curl -fsS -m 10 "${url}a/b")" "visit 1 of /a/b by app"
check "php: its mount keeps" contains "$(curl -fsS -m 10 "$url")" "visit 2"
echo content >"$work/upload.txt"
curl -fsS -m 10 -F "file=@$work/upload.txt" "$url" >/dev/null
check "php: an upload" same "$(curl -fsS -m 10 "${url}uploads/upload.txt")" content
check "php: not its private files" contains "$(curl -fsS -m 10 "${url}private/visits")" "visit"
check "php: its dependency" contains "$(orch -q exec app -- composer --version 2>/dev/null)" "Composer version 2"
orch destroy --purge --yes-destroy main -q

project wordpress-vanilla
for package in "$wordpress"/*.deb; do
	dpkg-deb -x "$package" "$wordpress/root"
done
rm -f "$wordpress/root/usr/share/wordpress/.htaccess"
# Links lead to other packages; the themes' are from /var/lib.
find "$wordpress/root/usr/share/wordpress/wp-content" -type l -lname '/*' | while read -r link; do
	ln -sfn "$wordpress/root$(readlink "$link")" "$link"
done
cp -rL "$wordpress/root/usr/share/wordpress" wordpress
mkdir -p wordpress/wp-content/{cache,uploads}
cp "$data/wordpress/wp-config.php" wordpress/
up wordpress-vanilla
jar=$work/jar
get() {
	curl -sS -m 60 -L -b "$jar" -c "$jar" "$@"
}
check "wordpress: wants to be installed" contains "$(get "$url")" "Install WordPress"
get "${url}wp-admin/install.php?step=2" --data-urlencode "weblog_title=Our site" -d user_name=admin \
	-d admin_password=s3cret-of-ours -d admin_password2=s3cret-of-ours -d admin_email=a@example.com \
	-d language= >"$work/installed"
check "wordpress: is installed" contains "$(cat "$work/installed")" "WordPress has been installed"
check "wordpress: front page" contains "$(get "$url")" "Our site"
check "wordpress: a post by its address" contains "$(get "${url}?p=1")" "Hello world"
check "wordpress: a stylesheet" contains "$(curl -sSI -m 10 "${url}wp-includes/css/dashicons.min.css")" "max-age=600"
check "wordpress: no licence" same "$(curl -sS -m 10 "${url}readme.html" | grep -c 'Semantic Personal Publishing')" 0
get "${url}wp-login.php" >/dev/null
get "${url}wp-login.php" -d log=admin -d pwd=s3cret-of-ours -d testcookie=1 >/dev/null
nonce=$(get "${url}wp-admin/media-new.php?browser-uploader" | grep -oE 'name="_wpnonce" value="[0-9a-f]+"' | grep -oE '[0-9a-f]{10}' | head -n 1)
base64 -d >"$work/dot.png" <<<"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
get "${url}wp-admin/media-new.php" -F "async-upload=@$work/dot.png;type=image/png" -F html-upload=Upload \
	-F post_id=0 -F "_wpnonce=$nonce" >/dev/null
upload=$(orch -q exec app -- find wordpress/wp-content/uploads -name 'dot*.png' | head -n 1)
check "wordpress: an upload is kept" [ -n "$upload" ]
curl -sS -m 10 -D "$work/head" -o "$work/got.png" "$url${upload#wordpress/}"
check "wordpress: and served" cmp "$work/got.png" "$work/dot.png"
check "wordpress: for a week" contains "$(cat "$work/head")" "max-age=604800"
check "wordpress: no scripts among uploads" same "$(orch -q exec app -- sh -c 'echo "<?php echo 42;" > wordpress/wp-content/uploads/x.php'
	curl -sS -m 10 -o /dev/null -w '%{http_code}' "${url}wp-content/uploads/x.php")" 403
check "wordpress: its hook ran" contains "$(orch -q exec app -- cat /var/log/wp.log)" "wp core update-db"
