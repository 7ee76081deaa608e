#!/bin/bash
# run.sh SECONDS CORPUS TARGET: one fuzz target, from the corpora in the repository and of earlier runs.
name=${3##*/}
corpus=("fuzz/$name.found")
[ -d "$2/${name#fuzz_}" ] && corpus+=("$2/${name#fuzz_}")
"fuzz/$name" -max_total_time="$1" -print_final_stats=1 -artifact_prefix="fuzz/$name." "${corpus[@]}" \
	>"fuzz/$name.log" 2>&1
status=$?
sed -nE "s/.*(ERROR|SUMMARY|number_of_executed_units|Test unit written)/  FUZZ     $name: \\1/p" "fuzz/$name.log"
exit $status
