#!/bin/bash
# No file of ours over 400 lines, no function over 70 (HACKING.md). Tests may be longer.
cd "${srcdir:-.}" || exit 1
max_file=400
max_function=70
files=()
while read -r f; do
	files+=("$f")
done < <(find base manifests images netplan runtime orchestrator -name '*.[ch]' 2>/dev/null | sort)

# From its "{" in the first column to its "}" there, and the lines of its head: kernel layout.
functions() {
	awk -v max=$max_function '
		FNR == 1 { head = 0 }
		/^[a-zA-Z_].*\(/ && !/;[[:space:]]*$/ && !head { head = FNR; name = $0 }
		/^(\}|#|$)/ && !open { head = 0 }
		/^\{/ { open = head ? head : FNR }
		/^\}/ && open {
			if (FNR - open + 1 > max)
				printf "%s:%d: %d lines: %s\n", FILENAME, open, FNR - open + 1, name
			open = 0
			head = 0
		}' "$@"
}

found=$(
	for f in "${files[@]}"; do
		n=$(wc -l <"$f")
		[ "$n" -le $max_file ] || echo "$f: $n lines, $max_file is the most"
	done
	functions "${files[@]}"
)
[ -z "$found" ] && exit 0
echo "$found"
exit 1
