#!/bin/bash
# Many environments of four containers alive at once: what each takes, the last one's time beside the first's, all of them asleep,
# each woken by a connection, all of them gone. Run from the build folder as root; BENCH_ENVIRONMENTS: how many, 100.
# shellcheck disable=SC2034 # lib.sh reads it
isolate=yes
n=${BENCH_ENVIRONMENTS:-100}
# shellcheck source=tests/bench/many.sh
. "$(cd "$(dirname "$0")" && pwd)/many.sh"

# Proportional share and private memory of the supervisors, KiB.
kib() {
	local pid
	for pid in $(fuser "$root"/run/orch/*/supervisor.lock 2>/dev/null); do
		cat "/proc/$pid/smaps_rollup"
	done | awk '/^Pss:/ { pss += $2 } /^Private_(Clean|Dirty)/ { own += $2 } END { print pss + 0, own + 0 }'
}

dozing() {
	local pid
	for pid in $(fuser "$root"/run/orch/*/supervisor.lock 2>/dev/null); do
		cat "/proc/$pid/comm"
	done | grep -c orch-doze
}

# What the containers are charged with: their processes, page cache, and the kernel's for them. Bytes.
charged() {
	local file
	for file in /sys/fs/cgroup/memory/orch-"$tag"/memory.usage_in_bytes /sys/fs/cgroup/orch-"$tag"/memory.current; do
		[ ! -r "$file" ] || cat "$file"
	done
}

# Of the whole machine, KiB: others are at work on it too.
kernel() {
	awk '/^(Slab|KernelStack|PageTables|Percpu):/ { n += $2 } END { print n }' /proc/meminfo
}

each_kib() {
	awk -v b="$1" -v n="$n" 'BEGIN { printf "%.0f KiB", b / n }'
}

small_group
before=$(host_state)
kernel_before=$(kernel)
echo "$n environments of four containers"
for i in $(seq "$n"); do
	wall orch deploy -q -e "env-$i" >>"$work/up"
done
check "all run" same "$(orch ls --json | jq '[.environments[] | select(.state == "running" and .ready == 4)] | length')" "$n"
first=$(sed -n 2,11p "$work/up" | share 50)
last=$(tail -n 10 "$work/up" | share 50)
figure "deploy: the 2nd to 11th, median" "$(ms "$first")"
figure "deploy: the last ten, median" "$(ms "$last")"
bound "the last over the first" "$(awk -v a="$last" -v b="$first" 'BEGIN { printf "%.2f", a / b }')" 1.5
read -r pss own <<<"$(kib)"
figure "each: supervisor, proportional share" "$(each_kib "$pss")"
figure "each: supervisor, private" "$(each_kib "$own")"
figure "each: containers, charged (with page cache)" "$(each_kib $(($(charged) / 1024)))"
figure "each: kernel, of the whole machine" "$(each_kib $(($(kernel) - kernel_before)))"
figure "ls of all" "$(ms "$(wall orch ls)")"
figure "ps of one" "$(ms "$(wall orch ps -e "env-$n")")"
figure "deploy of one with nothing to do" "$(ms "$(wall orch deploy -e "env-$n")")"

awake=$(charged)
figure "idle: all of them" "$(ms "$(wall orch idle --all --now)")"
for _ in $(seq 100); do
	[ "$(dozing)" = "$n" ] && break
	sleep 0.1
done
check "all sleep" same "$(orch ls --json | jq '[.environments[] | select(.state == "asleep")] | length')" "$n"
read -r pss own <<<"$(kib)"
bound "each: supervisor asleep, KiB" "$(awk -v a="$pss" -v n="$n" 'BEGIN { printf "%.0f", a / n }')" 64
figure "each: containers asleep, charged" "$(each_kib $(($(charged) / 1024)))"
figure "given back" "$(awk -v a="$awake" -v b="$(charged)" 'BEGIN { printf "%.0f%%", (a - b) * 100 / a }')"

orch ls --json | jq -r '.environments[] | "\(.url)"' | shuf >"$work/urls"
while read -r url; do
	curl -sS -m 10 -o "$work/page" -w '%{time_total}\n' "${url}page" 2>>"$work/lost" | awk '{ print int($1 * 1000000) }' >>"$work/wake"
	[ "$(cat "$work/page")" = page ] || echo "$url" >>"$work/lost"
	: >"$work/page"
done <"$work/urls"
touch "$work/lost"
figure "first connection to one asleep: p50" "$(ms "$(share 50 <"$work/wake")")"
bound "first connection to one asleep: p95, ms" "$(awk -v us="$(share 95 <"$work/wake")" 'BEGIN { print us / 1000 }')" 50
figure "first connection to one asleep: longest" "$(ms "$(share 100 <"$work/wake")")"
bound "connections lost, of $n" "$(wc -l <"$work/lost")" 0
for _ in $(seq 50); do
	[ "$(orch ls --json | jq '[.environments[] | select(.state == "running")] | length')" = "$n" ] && break
	sleep 0.1
done
check "all are awake" same "$(orch ls --json | jq '[.environments[] | select(.state == "running")] | length')" "$n"
orch ls --json | jq -r '.environments[].machine_name' >"$work/names"
while read -r name; do
	wall orch destroy --purge --yes -q -e "$name" >>"$work/down"
done <"$work/names"
figure "destroy: the first ten, median" "$(ms "$(head -n 10 "$work/down" | share 50)")"
figure "destroy: the last ten, median" "$(ms "$(tail -n 10 "$work/down" | share 50)")"
check "nothing is left" same "$(host_state)" "$before"
check "no volume, no log" same "$(ls "$root/var/lib/orch/log")" ""
