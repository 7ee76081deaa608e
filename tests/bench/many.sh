# Sourced by density.sh and cycles.sh: a group of four small containers, and figures. ORCH is the command; without it the
# one that was built here.
# shellcheck shell=bash
here=$(cd "$(dirname "$0")" && pwd)
if [ -z "${ORCH:-}" ]; then
	ORCH=$PWD/orch
	export ORCH_SHARE=$here/../../images ORCH_LIBEXEC=$PWD/runtime
fi
export ORCH TERM=dumb
# shellcheck source=tests/e2e/lib.sh
. "$here/../e2e/lib.sh"
export tag
tag=$(printf %s "$root" | sha256sum | cut -c 1-8)

# wall COMMAND...: microseconds.
wall() {
	local from=${EPOCHREALTIME/[.,]/}
	"$@" >"$work/said" 2>&1 || {
		echo "bench: failed: $*" >&2
		tail -n 3 "$work/said" >&2
		failed=$((failed + 1))
	}
	echo $((${EPOCHREALTIME/[.,]/} - from))
}

# share P: that percentile of the numbers on standard input.
share() {
	sort -n | awk -v p="$1" '{ v[NR] = $1 } END { i = int(NR * p / 100 + 0.5); print v[i < 1 ? 1 : i] }'
}

ms() {
	awk -v us="$1" 'BEGIN { printf "%.1f ms", us / 1000 }'
}

# figure TEXT VALUE
figure() {
	printf '  %-52s %s\n' "$1" "$2"
}

# bound TEXT VALUE MOST: a figure that must not be above.
bound() {
	figure "$1" "$2 (at most $3)"
	check "$1: $2 is above $3" awk -v a="$2" -v b="$3" 'BEGIN { exit !(a + 0 <= b + 0) }'
}

# Four containers: an app that serves a page, and three services that wait.
small_group() {
	busybox_image "$work/app" <<'IMAGE'
kind: app
user: web
users: {web: {uid: 10000, gid: 10000, home: /app}}
processes: {httpd: {command: [/bin/httpd, -f, -p, "80", -h, /app], main: true}}
endpoints: {http: {scheme: http, port: 80, default: true}}
memory: 32M
pids: 20
path: /bin
IMAGE
	busybox_image "$work/service" <<'IMAGE'
kind: service
user: app
users: {app: {uid: 1000, gid: 1000, home: /}}
processes: {probe: {command: [/bin/probe, LISTEN, "6000"], main: true}}
endpoints: {tcp: {scheme: tcp, port: 6000, default: true}}
data: /mnt
memory: 32M
pids: 20
path: /bin
IMAGE
	orch image import "$work/app" app:1.0 >/dev/null && orch image import "$work/service" service:1.0 >/dev/null || exit 1
	mkdir -p "$work/project"
	cd "$work/project" || exit 1
	git init -q -b main .
	cat >app.yaml <<'YAML'
name: web
type: "app:1.0"
disk: 128
mounts: {"data": {source: local, source_path: data}}
relationships: {one: "one:tcp", two: "two:tcp", three: "three:tcp"}
YAML
	printf '%s: {type: "service:1.0", disk: 300}\n' one two three >services.yaml
	echo page >page
	commit . one
}
