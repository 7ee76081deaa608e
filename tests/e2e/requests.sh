# shellcheck shell=bash
# Tables of requests and what is to be answered. Sourced after lib.sh, which set work.
# shellcheck disable=SC2154 # lib.sh gives it

# has WORD FILE: the text has the word, or hasn't "!word".
has() {
	case $1 in
	!*) ! grep -qiF -- "${1#!}" "$2" ;;
	*) grep -qiF -- "$1" "$2" ;;
	esac
}

# trim TEXT, into $trimmed
trim() {
	trimmed=${1#"${1%%[![:space:]]*}"}
	trimmed=${trimmed%"${trimmed##*[![:space:]]}"}
}

# answers STATUS BODY HEAD: is that what $work/answer, an answer of HTTP, is? BODY: see has(); HEAD: patterns of lines, each with a
# ";" behind it; "!NAME;": without that one.
answers() {
	local status=$1 body=$2 part
	sed '/^$/,$d' "$work/answer" >"$work/head"
	sed '1,/^$/d' "$work/answer" >"$work/body"
	[ "$(head -n 1 "$work/head" | cut -d' ' -f2)" = "$status" ] || {
		head -n 20 "$work/answer"
		return 1
	}
	[ -z "$body" ] || has "$body" "$work/body" || {
		echo "not as asked: $body"
		head -n 30 "$work/answer"
		return 1
	}
	while read -r -d ';' part; do
		case $part in
		"") ;;
		!*) ! grep -qi "^${part#!}:" "$work/head" ;;
		*) grep -qiE "^$part" "$work/head" ;;
		esac || {
			echo "not as asked: $part"
			cat "$work/head"
			return 1
		}
	done <<<"$3;"
}
