#!/bin/bash
# A throwaway environment, made with a copy of another's data, used and removed, again and again: how long it takes, and that nothing grows.
# Run from the build folder as root; BENCH_CYCLES: how often, 500.
# shellcheck disable=SC2034 # lib.sh reads it
isolate=yes
n=${BENCH_CYCLES:-500}
# shellcheck source=tests/bench/many.sh
. "$(cd "$(dirname "$0")" && pwd)/many.sh"

small_group
before=$(host_state)
orch deploy -q >/dev/null || exit 1
orch exec web -- sh -c 'head -c 10000000 /dev/urandom >data/blob'

# Whatever could pile up: one line each.
census() {
	local pool=$root/var/lib/orch/pool
	sync -f "$pool"
	echo "mounts $(wc -l </proc/self/mountinfo)"
	echo "volumes $(find "$pool" -mindepth 2 -maxdepth 2 | wc -l)"
	echo "links $(ip -o link | wc -l)"
	echo "chains $(nft list table ip orch | grep -c chain)"
	echo "cgroups $(find /sys/fs/cgroup -path "*/orch-$tag/*" -type d | wc -l)"
	echo "processes $(pgrep -fc -- "--root $root")"
	echo "loops $(losetup -a | grep -c "$work")"
	echo "files $(find "$root" -xdev -type f ! -name gc.log | wc -l)"
	echo "environments $(orch ls --json | jq '.environments | length')"
}

# 512-byte blocks that the pool's file takes; the database's bytes, with a log that has at most four mebibytes.
pool_size() {
	stat -c %b "$root/var/lib/orch/pool.img"
}
state_size() {
	cat "$root"/var/lib/orch/state.db* | wc -c
}

echo "$n cycles of a throwaway group of four with a copy of 10 MB"
for i in 1 2 3; do
	wall orch run --rm --from main -q -- test -s data/blob >/dev/null
done
census >"$work/census"
fstrim "$root/var/lib/orch/pool"
pool=$(pool_size) state=$(state_size)
for i in $(seq "$n"); do
	wall orch run --rm --from main -q -- test -s data/blob >>"$work/cycle"
done
check "nothing piled up" same "$(census)" "$(cat "$work/census")"
for p in 50 95 99 100; do
	figure "create, use, destroy: p$p" "$(ms "$(share $p <"$work/cycle")")"
done
first=$(head -n $((n / 10 + 1)) "$work/cycle" | share 50)
last=$(tail -n $((n / 10 + 1)) "$work/cycle" | share 50)
bound "the last tenth over the first, medians" "$(awk -v a="$last" -v b="$first" 'BEGIN { printf "%.2f", a / b }')" 1.5
# As orch gc gives it back: what is left is what grew.
figure "the pool's file grew, MiB, not yet trimmed" "$((($(pool_size) - pool) / 2048))"
figure "trimming it" "$(ms "$(wall fstrim "$root/var/lib/orch/pool")")"
bound "the pool's file grew, MiB" "$((($(pool_size) - pool) / 2048))" 8
bound "the database grew, KiB" "$((($(state_size) - state) / 1024))" 5120
orch destroy --purge --yes-destroy main -q
check "nothing is left" same "$(host_state)" "$before"
