#!/bin/bash
# What a build installs: `dependencies` and flavors of each language, with its own tool. From npm's registry in earnest; packages of
# other languages are folders and files of the app.
# Single quotes: for the shell in the container.
# shellcheck disable=SC2016
# shellcheck disable=SC2034 # lib.sh reads it
here=$(cd "$(dirname "$0")" && pwd)
cache=${ORCH_TEST_CACHE:-/var/cache/orch-test}
if [ -z "${ORCH_E2E_ISOLATED:-}" ]; then
	curl -fsS -m 20 -o /dev/null https://registry.npmjs.org/left-pad || {
		echo "skipped: registry.npmjs.org can't be reached"
		exit 77
	}
	"$here/images.sh" nodejs:18 php:8.2 python:3.11 ruby:3.1 || exit 1
	# The way out, for the registry alone.
	exec 9</proc/self/ns/net
	exec unshare -mn --propagation private env ORCH_E2E_ISOLATED=1 bash "$0" "$@"
fi
# shellcheck source=tests/e2e/lib.sh
. "$here/lib.sh"
before=$(host_state)
export TERM=dumb
mkdir -p "$root/var/lib/orch/images"
cp -a "$cache/images/." "$root/var/lib/orch/images/"

# A network behind the host's, with the registry in it.
unshare -n sleep 1000 &
other=$!
until [ "$(readlink /proc/$other/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
ip link set outside0 netns $other
nsenter -t $other -n sh -c 'ip link set lo up; ip addr add 198.51.100.2/24 dev outside0; ip link set outside0 up'
nsenter -t $other -n python3 "$here/registry.py" 198.51.100.2 9 >"$work/port" 2>"$work/registry" &
registry=$!
exec 9<&-
for _ in $(seq 100); do
	[ ! -s "$work/port" ] || break
	sleep 0.1
done
trap 'kill $other $registry; finish' EXIT

project=$work/project
mkdir -p "$project"
cd "$project" || exit 1
git init -q -b main .
mkdir .platform
: >.platform/services.yaml

# app NAME TYPE: its manifest, but for the name and the type, comes on standard input.
app() {
	mkdir -p "$1/packages"
	{
		printf 'name: %s\ntype: "%s"\nweb: {commands: {start: "exec sleep 100000"}}\n' "$1" "$2"
		cat
	} >"$1/.platform.app.yaml"
}

app node nodejs:18 <<YAML
variables: {env: {NPM_CONFIG_REGISTRY: "http://198.51.100.2:$(cat "$work/port")/", NPM_CONFIG_UPDATE_NOTIFIER: "false"}}
dependencies: {nodejs: {mkdirp: "3.0.1"}}
hooks: {build: "mkdirp made/by/hook && node -p 'require(\"left-pad\")(1, 3, 0)' >padded"}
YAML
echo '{"name": "node", "version": "1.0.0", "private": true, "dependencies": {"left-pad": "1.3.0"}}' >node/package.json

# A package of PHP with a program, once as a tool, and once as what the app requires.
app php php:8.2 <<'YAML'
dependencies:
  php:
    require: {acme/tool: "*"}
    repositories: [{type: path, url: /app/packages/tool, options: {symlink: false}}, {packagist.org: false}]
build: {flavor: composer}
hooks: {build: "tool >told"}
YAML
mkdir -p php/packages/tool/bin php/packages/library/src
echo '{"name": "acme/tool", "version": "1.0.0", "bin": ["bin/tool"]}' >php/packages/tool/composer.json
printf '#!/usr/bin/env php\n<?php echo "the tool\\n";\n' >php/packages/tool/bin/tool
chmod 755 php/packages/tool/bin/tool
printf '%s\n' '{"name": "acme/library", "version": "2.0.0", "autoload": {"psr-4": {"Acme\\": "src/"}}}' >php/packages/library/composer.json
echo '<?php namespace Acme; class Sum { static function of($a, $b) { return $a + $b; } }' >php/packages/library/src/Sum.php
cat >php/composer.json <<'JSON'
{"require": {"acme/library": "^2"},
 "repositories": [{"type": "path", "url": "packages/library", "options": {"symlink": false}}, {"packagist.org": false}]}
JSON

# A wheel is a zip with a list of what is in it.
app python python:3.11 <<'YAML'
variables: {env: {PIP_NO_INDEX: "1", PIP_FIND_LINKS: /app/packages, PIP_DISABLE_PIP_VERSION_CHECK: "1"}}
dependencies: {python3: {acme: "1.0"}}
hooks: {build: "acme >told"}
YAML
python3 - python/packages/acme-1.0-py3-none-any.whl <<'PYTHON'
import sys, zipfile
files = {
    "acme.py": 'def main():\n    print("the wheel")\n',
    "acme-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n",
    "acme-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "acme-1.0.dist-info/entry_points.txt": "[console_scripts]\nacme = acme:main\n",
}
with zipfile.ZipFile(sys.argv[1], "w") as z:
    for name, text in files.items():
        z.writestr(name, text)
    z.writestr("acme-1.0.dist-info/RECORD", "".join(f"{n},,\n" for n in [*files, "acme-1.0.dist-info/RECORD"]))
PYTHON

# A gem is two archives in one.
app ruby ruby:3.1 <<'YAML'
dependencies: {ruby: {acme: "1.0"}}
hooks: {build: "acme >told"}
YAML
python3 - ruby/acme-1.0.gem <<'PYTHON'
import gzip, io, sys, tarfile
def tar(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as t:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o755
            t.addfile(info, io.BytesIO(data))
    return out.getvalue()
about = b"""--- !ruby/object:Gem::Specification
name: acme
version: !ruby/object:Gem::Version
  version: '1.0'
platform: ruby
authors: [us]
summary: a gem
bindir: bin
executables: [acme]
files: [bin/acme]
dependencies: []
require_paths: [lib]
specification_version: 4
"""
data = tar({"bin/acme": b"#!/usr/bin/env ruby\nputs 'the gem'\n"})
with open(sys.argv[1], "wb") as f:
    f.write(tar({"metadata.gz": gzip.compress(about), "data.tar.gz": gzip.compress(data)}))
PYTHON

commit . one
check "deploy" orch deploy
[ $failed = 0 ] || cat "$work/out" "$work/registry"
inside() {
	orch -q exec "$@" </dev/null
}
check "npm: a tool for the build" inside node -- test -d made/by/hook
check "npm: there at run time, too" inside node -- mkdirp /tmp/a/b
check "npm: what package.json requires" same "$(inside node -- cat padded)" 001
check "composer: a tool for the build" same "$(inside php -- cat told)" "the tool"
check "composer: there at run time, too" same "$(inside php -- tool)" "the tool"
check "composer: what composer.json requires" same "$(inside php -- php -r 'require "vendor/autoload.php"; echo Acme\Sum::of(1, 2);')" 3
check "pip: a tool for the build" same "$(inside python -- cat told)" "the wheel"
check "pip: there at run time, too" same "$(inside python -- acme)" "the wheel"

check "gem: a tool for the build" same "$(inside ruby -- cat told)" "the gem"
check "gem: there at run time, too" same "$(inside ruby -- acme)" "the gem"

# Another version is another build; the same one isn't built again.
sed -i 's/mkdirp: "3.0.1"/mkdirp: "3.0.0"/' node/.platform.app.yaml
commit . two
check "another version" orch deploy
check "is there" contains "$(inside node -- cat .global/lib/node_modules/mkdirp/package.json)" '"version": "3.0.0"'
check "the others were not built" same "$(orch deploy 2>&1 | grep -c reused)" 4
sed -i 's/mkdirp: "3.0.0"/no-such-package-of-orch: "1.0.0"/' node/.platform.app.yaml
commit . three
check "what isn't there fails the deploy" exits 1 orch deploy
check "and says which" contains "$(cat "$work/out")" no-such-package-of-orch
check "what ran runs on" inside node -- mkdirp /tmp/c
check "destroy" orch destroy --purge --yes-destroy main
check "nothing is left" same "$(host_state)" "$before"
