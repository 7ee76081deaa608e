#!/bin/bash
# source.operations: what a command commits on a clone is on the branch, and deployed; where it runs, what fails, and what it can't do to us.
# shellcheck disable=SC2016 # for the shell in the container
# shellcheck disable=SC2034 # lib.sh reads it
isolate=yes
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/e2e/lib.sh
. "$here/lib.sh"
before=$(host_state)
export GIT_CONFIG_GLOBAL=$work/gitconfig
git config --file "$GIT_CONFIG_GLOBAL" init.defaultBranch main

web_image "$work/app"
# git, with what it is linked with.
cp /usr/bin/git "$work/app/bin/git"
ldd /usr/bin/git | grep -oE '/[^ ]+' | while read -r lib; do
	mkdir -p "$work/app$(dirname "$lib")"
	cp -L "$lib" "$work/app$lib"
done
check "import" orch image import "$work/app" app:1.0
project=$work/project
mkdir -p "$project/web" "$project/api" "$project/.platform"
git init -q -b main "$project"
git -C "$project" config user.name Owner
git -C "$project" config user.email owner@localhost
cat >"$project/web/.platform.app.yaml" <<'YAML'
name: web
type: "app:1.0"
variables: {env: {COLOR: blue}}
source:
  operations:
    update:
      command: |
        set -e
        echo "$COLOR $(pwd) $(id -u) $(git remote) $(git branch --format='%(refname)') ${PLATFORM_SOURCE_DIR} ${PLATFORM_ENVIRONMENT-build} after $(git log -1 --format=%s)" >page
        git add page
        git commit -qm "Update by web"
    nothing: {command: 'echo changed >page'}
    fails: {command: 'echo x >page; git commit -qam x; exit 3'}
    rewrites: {command: 'git commit -q --amend -m other'}
    evil:
      command: |
        mkdir -p /tmp/x; git config core.fsmonitor "touch /tmp/pwned"; git config uploadpack.packObjectsHook "touch /tmp/pwned"
        printf '#!/bin/sh\ntouch /tmp/pwned\n' >/app/.git/hooks/post-checkout; chmod +x /app/.git/hooks/post-checkout
        ln -s /etc/shadow /app/.git/orch.bundle
YAML
cat >"$project/api/.platform.app.yaml" <<'YAML'
name: api
type: "app:1.0"
source: {operations: {update: {command: 'echo "after $(git log -1 --format=%s)" >page; git commit -qam "Update by api"'}}}
YAML
echo one | tee "$project/web/page" >"$project/api/page"
touch "$project/.platform/routes.yaml"
commit "$project" one
cd "$project" || exit 1
check "deploy" orch deploy
[ $failed = 0 ] || exit 1
first=$(git rev-parse main)

check "they are listed" same "$(orch source-operation ls --json | jq -r '[.operations[] | .app + ":" + .name] | sort | join(" ")')" "api:update web:evil web:fails web:nothing web:rewrites web:update"
check "for people" contains "$(orch source-operation ls)" "echo changed >page"
check "run one" orch source-operation run update
check "two commits, one after the other" same "$(git log --format=%s "$first"..main | paste -sd,)" "Update by web,Update by api"
check "of the owner" same "$(git log -1 --format='%an %ce')" "Owner owner@localhost"
check "in a clone without remotes, with what a build has" same "$(cat web/page)" "blue /app/web 10000  refs/heads/main /app build after Update by api"
check "the first one began with what was there" same "$(cat api/page)" "after one"
check "the worktree is at it" same "$(git status --porcelain)" ""
check "deployed" same "$(orch exec web -- cat page)" "$(cat web/page)"
check "both" same "$(orch exec api -- cat page)" "after one"
check "of that commit" same "$(orch history --json | jq -r '[.. | .commit? // empty][0]')" "$(git rev-parse main)"

second=$(git rev-parse main)
check "one that commits nothing" orch source-operation run nothing
check "says so" contains "$(cat "$work/out")" "no commits"
check "one that fails" exits 1 orch source-operation run fails
check "one that rewrites" exits 4 orch source-operation run rewrites
check "one that is up to no good" orch source-operation run evil
check "got nothing" same "$(ls /tmp/pwned 2>/dev/null; grep -rs root: "$project" | head -n 1)" ""
check "no such" exits 3 orch source-operation run walk
check "all of them left the branch as it was" same "$(git rev-parse main) $(git status --porcelain)" "$second "
echo mine >web/page
check "not over changes that aren't committed" exits 4 orch source-operation run update
check "which stay" same "$(cat web/page)" mine
git checkout -q web/page
check "usage" exits 2 orch source-operation walk

check "a branch" orch branch fix
check "has its own" orch source-operation run update -e fix
check "on its branch" same "$(git log --format=%s main..fix | paste -sd,)" "Update by web,Update by api"
check "alone" same "$(git rev-parse main)" "$second"
check "nothing amiss" orch fsck
check "nothing left" same "$(ls "$root/var/lib/orch/scratch")" ""
check "destroy" orch destroy --purge --yes-destroy fix -e fix
check "destroy" orch destroy --purge --yes-destroy main
check "nothing is left" same "$(host_state)" "$before"
