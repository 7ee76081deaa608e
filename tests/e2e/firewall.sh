#!/bin/bash
# firewall.outbound: which connections to an outside, in a namespace of its own, come about from app, worker and service; names; what a change takes.
# shellcheck disable=SC2016 # for the shell in the container
# shellcheck disable=SC2034 # lib.sh reads it
isolate=yes
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/e2e/lib.sh
. "$here/lib.sh"
before=$(host_state)

# The outside: 198.51.100.2 to .4, with something at three ports of each.
unshare -n sleep 1000 &
outside=$!
trap 'kill $outside $listener 2>/dev/null; finish' EXIT
until [ "$(readlink /proc/$outside/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done
ip link set outside0 netns $outside
in_outside() {
	nsenter -t $outside -n "$@"
}
in_outside ip link set lo up
in_outside ip link set outside0 up
for i in 2 3 4; do in_outside ip addr add 198.51.100.$i/24 dev outside0; done
in_outside "${builddir:-.}/tests/live/probe" LISTEN 25 80 443 8443 &
listener=$!
cp /etc/hosts "$work/hosts"
echo "198.51.100.2 allowed.example" >>"$work/hosts"
mount --bind "$work/hosts" /etc/hosts

web_image "$work/app"
listener_image "$work/store"
check "import" orch image import "$work/app" app:1.0
check "import" orch image import "$work/store" store:1.0
project=$work/project
mkdir -p "$project"
git init -q -b main "$project"
cat >"$project/app.yaml" <<'YAML'
name: web
type: "app:1.0"
relationships: {db: "db:main"}
workers:
  queue:
    commands: {start: sleep 1000}
YAML
echo 'db: {type: "store:1.0"}' >"$project/services.yaml"
echo one >"$project/page"
commit "$project" one
cd "$project" || exit 1

# open CONTAINER: what of the outside it reaches, as "2:80 3:443 ...".
open() {
	# Few ports at a time: on a busy host answers get lost in a flood.
	orch exec "$1" -- sh -c 'for i in 2 3 4; do for p in 20 75 440 8440; do
		probe SCAN 198.51.100.$i $p $((p + 10)) | sed "s/^/$i:/"; done; done' | paste -sd" "
}
everything="2:80 2:443 2:8443 3:80 3:443 3:8443 4:80 4:443 4:8443"
check "deploy" orch deploy
[ $failed = 0 ] || exit 1
check "without a firewall, all but mail" same "$(open web)" "$everything"
check "a worker likewise" same "$(open web--queue)" "$everything"
check "a service reaches nothing" same "$(open db)" ""

web=$(pids web)
cat >>app.yaml <<'YAML'
    firewall: {outbound: []}
firewall:
  outbound:
    - ips: [198.51.100.2]
      ports: [443, 25]
    - ips: [198.51.100.2/31]
      ports: [80]
YAML
commit "$project" firewall
check "why" contains "$(orch plan)" "app.yaml:8:"
check "deploy" orch deploy
check "live" same "$(pids web)" "$web"
check "what the app's says" same "$(open web)" "2:80 2:443 3:80"
check "an empty one is none" same "$(open web--queue)" ""
check "relationships are no part of it" same "$(orch exec web -- probe SCAN "$(address db)" 1 65535)" 7000

sed -i '/^firewall:/,$d' app.yaml
cat >>app.yaml <<'YAML'
firewall:
  outbound:
    - domains: [allowed.example, nowhere.invalid]
      ports: [443]
YAML
echo 'db: {type: "store:1.0", firewall: {outbound: [{ips: [198.51.100.4], ports: [8443]}]}}' >services.yaml
commit "$project" domains
check "deploy" orch deploy
check "a name without an address is told" contains "$(cat "$work/out")" "nowhere.invalid"
check "a name's address" same "$(open web)" "2:443"
check "a service's own" same "$(open db)" "4:8443"
check "still the same" same "$(pids web)" "$web"
sed "s/198.51.100.2 allowed/198.51.100.3 allowed/" "$work/hosts" >"$work/hosts.new"
cat "$work/hosts.new" >"$work/hosts"
# reaches WHAT: before long, as what the name has now is open, too.
reaches() {
	for _ in $(seq 90); do
		[ "$(open web)" = "$1" ] && return
		orch ps >/dev/null
		sleep 0.5
	done
	open web
	return 1
}
check "it is looked up again" reaches "2:443 3:443"

# Who comes after a dead supervisor knows what it knew, and asks again as well.
kill -9 "$(fuser "$root"/run/orch/main-*/supervisor.lock 2>/dev/null | tr -d ' ')"
check "another one" orch ps
check "keeps it" same "$(open web)" "2:443 3:443"
sed 's/198.51.100.3 allowed/198.51.100.4 allowed/' "$work/hosts" >"$work/hosts.new"
cat "$work/hosts.new" >"$work/hosts"
check "and asks" reaches "2:443 3:443 4:443"
check "a branch" orch branch fix
check "has it, too" same "$(orch exec -e fix db -- probe SCAN 198.51.100.4 8440 8450)" 8443
check "nothing amiss" orch fsck
orch destroy --purge --yes-destroy fix -e fix -q
orch destroy --purge --yes-destroy main -q
umount /etc/hosts
check "nothing is left" same "$(host_state)" "$before"
