#!/bin/bash
# What demo and check need from Debian, by purpose, and how they get it and build. Sourced by
# both, which set top to the top of the tree.

# shellcheck disable=SC2034 # used by who sources this
packages_build=(
	autoconf automake gcc libc6-dev make musl-tools pkg-config
	libjansson-dev libmnl-dev libnftnl-dev libnl-route-3-dev libpcre2-dev libseccomp-dev
	libsqlite3-dev libsquashfs-dev libssl-dev libuv1-dev libyaml-dev
)
# shellcheck disable=SC2034
packages_run=(btrfs-progs ca-certificates curl debian-archive-keyring git mmdebstrap tar tzdata zstd)
# shellcheck disable=SC2034
packages_check=(
	busybox-static clang clang-format clang-tidy cppcheck iproute2 jq libclang-rt-dev libcriterion-dev
	nftables procps python3 scdoc shellcheck util-linux xfsprogs
)

# From npm, by install_npm: an independent validator of JSON Schemas, and a reader of YAML.
# shellcheck disable=SC2034
packages_npm=(ajv@8 yaml@2)

say() {
	printf '\n== %s\n' "$*"
}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

need_root() {
	[ "$(id -u)" = 0 ] || die "namespaces, mounts and nftables need root: sudo $0 $*"
}

package_is_there() {
	[ "$(dpkg-query -W -f='${db:Status-Abbrev}' "$1" 2>/dev/null | cut -c1-2)" = ii ]
}

# One line a package while apt works; its whole output only when it fails.
show_apt_progress() {
	sed -nu -e 's/^Setting up \([^ :]*\).*/   \1/p' -e '/^Err:/p'
}

# install_packages NAME...: those that are missing, and nothing when none is.
install_packages() {
	local missing=() p log
	for p in "$@"; do
		package_is_there "$p" || missing+=("$p")
	done
	[ ${#missing[@]} = 0 ] && return
	command -v apt-get >/dev/null || die "not a Debian machine; needed: ${missing[*]}"
	say "installing ${#missing[@]} packages: ${missing[*]}"
	log=$(mktemp)
	export DEBIAN_FRONTEND=noninteractive
	echo "   reading the package lists"
	apt-get update -q >"$log" 2>&1 || echo "   apt-get update: $(tail -n 1 "$log")"
	if ! apt-get install -y -q --no-install-recommends -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "${missing[@]}" \
		2>&1 | tee "$log" | show_apt_progress; then
		cat "$log" >&2
		rm -f "$log"
		die "apt-get could not install them"
	fi
	rm -f "$log"
}

# install_npm FOLDER NAME@VERSION...: into FOLDER/node_modules; nothing when they are there already.
install_npm() {
	local folder=$1 p wanted=no
	shift
	for p in "$@"; do
		[ -d "$folder/node_modules/${p%@*}" ] || wanted=yes
	done
	[ $wanted = no ] && return
	command -v npm >/dev/null || install_packages nodejs npm
	say "installing from npm: $*"
	npm install --silent --no-audit --no-fund --prefix "$folder" "$@" || die "npm could not install them"
}

# build_tree FOLDER [NAME=VALUE|--FLAG]...: configure there if that wasn't done in the same way, and make.
build_tree() {
	local folder=$1 how
	shift
	how="$*"
	if [ ! "${top:?}/configure" -nt "$top/configure.ac" ]; then
		(cd "$top" && autoreconf -fi) || die "autoreconf failed"
	fi
	mkdir -p "$folder"
	if [ ! -f "$folder/Makefile" ] || [ "$(cat "$folder/.configured" 2>/dev/null)" != "$how" ]; then
		(cd "$folder" && "$top/configure" -q "$@") || die "configure failed: $folder/config.log"
		echo "$how" >"$folder/.configured"
	fi
	make -s -C "$folder" -j"$(nproc)" || die "make failed in $folder"
}
