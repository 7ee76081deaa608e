#!/bin/bash
# The kernel's floor and orch's own times for a group of four, in one run: the ratio counts, not the
# absolute figures. Run from the build folder; needs root. BENCH_RUNS: how often, 20.
runs=${BENCH_RUNS:-20}
here=tests/bench

[ "$(id -u)" = 0 ] || {
	echo "bench: needs root" >&2
	exit 1
}
[ -x $here/floor ] || {
	echo "bench: make bench builds what is missing" >&2
	exit 1
}
echo "Linux $(uname -r), $(nproc) processors, median of $runs runs"
echo "floor: the bare system calls for a group of four"
result=$($here/floor "$runs") || exit 1
echo "$result"
echo "orch: the same group, and more"
up=$(awk '/group up/ { printf "%d", $(NF - 1) * 1000 }' <<<"$result")
bash "$(dirname "$0")/group.sh" "$runs" "$up" || exit 1
bash "$(dirname "$0")/validate.sh" || exit 1
bash "$(dirname "$0")/volumes.sh" || exit 1
exec bash "$(dirname "$0")/databases.sh"
