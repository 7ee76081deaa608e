#include "orchestrator/git_branch.h"

#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "orchestrator/git.h"
#include "orchestrator/project.h"

bool git_branch_exists(struct arena *arena, const struct project *p, const char *name)
{
	const struct git git = git_of(p);
	struct error ignored;

	return git_line(arena, &git, &ignored, "rev-parse", "--verify", "--quiet",
			arena_printf(arena, "refs/heads/%s", name), NULL) != NULL;
}

static struct git writing(const struct project *p)
{
	struct git git = git_of(p);

	git.writes = true;
	return git;
}

int git_branch_ensure(struct arena *arena, const struct project *p, const char *name, bool *made,
		      struct error *err)
{
	const struct git git = writing(p);

	/* Mostly it isn't there: asking first would cost another process. */
	*made = git_output(arena, &git, err, "branch", "--", name, NULL) != NULL;
	return *made || git_branch_exists(arena, p, name) ? 0 : -1;
}

int git_branch_remove(struct arena *arena, const struct project *p, const char *name,
		      struct error *err)
{
	const struct git git = writing(p);

	return git_output(arena, &git, err, "branch", "-D", "--", name, NULL) ? 0 : -1;
}

const char *git_branch_here(struct arena *arena, const struct project *p)
{
	const struct git git = git_of(p);
	struct error ignored;

	return git_line(arena, &git, &ignored, "symbolic-ref", "--short", "HEAD", NULL);
}

const char *git_branch_previous(struct arena *arena, const struct project *p)
{
	const struct git git = git_of(p);
	struct error ignored;
	const char *name =
		git_line(arena, &git, &ignored, "rev-parse", "--abbrev-ref", "@{-1}", NULL);

	return name && *name && strcmp(name, "@{-1}") != 0 ? name : NULL;
}

int git_need_clean(struct arena *arena, const struct project *p, const char *folder,
		   const char *action, struct error *err)
{
	struct git git = git_of(p);
	const char *changed;

	git.folder = folder;
	changed =
		git_output(arena, &git, err, "status", "--porcelain", "--untracked-files=no", NULL);
	if (!changed)
		return -1;
	if (*changed)
		return fail(
			err, ERROR_CONFLICT,
			"%s has changes that aren't committed; commit or stash them, then %s:\n%s",
			folder, action, changed);
	return 0;
}

/* A merge makes a commit, whose author is said in the owner's own settings. */
static const char *const *owner_settings(struct arena *arena, const struct project *p)
{
	const struct passwd *user = geteuid() == 0 && p->owner ? getpwuid(p->owner) : NULL;
	const char **env = arena_array(arena, 3, sizeof(*env));

	if (user) {
		env[0] = arena_printf(arena, "HOME=%s", user->pw_dir);
		env[1] = arena_printf(arena, "GIT_CONFIG_GLOBAL=%s/.gitconfig", user->pw_dir);
	}
	return env;
}

int git_branch_merge(struct arena *arena, const struct project *p, const char *from,
		     struct error *err)
{
	struct git git = writing(p);
	struct error ignored;
	const char *files;

	if (git_need_clean(arena, p, p->folder, "sync", err) < 0)
		return -1;
	git.env = owner_settings(arena, p);
	if (git_output(arena, &git, err, "merge", "--quiet", "-m",
		       arena_printf(arena, "Merge branch '%s' into %s", from, p->branch),
		       arena_printf(arena, "refs/heads/%s", from), NULL))
		return 0;
	files = git_output(arena, &git, &ignored, "diff", "--name-only", "--diff-filter=U", NULL);
	(void)git_output(arena, &git, &ignored, "merge", "--abort", NULL);
	if (!files || !*files)
		return -1;
	return fail(err, ERROR_CONFLICT,
		    "\"%s\" and \"%s\" changed the same lines; nothing was changed. Merge by hand:"
		    " git merge %s, then orch deploy. In conflict:\n%s",
		    from, p->branch, from, files);
}

/* Of `git worktree list --porcelain`: "worktree PATH", "HEAD ...", "branch refs/heads/NAME", one a line. */
const char *git_branch_worktree(struct arena *arena, const struct project *p, const char *branch)
{
	const struct git git = git_of(p);
	const char *wanted = arena_printf(arena, "branch refs/heads/%s", branch);
	struct error ignored;
	char *list = git_output(arena, &git, &ignored, "worktree", "list", "--porcelain", NULL);
	const char *folder = NULL, *line;

	while (list && (line = strsep(&list, "\n"))) {
		if (text_starts(line, "worktree "))
			folder = line + strlen("worktree ");
		else if (!strcmp(line, wanted))
			return folder;
	}
	return NULL;
}

static int fail_forward(const struct project *p, const char *to, struct error *err)
{
	return fail(err, ERROR_CONFLICT,
		    "\"%s\" has commits that \"%s\" lacks, and promote never merges into it;"
		    " take them first: orch sync code --from %s, test, and promote again",
		    to, p->branch, to);
}

int git_branch_forward(struct arena *arena, const struct project *p, const char *to,
		       struct error *err)
{
	const char *folder = git_branch_worktree(arena, p, to);
	struct git git = writing(p);
	struct error ignored;

	if (!git_output(arena, &git, &ignored, "merge-base", "--is-ancestor",
			arena_printf(arena, "refs/heads/%s", to), p->commit, NULL))
		return fail_forward(p, to, err);
	if (!folder)
		return git_output(arena, &git, err, "fetch", "--quiet", ".",
				  arena_printf(arena, "%s:refs/heads/%s", p->commit, to), NULL)
			? 0
			: -1;
	if (git_need_clean(arena, p, folder, "promote", err) < 0)
		return -1;
	git.folder = folder;
	return git_output(arena, &git, err, "merge", "--ff-only", "--quiet", p->commit, NULL) ? 0
											      : -1;
}
