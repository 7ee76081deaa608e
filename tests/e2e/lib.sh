# Sourced by the scenarios: ORCH is the installed command, each has a root and folders of its own. With isolate=yes
# before that, also mounts and a network: scenarios then don't see each other, nor the host them.
# shellcheck shell=bash
set -u
if [ "${isolate:-no}" = yes ] && [ -z "${ORCH_E2E_ISOLATED:-}" ]; then
	export ORCH_E2E_ISOLATED=1
	exec unshare -mn --propagation private bash "$0" "$@"
fi
if [ -n "${ORCH_E2E_ISOLATED:-}" ]; then
	ip link set lo up
	# What other scenarios have mounted came along, and would go when they end.
	awk '$5 ~ "^/var/tmp/" { print $5 }' /proc/self/mountinfo | sort -r | while read -r m; do umount -l "$m"; done
	# An address that is the host's own, as it would have one (RFC 5737).
	ip link add host0 type veth peer name outside0
	ip addr add 198.51.100.1/24 dev host0
	ip link set host0 up
	ip link set outside0 up
fi
: "${ORCH:?the command to test}"
work=$(mktemp -d /var/tmp/orch-e2e.XXXXXX)
root=$work/root
passed=0
failed=0

orch() {
	"$ORCH" --root "$root" "$@"
}

# check TEXT COMMAND...: one assertion.
check() {
	local text=$1
	shift
	if "$@" >"$work/out" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $text: $*"
		sed 's/^/    /' "$work/out" | tail -n 20
	fi
}

same() {
	[ "$1" = "$2" ] || {
		printf '%s\n' "got:      $1" "expected: $2"
		return 1
	}
}

# exits CODE COMMAND...
exits() {
	local want=$1 got
	shift
	"$@"
	got=$?
	[ $got = "$want" ] || {
		echo "exit $got instead of $want"
		return 1
	}
}

contains() {
	case $1 in
	*"$2"*) ;;
	*)
		printf '%s\n' "no \"$2\" in:" "$1"
		return 1
		;;
	esac
}

# Everything on the host that orch could leave behind.
host_state() {
	awk '{ print $5, $(NF-2), $(NF-1) }' /proc/self/mountinfo | grep -v loop | sort
	losetup -a | grep -c "$work" || true
	ip -o link | grep -oE ' orch[a-z0-9]+' | sort || true
	nft list tables 2>/dev/null | grep -w orch || true
	find /sys/fs/cgroup -maxdepth 3 -type d -name "orch-$(printf %s "$root" | sha256sum | cut -c 1-8)" 2>/dev/null
	pgrep -fa "supervise.*$work" || true
	grep -c nsfs /proc/self/mountinfo || true
}

finish() {
	orch ls --json 2>/dev/null | jq -r '.environments[]?.machine_name' | while read -r e; do
		orch destroy --purge --yes-destroy "$e" -q -e "$e" || true
	done
	awk -v r="$work/" 'index($5, r) == 1 { print $5 }' /proc/self/mountinfo | sort -r |
		while read -r m; do umount -l "$m"; done
	rm -rf --one-file-system "$work"
	echo "$passed checks passed, $failed failed"
	[ $failed = 0 ] && [ $passed -gt 0 ]
	exit $?
}
trap finish EXIT

# pids CONTAINER: its PID 1 and its start time, as the host sees them.
pids() {
	local pid
	pid=$(orch ps --json | jq -r --arg c "$1" '.containers[] | select(.container == $c) | .pid')
	echo "$pid $(cut -d' ' -f22 "/proc/$pid/stat")"
}

address() {
	orch show "$1" | jq -r '.[] | .address? // empty'
}

# A folder that can be imported as a base image: busybox and the probe, nothing else.
busybox_image() {
	local folder=$1 applet
	mkdir -p "$folder"/{bin,dev,proc,sys,run,tmp,app,mnt,var/log,etc/orch/hooks}
	cp /bin/busybox "$folder/bin/busybox"
	for applet in $(busybox --list); do
		[ "$applet" = busybox ] || ln -s busybox "$folder/bin/$applet"
	done
	cp "${builddir:-.}/tests/live/probe" "$folder/bin/probe"
	ln -s /run/etc/hosts /run/etc/hostname /run/etc/resolv.conf "$folder/etc/"
	printf '%s\n' root:x:0:0::/:/bin/sh web:x:10000:10000::/app:/bin/sh app:x:1000:1000::/:/bin/sh >"$folder/etc/passwd"
	printf '%s\n' root:x:0: web:x:10000: app:x:1000: >"$folder/etc/group"
	cat >"$folder/etc/orch/image.yaml"
}

commit() {
	git -C "$1" add -A
	git -C "$1" -c user.name=e2e -c user.email=e2e@localhost -c commit.gpgsign=false commit -q -m "$2"
}

# A folder likewise: an app that serves the files in /app, ready once there is a page.
web_image() {
	busybox_image "$1" <<'IMAGE'
kind: app
user: web
users: {web: {uid: 10000, gid: 10000, home: /app}}
processes:
  httpd: {command: [/bin/httpd, -f, -p, "80", -h, /app], main: true}
ready: [/bin/wget, -q, -O, /dev/null, "http://127.0.0.1/page"]
endpoints: {http: {scheme: http, port: 80, default: true}}
memory: 64M
pids: 40
path: /bin
IMAGE
}

# A folder likewise: a service that serves the files in its volume.
store_image() {
	busybox_image "$1" <<'IMAGE'
kind: service
user: app
users: {app: {uid: 1000, gid: 1000, home: /mnt}}
processes:
  httpd: {command: [/bin/httpd, -f, -p, "6000", -h, /mnt], main: true}
endpoints: {data: {scheme: http, port: 6000, default: true}}
data: /mnt
memory: 64M
pids: 40
path: /bin
IMAGE
}

# A folder likewise: a service that says something to whoever connects, and has no data.
listener_image() {
	busybox_image "$1" <<'IMAGE'
kind: service
user: app
users: {app: {uid: 1000, gid: 1000, home: /}}
processes: {probe: {command: [/bin/probe, LISTEN, "7000"], main: true}}
endpoints: {main: {scheme: tcp, port: 7000, default: true}}
memory: 64M
pids: 40
path: /bin
IMAGE
}

# held_device FILE: the loop device that FILE is attached to, or a new one, open as 9: so it stays.
held_device() {
	local device
	for _ in $(seq 100); do
		device=$(losetup -n -O NAME -j "$1" | head -n 1)
		[ -n "$device" ] || device=$(losetup -f --show "$1") || return
		# One that goes away as its last user does is none.
		if { exec 9<"$device"; } 2>/dev/null && losetup -n -O NAME -j "$1" | grep -qx "$device"; then
			losetup -d "$device" 2>/dev/null # with its last user
			echo "$device"
			return
		fi
	done
	return 1
}

# in_volume FOLDER/NAME COMMAND...: run in a volume's top folder, whatever it is in the pool.
in_volume() {
	local volume=$root/var/lib/orch/pool/$1
	shift
	if [ -d "$volume" ]; then
		(cd "$volume" && "$@")
		return
	fi
	mkdir -p "$work/in"
	(
		# As orch does: never through a second device, nor while somebody else looks for one.
		exec 8<"$volume"
		flock 8
		held_device "$volume" >"$work/device"
		mount -t ext4 "$(cat "$work/device")" "$work/in" || exit
		exec 8<&- 9<&-
		r=0
		(cd "$work/in" && "$@") || r=$?
		umount "$work/in"
		exit $r
	)
}
