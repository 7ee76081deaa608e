#!/bin/bash
# Getting rid of things and having them back: destroy's guard, the trash, backups on another root, mounts in and out, and
# kill -9 in the middle of each.
# Single quotes: for the shell in the container.
# shellcheck disable=SC2016
# shellcheck disable=SC2034 # lib.sh reads it
isolate=yes
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/e2e/lib.sh
. "$here/lib.sh"
# A host without a key of its own, whatever this one is.
[ ! -d /var/lib/systemd ] || mount -t tmpfs key /var/lib/systemd
before=$(host_state)
export TERM=dumb

web_image "$work/app"
store_image "$work/store"
check "import app" orch image import "$work/app" app:1.0
check "import store" orch image import "$work/store" store:1.0

project=$work/project
mkdir -p "$project"
git init -q -b main "$project"
cat >"$project/app.yaml" <<'YAML'
name: web
type: "app:1.0"
disk: 128
relationships: {database: "db:data"}
mounts: {"upload": {source: local, source_path: upload}}
YAML
printf 'db: {type: "store:1.0", disk: 256}\n' >"$project/services.yaml"
echo one >"$project/page"
commit "$project" one
cd "$project" || exit 1

# Everything in both containers' data: names, types, owners, modes, times, contents.
sums() {
	orch exec -u root db -- sh -c \
		'cd /mnt && find . | sort | while read -r f; do stat -c "%n %F %u:%g %a %Y" "$f"; [ -f "$f" ] && md5sum "$f"; done'
	orch exec -u root web -- sh -c 'cd /app/upload && find . -type f | sort | xargs md5sum'
}

# kill_often COMMAND...: killed after ever longer, until it comes to its end. 3: it had come to it before the last kill.
killed=0
kill_often() {
	local ms code=137
	for ms in 001 002 004 007 010 014 019 025 032 040 050 065 080 100 130 170 230 300 400 600 900; do
		kill_after 0.$ms "$@"
		code=$?
		[ $code = 137 ] || break
		killed=$((killed + 1))
	done
	[ $code = 137 ] && {
		"$ORCH" --root "$root" "$@"
		code=$?
	}
	[ $code = 0 ] || [ $code = 3 ] || {
		echo "exit $code, killed $killed times"
		cat "$work/killed"
		return 1
	}
}

# kill_after SECONDS COMMAND...: it, then its exit code; 137 when that was too little time.
kill_after() {
	local pid code
	"$ORCH" --root "$root" "${@:2}" >"$work/killed" 2>&1 &
	pid=$!
	(sleep "$1" && kill -9 $pid) 2>/dev/null &
	wait $pid 2>/dev/null
	code=$?
	kill $! 2>/dev/null
	wait $! 2>/dev/null
	return $code
}

check "deploy" orch deploy
[ $failed = 0 ] || exit 1
orch exec -u root db -- sh -c 'head -c 3000000 /dev/urandom >/mnt/table; ln -s table /mnt/link; ln /mnt/table /mnt/again
	mkdir -m 0700 /mnt/deep; echo x >/mnt/deep/"odd name"; dd if=/dev/zero of=/mnt/hole bs=1 count=0 seek=20M 2>/dev/null
	chown -R app:app /mnt; chmod 4750 /mnt/table'
orch exec web -- sh -c 'echo picture >/app/upload/cat.jpg; mkdir /app/upload/sub; echo deep >/app/upload/sub/dog.jpg'
sums >"$work/sums"
# The guard, the trash.
machine=$(orch status --json | jq -r '.environment.machine_name // .machine_name')
check "destroy has to be confirmed" exits 2 orch destroy </dev/null
check "--yes is not enough" contains "$(orch destroy --yes 2>&1 </dev/null)" "--yes-destroy main"
check "another name is not it" exits 2 orch destroy --yes-destroy fix
check "nothing was changed" same "$(sums)" "$(cat "$work/sums")"
check "destroy by name" orch destroy --yes-destroy main
check "it is gone" exits 3 orch status
check "the trash has it" same "$(orch trash ls --json | jq -r '.trash[] | "\(.environment) \(.containers)"')" "$machine db web"
check "with its size" same "$(orch trash ls --json | jq '.trash[0].bytes > 3000000')" true
check "nothing else of the trash" exits 3 orch trash restore other
check "back from the trash" orch trash restore main
check "the trash is empty" same "$(orch trash ls --json | jq '.trash | length')" 0
check "deploy finds it" orch deploy
check "the same data" same "$(sums)" "$(cat "$work/sums")"
check "trash of a running one" orch destroy --yes-destroy main
check "a new one" orch deploy
check "is empty" exits 1 orch exec db -- test -e /mnt/table
check "a running one gets nothing back" exits 4 orch trash restore main
orch stop -q
check "nor one that has volumes" exits 4 orch trash restore "$machine"
check "nothing was lost" same "$(orch trash ls --json | jq '.trash | length')" 1
check "purged" orch destroy --purge --yes-destroy main
check "empty of old ones" orch trash empty --older-than 1d
check "it is not old" orch trash restore main
check "deploy" orch deploy
check "the same data" same "$(sums)" "$(cat "$work/sums")"

# Killed at any moment: the next one that meets it ends it.
check "destroy, killed often" kill_often destroy --yes-destroy main
check "it was killed ($killed)" test $killed -gt 3
check "it is gone" exits 3 orch status
check "back from the trash" orch trash restore main
check "deploy" orch deploy
check "the same data" same "$(sums)" "$(cat "$work/sums")"
for ms in 020 030 040 050 060 080 110 150; do
	kill_after 0.$ms destroy --yes-destroy main
	check "deploy after a destroy killed at $ms ms" orch deploy
	if [ "$(orch trash ls --json | jq '.trash | length')" != 0 ]; then
		orch destroy -q --purge --yes-destroy main
		check "back after a destroy killed at $ms ms" orch trash restore main
		check "deploy" orch deploy
	fi
	check "the same data" same "$(sums)" "$(cat "$work/sums")"
done


# A backup.
root2=$work/root2
other() {
	"$ORCH" --root "$root2" "$@"
}
check "a variable" orch var set COLOR blue
check "a secret" orch var set --sensitive TOKEN "only for me"
check "of the project" orch var set --project PLACE here
check "of an app" orch var set --app web COLOR green
check "deploy" orch deploy
values() {
	orch exec web -- sh -c 'echo "$COLOR,$TOKEN,$PLACE"'
}
check "they are there" same "$(values)" "green,only for me,here"
facts() {
	orch show | jq -cS '[.. | objects | select(has("base")) | .base, .code.image]'
}
digests=$(facts)
check "backup" orch backup create
id=$(orch backup create -q)
check "its name" contains "$id" "$machine-20"
# Secrets in it: plain where the host has no key, which is said; by its key; by a key file; not at all.
check "how they are is said" contains "$(orch backup create --no-images --to "$work/said.tar" 2>&1)" "its 1 secret is plain"
check "a key file needs one" exits 2 orch backup create --key-file "$work/nothing"
: >"$work/empty"
check "with something in it" exits 2 orch backup create --key-file "$work/empty"
check "one or the other" exits 2 orch backup create --key-file "$work/empty" --no-secrets
check "not with ls" exits 2 orch backup ls --no-secrets
echo "correct horse" >"$work/key"
check "by a key file" contains "$(orch backup create --no-images --key-file "$work/key" --to "$work/sealed.tar" 2>&1)" "secret is sealed"
check "from a pipe" exits 0 sh -c "printf %s 'correct horse' | '$ORCH' --root '$root' backup create -q --no-images --key-file - --to '$work/piped.tar'"
check "without any" contains "$(orch backup create --no-images --no-secrets --to "$work/bare.tar" 2>&1)" "left out"
for file in sealed piped bare; do
	check "not in $file" exits 1 sh -c "tar -xOf '$work/$file.tar' | grep -qa 'only for me'"
done
check "only in a plain one" contains "$(jq -r '.secrets[]' "$root/var/lib/orch/backups/$id/manifest.json")" "only for me"
check "ls says how they are" same "$(orch backup ls --json | jq -r --arg i "$id" '.backups[] | select(.id == $i) | .secrets')" plain
check "nothing unfinished" same "$(find "$root/var/lib/orch/backups" -maxdepth 1 -name '*~' | wc -l)" 0
check "it is listed" same "$(orch backup ls --json | jq -r --arg id "$id" '.backups[] | select(.id == $id) | .environment')" main
check "two are" same "$(orch backup ls -e main --json | jq '.backups | length')" 2
check "it is sound" orch backup verify "$id"
check "while it is paused or stopped" orch backup create --no-images --to "$work/small.tar"
orch stop -q
check "of a stopped one" orch backup create -q
orch start -q
check "into a folder" orch backup create --to "$work"
check "as one file" orch backup get "$id" "$work/all.tar"
check "of which nobody else reads" same "$(stat -c %a "$work/all.tar")" 600
check "not over another one" exits 4 orch backup get "$id" "$work/all.tar"
check "no snapshot stays" same "$(find "$root/var/lib/orch/pool" -maxdepth 1 -name '*@backup*' | wc -l)" 0
check "in the same environment" orch exec -u root db -- rm /mnt/table
check "restore" orch backup restore "$id"
check "the same data" same "$(sums)" "$(cat "$work/sums")"
check "what was there is kept" same "$(find "$root/var/lib/orch/pool" -maxdepth 1 -name '*@before-restore-*' | wc -l)" 1
check "into another one" orch backup restore "$id" --as copy
check "which is one of its own" same "$(orch ls --json | jq '.environments | length')" 2
check "with the same data" same "$(ORCH_ENVIRONMENT=copy sums)" "$(cat "$work/sums")"
check "and its own address" same "$(orch ls --json | jq '[.environments[].url] | unique | length')" 2
check "destroy the other" orch destroy --purge --yes -e copy
check "data only" orch backup restore "$id" --data-only
check "the same data" same "$(sums)" "$(cat "$work/sums")"
check "data only of nothing" exits 3 orch backup restore "$id" --data-only --as none
check "nothing was made" exits 3 orch status -e none

# Damage is found before anything is changed, and named.
store=$root/var/lib/orch/backups
broken() {
	rm -rf "$work/broken"
	cp -r "$store/$id" "$work/broken"
	chmod -R u+w "$work/broken"
}
same_as_before() {
	same "$(sums; orch history --json | jq -c '.generations | length'; pids db)" "$unchanged"
}
unchanged=$(sums; orch history --json | jq -c '.generations | length'; pids db)
broken
printf X | dd of="$work/broken/volume-db.tar.zst" bs=1 seek=1000 conv=notrunc 2>/dev/null
check "a flipped byte is refused" exits 1 orch backup restore "$work/broken"
check "and named" contains "$(orch backup restore "$work/broken" 2>&1)" "volume-db.tar.zst: its content is not what was written"
check "verify says which" same "$(orch backup verify "$work/broken" --json 2>/dev/null | jq -r '.parts[] | select(.ok | not) | .file')" volume-db.tar.zst
check "with its exit code" exits 8 orch backup verify "$work/broken"
broken
truncate -s -1 "$work/broken/volume-web.tar.zst"
check "cut short" contains "$(orch backup restore "$work/broken" 2>&1)" "the volume of web"
broken
rm "$work"/broken/image-*.sqfs
check "a lost image" contains "$(orch backup restore "$work/broken" 2>&1)" "it is missing"
broken
sed -i 's/"generation": [0-9]*/"generation": 99/' "$work/broken/manifest.json"
check "a changed manifest" contains "$(orch backup restore "$work/broken" 2>&1)" "manifest.json is damaged"
rm "$work/broken/volume-web.tar.zst"
ln -s /etc/passwd "$work/broken/volume-web.tar.zst"
broken
rm "$work/broken/volume-web.tar.zst"
mkfifo "$work/broken/volume-web.tar.zst"
check "a pipe instead" contains "$(orch backup restore "$work/broken" 2>&1)" "it is no file"
head -c $(($(stat -c %s "$work/all.tar") / 2)) "$work/all.tar" >"$work/half.tar"
check "half a file" exits 1 orch backup restore "$work/half.tar"
check "nothing was changed" same_as_before
check "no such backup" exits 3 orch backup restore none
sed -i 's/disk: 128/disk: 300/' app.yaml
commit . "more disk"
check "more disk" orch deploy
check "is used" orch exec web -- sh -c 'head -c 150000000 /dev/urandom >/app/upload/much'
much=$(orch backup create -q --no-images)
orch exec web -- rm /app/upload/much
git reset -q --hard HEAD~1
check "less disk" orch deploy
unchanged=$(sums; orch history --json | jq -c '.generations | length'; pids db)
check "what does not fit" exits 1 orch backup restore "$much" --data-only
check "is refused" contains "$(orch backup restore "$much" --data-only 2>&1)" "its disk has"
check "nothing was changed" same_as_before

# One moment of a container that writes all the time: the second file never has more than the first.
orch exec -u root db -- sh -c 'i=0; while [ ! -e /mnt/stop ]; do i=$((i+1))
	echo $i >/mnt/t; mv /mnt/t /mnt/first; echo $i >/mnt/t; mv /mnt/t /mnt/second; done' &
writer=$!
orch exec -u root db -- sh -c 'while [ ! -s /mnt/second ]; do sleep 0.1; done'
moving=$(orch backup create -q --no-images)
orch exec -u root db -- touch /mnt/stop
wait $writer
check "while it writes" orch backup restore "$moving" --as moving
check "one moment" orch exec -e moving db -- sh -c 'd=$(($(cat /mnt/first) - $(cat /mnt/second))); [ $d = 0 ] || [ $d = 1 ]'
check "not its last" orch exec -e moving db -- test ! -e /mnt/stop
check "destroy" orch destroy -q --purge --yes -e moving
check "back to what it was" orch backup restore "$id"

# Mounts, out and in.
check "mounts" same "$(orch mount ls --json | jq -r '.mounts[] | "\(.container):\(.path)"')" web:upload
check "get" orch mount get web:upload "$work/got"
check "all of it" same "$(cd "$work/got" && find . -type f | sort | xargs cat)" "picture
deep"
chown 1234:1234 "$work/got"
rm "$work/got/cat.jpg"
check "again" contains "$(orch mount get web:/app/upload/ "$work/got" 2>&1)" "1 copied (8B), 1 unchanged"
check "the user's" same "$(stat -c %u "$work/got/cat.jpg")" 1234
check "one file" orch mount get web:upload/sub/dog.jpg "$work/dog"
check "it is that" same "$(cat "$work/dog")" deep
orch exec web -- ln -s /etc /app/upload/etc
orch exec web -- ln -s ../../../../.. /app/upload/sub/up
check "no way out by a link" exits 1 orch mount get web:upload/etc/passwd "$work/stolen"
check "nor another one" exits 1 orch mount get web:upload/sub/up/etc/passwd "$work/stolen"
check "nor by dots" exits 1 orch mount get web:upload/../../x "$work/stolen"
check "nothing came out" test ! -e "$work/stolen"
check "links stay links" orch mount get web:upload "$work/got"
check "that one" same "$(readlink "$work/got/etc")" /etc
mkdir -p "$work/in/etc" "$work/in/new"
echo evil >"$work/in/etc/passwd"
echo new >"$work/in/new/file"
mkfifo "$work/in/new/pipe"
truncate -s 50M "$work/in/new/hole"
chmod 4755 "$work/in/new/file"
check "not in through a link" exits 1 orch mount put "$work/in" web:upload
rm -r "$work/in/etc"
orch stop -q
check "put, stopped" orch mount put "$work/in" web:upload
check "again" contains "$(orch mount put "$work/in" web:upload 2>&1)" "0 copied (0B), 2 unchanged, 1 skipped"
orch start -q
check "it is the app's" same "$(orch exec web -- stat -c '%U %a' /app/upload/new/file /app/upload/new)" "web 755
web 755"
check "holes stay" same "$(orch exec web -- stat -c %b /app/upload/new/hole)" 0
check "no such mount" contains "$(orch mount get web:nothing "$work/x" 2>&1)" "it has: upload"
check "of a service" exits 3 orch mount get db:data "$work/x"
check "usage" exits 2 orch mount get upload "$work/x"
check "clean up" orch exec web -- rm -r /app/upload/new /app/upload/etc /app/upload/sub/up

# What is nobody's is found, and gone after a repair.
ghost="ghost-abcdefg"
check "no differences" orch fsck
kill -9 "$(orch ps --json | jq -r '.containers[] | select(.container == "web") | .pid')" "$(pgrep -f "supervise.*--root $root" | head -n 1)"
sleep 0.2
mkdir -p "$root/run/orch/$ghost" "$root/var/lib/orch/log/$ghost" "$root/var/lib/orch/scratch/$ghost.web" \
	"$store/$machine-20200101T000000Z~" "$root/var/lib/orch/pool/$ghost" "$root/var/lib/orch/pool/$machine~"
mke2fs -q -t ext4 "$root/var/lib/orch/pool/$ghost/db" 32M
cp "$root/var/lib/orch/pool/$ghost/db" "$root/var/lib/orch/pool/$machine/none"
cgroup=$(find /sys/fs/cgroup -maxdepth 3 -type d -name "orch-$(printf %s "$root" | sha256sum | cut -c 1-8)" | sed 1q)
mkdir "$cgroup/$ghost"
nft add table ip orch
nft add chain ip orch orchgoneabcde-fwd '{ type filter hook forward priority 0; }'
check "differences" exits 8 orch fsck
check "all of them" same "$(orch fsck --json | jq -r '.differences[] | .kind + " " + (.object | sub(".*/(?<x>[^/]*/[^/]*)$"; "\(.x)"))' | sort)" \
	"$(printf '%s\n' "leak backups/$machine-20200101T000000Z~" "leak log/$ghost" "leak cgroup orch-${cgroup##*orch-}/$ghost" "leak orch/$ghost" \
		"leak pool/$ghost" "leak pool/$machine~" "leak $machine/none" "leak rules of orchgoneabcde" \
		"leak scratch/$ghost.web" "missing $machine" | sort)"
check "repair" orch fsck --repair
check "no differences" orch fsck
check "the data is in the trash" same "$(orch trash ls --json | jq -r '[.trash[].environment] | sort | join(" ")')" "$ghost $machine"
check "it runs" orch exec web -- true
check "empty" orch trash empty --yes

# Killed again and again.
killed=0
check "restore, killed often" kill_often backup restore "$id"
check "it was killed ($killed)" test $killed -gt 5
check "the same data" same "$(sums)" "$(cat "$work/sums")"
killed=0
n=$(orch backup ls --json | jq '.backups | length')
check "create, killed often" kill_often backup create
check "it was killed ($killed)" test $killed -gt 3
check "one more, or more" test "$(orch backup ls --json | jq '.backups | length')" -gt "$n"
for made in $(orch backup ls --json | jq -r '.backups[].id'); do
	check "sound: $made" orch backup verify "$made"
done
check "nothing unfinished" same "$(find "$store" "$root/var/lib/orch/pool" -maxdepth 1 -name '*~' | wc -l)" 0
check "it runs" orch exec db -- true

# Everything is lost but the file: another root, without the project's folder.
check "rm" orch backup rm "$much"
check "is gone" exits 3 orch backup rm "$much"
check "all is as it should be" orch fsck
check "destroy" orch destroy --purge --yes-destroy main
check "nothing is nobody's" orch fsck
check "nothing is left" diff <(echo "$before") <(host_state)
rm -rf --one-file-system "$root"
cd "$work" || exit 1
root=$root2
check "without images" contains "$(orch backup restore "$work/small.tar" 2>&1)" "orch image build store:1.0"
check "is absent" exits 3 orch backup restore "$work/small.tar"
check "the size of a pool is of restore" exits 2 orch backup ls --pool-size 1G
check "on another root" orch backup restore "$work/all.tar" --pool-size 1G
check "its pool is as large as was said" same "$(stat -c %s "$root/var/lib/orch/pool.img")" $((1 << 30))
export ORCH_ENVIRONMENT=main
check "the same data" same "$(sums)" "$(cat "$work/sums")"
check "the same variables" same "$(values)" "green,only for me,here"
check "kept as such" same "$(orch var get COLOR)" blue
check "the same images by digest" same "$(facts)" "$digests"
check "it answers" same "$(curl -fsS -m 5 "$(orch status | grep -oE 'http://[^ ]+')page")" one
check "the images are sound" orch image verify
check "now without images too" orch backup restore "$work/small.tar"
check "the same data" same "$(sums)" "$(cat "$work/sums")"
check "a key file is asked for" exits 5 orch backup restore "$work/sealed.tar"
check "by name" contains "$(orch backup restore "$work/sealed.tar" 2>&1)" "--key-file FILE, or without them: --no-secrets; nothing was changed"
echo wrong >"$work/wrong"
check "the wrong one" exits 5 orch backup restore "$work/sealed.tar" --key-file "$work/wrong"
check "changes nothing" same "$(values)" "green,only for me,here"
check "the right one" orch backup restore "$work/sealed.tar" --key-file "$work/key"
check "has them" same "$(values)" "green,only for me,here"
check "so has the other" orch backup restore "$work/piped.tar" --key-file "$work/key"
check "has them" same "$(values)" "green,only for me,here"
check "without any, what is kept here counts" orch backup restore "$work/bare.tar" --as main
check "has them still" same "$(values)" "green,only for me,here"
# From here on this is a host with a key of its own, or there is no systemd to make one.
systemd-creds setup 2>/dev/null || echo "no systemd-creds: the host's key isn't tested"
fresh_root() {
	root=$work/$1
	mkdir -p "$root/var/lib/orch/images"
	cp -a "$root2"/var/lib/orch/images/. "$root/var/lib/orch/images/"
}
fresh_root root3
check "where there are none" contains "$(orch backup restore "$work/sealed.tar" --no-secrets 2>&1)" "left out: TOKEN; set again"
check "it runs without" same "$(values)" "green,,here"
check "is told again" contains "$(orch backup restore "$work/bare.tar" 2>&1)" "left out: TOKEN"
check "the rest is there" same "$(sums)" "$(cat "$work/sums")"
check "set again" orch var set -q --sensitive TOKEN "new"
check "then it stays" orch backup restore "$work/bare.tar"
check "as it is here" same "$(orch var get TOKEN --reveal)" new
if [ -e /var/lib/systemd/credential.secret ]; then
	check "deploy isn't needed for a backup" contains "$(orch backup create --no-images --to "$work/host.tar" 2>&1)" "sealed with this host's key"
	check "not in it" exits 1 sh -c "tar -xOf '$work/host.tar' | grep -qa '\"new\"'"
	check "destroy" orch destroy --purge --yes-destroy main
	fresh_root root4
	check "another root of this host opens it" orch backup restore "$work/host.tar"
	check "as it was" same "$(orch var get TOKEN --reveal)" new
	rm -f /var/lib/systemd/credential.secret
	check "another host doesn't" exits 5 orch backup restore "$work/host.tar" --as other
	check "says so" contains "$(orch backup restore "$work/host.tar" --as other 2>&1)" "sealed by the host that made it"
	check "and has made nothing" exits 3 orch status -e other
fi
check "destroy" orch destroy --purge --yes-destroy main
root=$root2
check "nothing unpacked stays" same "$(find "$root/var/lib/orch/backups" -name '*~' | wc -l)" 0

check "all is as it should be" orch fsck
check "destroy" orch destroy --purge --yes-destroy main
check "nothing is nobody's" orch fsck
check "nothing is left" diff <(echo "$before") <(host_state)
