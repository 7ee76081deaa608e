#!/bin/bash
# images.sh TYPE...: base images of the catalogue are in ORCH_TEST_CACHE afterwards, up to date with their recipes.
set -eu
: "${ORCH:?the command to test}"
cache=${ORCH_TEST_CACHE:-/var/cache/orch-test}
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
root=$(mktemp -d /var/tmp/orch-images.XXXXXX)
trap 'rm -rf --one-file-system "$root"' EXIT
images=$root/var/lib/orch/images
mkdir -p "$images"
[ ! -d "$cache/images" ] || cp -a "$cache/images/." "$images/"
for type; do
	"$ORCH" --root "$root" image build "$type"
done
rm -rf "$cache/images.new"
cp -a "$images" "$cache/images.new"
rm -rf "$cache/images"
mv "$cache/images.new" "$cache/images"
