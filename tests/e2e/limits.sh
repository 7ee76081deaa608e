#!/bin/bash
# size, resources, container_profile: what the kernel holds app, worker and service to, in production and in a branch; changed while they run.
# shellcheck disable=SC2034 # lib.sh reads it
isolate=yes
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/e2e/lib.sh
. "$here/lib.sh"
before=$(host_state)

web_image "$work/app"
busybox_image "$work/store" <<'IMAGE'
kind: service
user: app
users: {app: {uid: 1000, gid: 1000, home: /}}
processes: {sleep: {command: [/bin/sleep, "100000"], main: true}}
endpoints: {main: {scheme: tcp, port: 7000, default: true}}
memory: 64M
cpu: 0.5
pids: 40
path: /bin
IMAGE
check "import" orch image import "$work/app" app:1.0
check "import" orch image import "$work/store" store:1.0
project=$work/project
mkdir -p "$project"
git init -q -b main "$project"
cat >"$project/app.yaml" <<'YAML'
name: web
type: "app:1.0"
size: M
workers:
  queue:
    commands: {start: sleep 1000}
YAML
echo 'db: {type: "store:1.0", size: M}' >"$project/services.yaml"
echo one >"$project/page"
commit "$project" one
cd "$project" || exit 1

# group CONTROLLER PID: its folder; of v2 where the host has no other.
group() {
	local at
	at=$(awk -F: -v c="$1" '{ n = split($2, l, ","); for (i = 1; i <= n; i++) if (l[i] == c) print $3 }' "/proc/$2/cgroup")
	if [ -n "$at" ]; then
		echo "/sys/fs/cgroup/$1$at"
	else
		echo "/sys/fs/cgroup$(awk -F: '$1 == 0 { print $3 }' "/proc/$2/cgroup")"
	fi
}
# held CONTAINER [-e ENV]: to how many megabytes and thousandths of a processor.
held() {
	local pid memory cpu quota period
	pid=$(orch ps "${@:2}" --json | jq -r --arg c "$1" '.containers[] | select(.container == $c) | .pid')
	memory=$(group memory "$pid")
	cpu=$(group cpu "$pid")
	read -r memory < <(cat "$memory/memory.max" "$memory/memory.limit_in_bytes" 2>/dev/null)
	if [ -e "$cpu/cpu.max" ]; then
		read -r quota period <"$cpu/cpu.max"
	else
		quota=$(cat "$cpu/cpu.cfs_quota_us") period=$(cat "$cpu/cpu.cfs_period_us")
	fi
	case $quota in
	max | -1) echo "$((memory >> 20)) any" ;;
	*) echo "$((memory >> 20)) $((quota * 1000 / period))" ;;
	esac
}
check "deploy" orch deploy
[ $failed = 0 ] || exit 1
check "a step doubles" same "$(held db)" "128 1000"
check "two processors, where the image doesn't say" same "$(held web)" "128 2000"
all="$(pids web) $(pids web--queue) $(pids db)"

cat >>app.yaml <<'YAML'
    container_profile: HIGH_CPU
    size: L
resources: {base_memory: 128, memory_ratio: 180}
YAML
echo 'db: {type: "store:1.0", size: XL, container_profile: BALANCED}' >services.yaml
commit "$project" resources
check "why" contains "$(orch plan)" "resources null ->"
check "deploy" orch deploy
check "live" same "$(pids web) $(pids web--queue) $(pids db)" "$all"
check "the formula: 128 MB and 180 for one processor" same "$(held web)" "308 1000"
check "the worker's own table" same "$(held web--queue)" "256 1200"
check "the service's" same "$(held db)" "512 100"
check "a branch" orch branch fix
check "is small" same "$(held web -e fix)" "218 500"
check "the app reads it" same "$(orch exec -e fix web -- cat /run/etc/config.json | jq -c '.info.limits | [.memory, .cpu]')" "[218,0.5]"
check "also by its own table" same "$(held web--queue -e fix)" "128 400"
check "but has what the image asks for" same "$(held db -e fix)" "64 50"
sed -i 's/, container_profile: BALANCED/, resources: {base_memory: 64}/' services.yaml
sed -i '/^    container_profile/d' app.yaml
commit "$project" inherit
check "deploy" orch deploy
check "the app's, with a size of its own" same "$(held web--queue)" "488 2000"
check "of a service" same "$(held db)" "576 4000"
check "live" same "$(pids web) $(pids web--queue) $(pids db)" "$all"
check "destroy" orch destroy --purge --yes-destroy fix -e fix
check "destroy" orch destroy --purge --yes-destroy main
check "nothing is left" same "$(host_state)" "$before"
