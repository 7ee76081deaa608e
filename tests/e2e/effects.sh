#!/bin/bash
# What a change of each key of the manifest causes, seen on a running group by pids, start times and mounts. effects.py has
# a line for each key, and fails for one that has none.
# shellcheck disable=SC2034 # lib.sh reads it
isolate=yes
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/e2e/lib.sh
. "$here/lib.sh"
before=$(host_state)
export TERM=dumb

# Each process counts the signals that it is told to reload by. The build leaves behind what it was told.
for version in 1.0 1.1; do
	busybox_image "$work/app-$version" <<-'IMAGE'
		kind: app
		user: web
		users: {web: {uid: 10000, gid: 10000, home: /app}}
		processes:
		  app: {command: [/bin/probe, HUPS, main], main: true, reload_signal: HUP, on_reload: signal, on_swap: signal}
		  front: {command: [/bin/probe, HUPS, front], web: true, reload_signal: HUP, on_reload: signal, on_swap: signal}
		hooks: [build]
		endpoints: {http: {scheme: http, port: 80, default: true}}
		memory: 64M
		pids: 40
		path: /bin
	IMAGE
	echo "$version" >"$work/app-$version/etc/version"
	cat >"$work/app-$version/etc/orch/hooks/build" <<-'HOOK'
		#!/bin/sh
		sed 's/.*"app":{//' | tr ',{}' '\n' | grep -E '"(flavor|directory|watch|allow_stale|share_between_apps|left-pad)":' >/app/told
	HOOK
	chmod 755 "$work/app-$version/etc/orch/hooks/build"
	for type in store cache; do
		busybox_image "$work/$type-$version" <<-IMAGE
			kind: service
			user: app
			users: {app: {uid: 10000, gid: 10000, home: /mnt}}
			processes: {store: {command: [/bin/probe, HUPS, main], main: true, reload_signal: HUP, on_reload: signal}}
			endpoints: {main: {scheme: tcp, port: 7000, default: true}, other: {scheme: tcp, port: 7001}}
			$([ $type = cache ] || echo "data: /mnt")
			memory: 64M
			pids: 40
			path: /bin
		IMAGE
		echo "$version" >"$work/$type-$version/etc/version"
		check "import" orch image import "$work/$type-$version" "$type:$version"
	done
	check "import" orch image import "$work/app-$version" "app:$version"
done
check "import" orch image import "$work/store-1.0" network-storage:2.0
busybox_image "$work/router" <<'IMAGE'
kind: router
user: web
users: {web: {uid: 10000, gid: 10000, home: /}}
processes: {router: {command: [/bin/probe, HUPS, main], main: true, reload_signal: HUP, on_reload: signal}}
endpoints: {http: {scheme: http, port: 80, default: true}}
memory: 64M
pids: 40
path: /bin
IMAGE
check "import" orch image import "$work/router" router:1

project=$work/project
mkdir -p "$project"/{api,elsewhere,.platform}
git init -q -b main "$project"
git -C "$project" config user.name e2e
git -C "$project" config user.email e2e@localhost
cd "$project" || exit 1

python3 "$here/effects.py" "$ORCH" "$root" "$project"
code=$?
check "each key causes what the table says" same "$code" 0
check "nothing amiss" orch fsck
check "destroy" orch destroy --purge --yes-destroy main
check "nothing is left" same "$(host_state)" "$before"
