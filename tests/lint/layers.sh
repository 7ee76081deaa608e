#!/bin/bash
# Who may include whom: ARCHITECTURE.md, "Shape". base/ knows nobody, a peer knows base/ and
# itself, orchestrator/ knows all; each library has one home; no header of ours includes a library's,
# but for the private one that the halves of images/squash*.c share.
cd "${srcdir:-.}" || exit 1
folders=(base manifests images netplan runtime orchestrator)
here=()
for f in "${folders[@]}"; do
	[ -d "$f" ] && here+=("$f")
done

# includes PATTERN: "file:line:#include ..." of our own sources (not tests) that include it.
includes() {
	grep -rnE --include='*.[ch]' "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($1)" "${here[@]}"
}

# home PATTERN FILES: only the files that match FILES may include it.
home() {
	includes "$1" | grep -vE "^($2):" | sed "s#\$#	(its home is $2)#"
}

upper='(manifests|images|netplan|runtime|orchestrator)/'
found=$(
	includes "$upper" | grep '^base/' | sed 's|$|	(base/ stands alone)|'
	for peer in manifests images netplan runtime; do
		includes "$upper" | grep "^$peer/" | grep -vE "include[[:space:]]*\"$peer/" |
			sed 's|$|	(a peer includes base/ and itself)|'
	done
	includes '\.\.?/' | sed 's|$|	(paths start at the top)|'
	includes 'tests/' | sed 's|$|	(tests include us, not the other way)|'

	home 'yaml\.h' 'manifests/tree\.c'
	home 'sqfs/' 'images/squash[a-z_]*\.c|images/squash_writer\.h'
	home 'netlink/' 'netplan/(netlink|message|uplink)\.c'
	home 'libnftnl/|libmnl/|linux/netfilter' 'netplan/(nft|match|rules_[a-z]*)\.c'
	home 'seccomp\.h' 'runtime/seccomp\.c'
	home 'sqlite3\.h' 'orchestrator/db\.c'
	home 'jansson\.h' 'base/json\.c'
	home 'uv\.h' 'orchestrator/supervise[a-z_]*\.c'
	home 'openssl/' 'base/(sha256|secret)\.c'
	home 'crypt\.h' 'base/password\.c'
	home 'pcre2\.h' 'manifests/[a-z_]*\.c'
)
[ -z "$found" ] && exit 0
echo "$found"
exit 1
