#!/bin/bash
# web.locations against running containers: tests/data/locations/NAME.yaml is an app, NAME.txt what requests to it
# get. The base image is that of ORCH_TEST_CACHE; where it isn't there, or is of another recipe, it is built first.
# shellcheck disable=SC2034 # lib.sh reads it
here=$(cd "$(dirname "$0")" && pwd)
cache=${ORCH_TEST_CACHE:-/var/cache/orch-test}
# An image needs packages, and so the host's network.
if [ -z "${ORCH_E2E_ISOLATED:-}" ]; then
	"$here/images.sh" php:8.2 || exit 1
fi
isolate=yes
# shellcheck source=tests/e2e/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/e2e/requests.sh
. "$here/requests.sh"
mkdir -p "$root/var/lib/orch/images"
cp -a "$cache/images/." "$root/var/lib/orch/images/"
data=$here/../data/locations

tree() {
	local i
	mkdir -p web/{sub,both,script-index,cached,own-cache,month,source,docsets,"a folder"} docs-public/{empty,apis} api closed/open
	touch docs-public/empty/.keep
	cp "$data/server.php" .
	for i in web/{index,hello,front}.php web/sub/deep.php web/script-index/index.php docs-public/run.php; do
		cp "$data/front.php" "$i"
	done
	echo plain >web/plain.txt
	echo spaced >"web/a b.txt"
	echo sub >web/sub/plain.txt
	echo "front page" >web/index.html
	echo "single page" >web/spa.html
	echo "both html" >web/both/index.html
	cp "$data/front.php" web/both/index.php
	echo "in a folder" >"web/a folder/index.html"
	echo docsets >web/docsets/plain.txt
	echo docs >docs-public/index.html
	echo only >docs-public/only.txt
	echo apis >docs-public/apis/x.txt
	echo api >api/api.txt
	echo '<?php echo 1;' | tee api/code.php >web/source/code.php
	echo "body {}" >web/style.css
	echo "a,b" >web/data.csv
	echo bytes >web/no-extension
	echo "not a script" >web/hello.php.txt
	echo secret >web/x.secret
	echo hidden >web/x.hidden
	echo closed >closed/a.txt
	echo open >closed/open/b.txt
	echo first | tee web/first.txt web/a-first.txt >web/sub/first.txt
	echo photo | tee web/photo.jpg >web/photo.JPEG
	echo dat | tee web/a.dat >web/a-lock.dat
	echo strange >'web/"xx$"'
	echo a | tee web/cached/a.txt web/own-cache/a.txt >web/month/a.txt
	echo typed >web/typed
	echo '{}' | tee web/cors.json >web/one-origin.json
	for i in css csv json svg bin; do
		printf '%3000s\n' "" | tr ' ' a >"web/long.$i"
	done
	cp web/long.css docs-public/
	cp web/long.css api/
	echo unpacked | tee web/packed.bin >api/packed.bin
	echo "packed by gzip" | tee web/packed.bin.gz >api/packed.bin.gz
	echo "packed by brotli" >web/packed.bin.br
}

# A row of the table; the answer is in $work/head and $work/body.
request() {
	local method=${1%% *} path=${1#* } sent=$2 status=$3 body=$4 head=$5 args=() part
	case $method in
	HEAD) args+=(-I) ;;
	*=*)
		args+=(-X "${method%=*}" --data-binary @-)
		size=${method#*=}
		;;
	*) args+=(-X "$method") ;;
	esac
	while read -r -d ';' part; do
		[ -z "$part" ] || args+=(-H "$part")
	done <<<"$sent;"
	head -c "${size:-0}" /dev/zero | tr '\0' x | orch -q exec web -- curl -sS -m 20 -i --path-as-is \
		"${args[@]}" "http://127.0.0.1$path" 2>&1 | tr -d '\r' >"$work/answer"
	size=0
	answers "$status" "$body" "$head"
}

for manifest in "$data"/*.yaml; do
	name=$(basename "$manifest" .yaml)
	git init -q -b main "$work/$name"
	cd "$work/$name" || exit 1
	tree
	cp "$manifest" app.yaml
	commit . "$name"
	check "$name: deploy" orch deploy
	[ "$(orch ps --json 2>/dev/null | jq '[.containers[] | select(.ready)] | length')" = 1 ] || {
		orch logs web | tail -n 30
		continue
	}
	while IFS='|' read -r what sent status body head; do
		case $what in "#"* | "") continue ;; esac
		for part in what sent status body head; do
			trim "${!part}"
			printf -v $part %s "$trimmed"
		done
		check "$name: $what" request "$what" "$sent" "$status" "$body" "$head" </dev/null
	done <"$data/$name.txt"
	if [ "$name" = php ]; then
		# Nothing but the order of two rules: nginx is told, and nothing starts again.
		before=$(pids web) main=$(orch -q exec web -- pgrep -o php-fpm)
		awk '/first\\.txt/ { held = $0; next } { print } held && /\.\*first/ { print held; held = "" }' "$manifest" >app.yaml
		commit . "other order"
		check "another order of rules" contains "$(orch deploy 2>&1)" reload
		# nginx takes up a new configuration in its own time.
		for _ in $(seq 50); do
			request "GET /first.txt" "" 200 first "x-rule: two" >/dev/null && break
			sleep 0.1
		done
		check "counts" request "GET /first.txt" "" 200 first "x-rule: two"
		check "in the same processes" same "$(pids web) $(orch -q exec web -- pgrep -o php-fpm)" "$before $main"
	fi
	orch destroy --purge --yes-destroy main -q
done
