#!/bin/bash
# orch's own times for a group of four small containers; bench.sh prints the kernel's floor beside it.
# Run from the build folder: tests/bench/group.sh RUNS [FLOOR_UP_US]
runs=$1 floor=${2:-0}
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
ORCH=$PWD/orch
export ORCH_SHARE=$top/images ORCH_LIBEXEC=$PWD/runtime TERM=dumb
# shellcheck source=tests/e2e/lib.sh
. "$here/../e2e/lib.sh"
passed=1
trap 'finish >/dev/null' EXIT

median() {
	sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# wall COMMAND...: microseconds.
wall() {
	local from=${EPOCHREALTIME/[.,]/}
	"$@" >/dev/null 2>&1 || echo "bench: failed: $*" >&2
	echo $((${EPOCHREALTIME/[.,]/} - from))
}

# event NAME COMMAND...: microseconds that orch says it took.
event() {
	local name=$1
	shift
	"$@" --json | jq -r --arg name "$name" 'select(.event == $name) | .ms * 1000'
}

line() {
	awk -v text="$1" -v us="$2" -v floor="${3:-0}" 'BEGIN {
		printf "  %-44s %9.2f ms", text, us / 1000
		if (floor > 0)
			printf "   %.1f times the floor", us / floor
		printf "\n"
	}'
}

for type in app one two three; do
	kind=service
	[ $type != app ] || kind=app
	busybox_image "$work/$type" <<IMAGE
{kind: $kind, user: web, users: {web: {uid: 10000, gid: 10000}}, memory: 64M, pids: 40, path: /bin,
 processes: {sleep: {command: [/bin/sleep, "100000"], main: true}},
 endpoints: {tcp: {scheme: tcp, port: 80, default: true}}}
IMAGE
	orch image import "$work/$type" "$type:1.0" >/dev/null || exit 1
done
mkdir -p "$work/project"
cd "$work/project" || exit 1
printf 'name: app\ntype: "app:1.0"\nrelationships: {one: "one:tcp", two: "two:tcp", three: "three:tcp"}\n' >app.yaml
printf 'one: {type: "one:1.0"}\ntwo: {type: "two:1.0"}\nthree: {type: "three:1.0"}\n' >services.yaml
orch deploy -q >/dev/null || exit 1

for i in $(seq "$runs"); do
	wall orch stop -q >>"$work/down"
	event group orch start -q >>"$work/up"
done
for i in $(seq "$runs"); do
	wall orch deploy -q >>"$work/same"
	wall orch exec app -- /bin/true >>"$work/exec"
	wall orch ps >>"$work/ps"
done
for i in $(seq "$runs"); do
	echo "$i" >page
	event swap orch deploy -q >>"$work/swap"
done
line "group up: plan to four inits, links, rules" "$(median <"$work/up")" "$floor"
line "group down: orch stop, in order" "$(median <"$work/down")"
line "deploy with nothing to do" "$(median <"$work/same")"
line "exec of /bin/true" "$(median <"$work/exec")"
line "ps" "$(median <"$work/ps")"
line "code swapped under a running container" "$(median <"$work/swap")"
