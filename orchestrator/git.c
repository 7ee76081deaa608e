#include "orchestrator/git.h"

#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "base/text.h"
#include "orchestrator/project.h"

#define MAX_ARGS 16

struct git git_of(const struct project *p)
{
	return (struct git){
		.folder = p->folder,
		.uid = geteuid() == 0 ? p->owner : 0,
		.gid = geteuid() == 0 ? p->group : 0,
	};
}

static void drop_line(void *ctx, const char *line)
{
	(void)ctx;
	(void)line;
}

static char *run(struct arena *arena, const struct git *git, struct error *err, va_list ap)
{
	AUTO(text) struct text out = { 0 };
	const char *argv[MAX_ARGS + 2] = { "git" };
	/* The caller's own settings aren't readable for the owner of the repository. */
	const char *env[8] = { git->uid ? "GIT_CONFIG_GLOBAL=/dev/null" : "GIT_OPTIONAL_LOCKS=0" };
	struct process_spec spec = {
		.argv = argv,
		.env = env,
		.folder = git->folder,
		.uid = git->uid,
		.gid = git->gid,
		.outlives = git->writes,
		.out = &out,
		.line = drop_line,
	};

	for (size_t i = 0; git->env && git->env[i] && i < ARRAY_SIZE(env) - 2; i++)
		env[i + 1] = git->env[i];
	for (size_t i = 1; i <= MAX_ARGS; i++) {
		argv[i] = va_arg(ap, const char *);
		if (!argv[i])
			break;
	}
	return process_run(&spec, err) < 0 ? NULL : arena_strdup(arena, text_get(&out));
}

char *git_output(struct arena *arena, const struct git *git, struct error *err, ...)
{
	va_list ap;
	char *out;

	va_start(ap, err);
	out = run(arena, git, err, ap);
	va_end(ap);
	return out;
}

char *git_line(struct arena *arena, const struct git *git, struct error *err, ...)
{
	va_list ap;
	char *out;

	va_start(ap, err);
	out = run(arena, git, err, ap);
	va_end(ap);
	if (out)
		out[strcspn(out, "\n")] = '\0';
	return out;
}

/* A bare repository of our own for what is not in git, or not committed: owned by who owns the folder. */
static int make_index(struct arena *arena, const struct project *p, const char *scratch,
		      const char ***env, struct error *err)
{
	const char **list = arena_array(arena, 4, sizeof(*list));
	struct git git = git_of(p);
	const char *own = arena_printf(arena, "%s/git", scratch);

	if (file_make_dirs(own, 0700, err) < 0)
		return -1;
	if (geteuid() == 0 && chown(own, p->owner, p->group) < 0)
		return fail_errno(err, "chown %s", own);
	list[0] = arena_printf(arena, "GIT_INDEX_FILE=%s/index", own);
	if (!p->git) {
		list[1] = arena_printf(arena, "GIT_DIR=%s/repository", own);
		list[2] = arena_printf(arena, "GIT_WORK_TREE=%s", p->folder);
		git.env = list;
		if (!git_output(arena, &git, err, "init", "--quiet", NULL))
			return -1;
	}
	*env = list;
	return 0;
}

/* The files as they are, but for what .gitignore leaves out, as a tree object. */
static char *tree_of_files(struct arena *arena, const struct project *p, const char *scratch,
			   struct error *err)
{
	struct git git = git_of(p);
	const char **env = NULL;

	if (make_index(arena, p, scratch, &env, err) < 0)
		return NULL;
	git.env = env;
	if (p->git && *p->commit && !git_output(arena, &git, err, "read-tree", "HEAD", NULL))
		return NULL;
	if (!git_output(arena, &git, err, "add", "--all", ".", NULL))
		return NULL;
	return git_line(arena, &git, err, "write-tree", NULL);
}

/*
 * The tree without the files that say what to do with it: a change of those alone is no new code. In an index of our own; paths are
 * relative to the project's folder, which may lie below the top of the repository. top: it is the project's own; elsewhere an
 * app.yaml is the app's.
 */
static char *without_manifests(struct arena *arena, const struct project *p, const char *tree,
			       bool top, const char *scratch, struct error *err)
{
	struct git git = git_of(p);
	const char **env = NULL, **more = arena_array(arena, 6, sizeof(*more));
	const char *index = arena_printf(arena, "%s/git/code", scratch);
	const char *prefix = arena_printf(arena, "--prefix=%s", p->prefix);
	bool nested = *p->prefix;

	if (make_index(arena, p, scratch, &env, err) < 0)
		return NULL;
	more[0] = arena_printf(arena, "GIT_INDEX_FILE=%s", index);
	for (size_t i = 1; env && i < 3 && env[i]; i++)
		more[i] = env[i];
	git.env = more;
	if (file_remove(AT_FDCWD, index, err) < 0 ||
	    !git_output(arena, &git, err, "read-tree", nested ? prefix : tree, nested ? tree : NULL,
			NULL) ||
	    !git_output(arena, &git, err, "rm", "-r", "-f", "--cached", "--quiet",
			"--ignore-unmatch", "--", ".platform", ".platform.app.yaml",
			top ? ".upsun" : NULL, "app.yaml", "services.yaml", "routes.yaml", NULL))
		return NULL;
	return git_line(arena, &git, err, "write-tree", nested ? prefix : NULL, NULL);
}

int project_tree(struct arena *arena, const struct project *p, const char *root, bool worktree,
		 const char *scratch, const char **tree, struct error *err)
{
	const char *top, *folder, *found;
	struct git git = git_of(p);
	const char **env = NULL;

	if (p->git && !*p->commit && !worktree)
		return fail(err, ERROR_INPUT,
			    "%s: nothing is committed yet; commit, or deploy with --worktree",
			    p->folder);
	if (worktree || !p->git) {
		if (make_index(arena, p, scratch, &env, err) < 0)
			return -1;
		git.env = env;
		top = tree_of_files(arena, p, scratch, err);
	} else {
		top = "HEAD";
	}
	if (!top)
		return -1;
	folder = arena_printf(arena, "%s%s", p->prefix, root);
	found = *folder ? arena_printf(arena, "%s:%s", top, folder)
			: arena_printf(arena, "%s^{tree}", top);
	found = git_line(arena, &git, err, "rev-parse", "--verify", found, NULL);
	if (!found)
		return fail_in(err, "%s: the app's folder \"%s\" is not committed", p->folder,
			       root);
	found = without_manifests(arena, p, found, !*root, scratch, err);
	if (!found)
		return -1;
	*tree = found;
	return 0;
}

int project_export(struct arena *arena, const struct project *p, const char *tree,
		   const char *scratch, const char *to, struct error *err)
{
	struct git git = git_of(p);
	const char **env = NULL, **more;

	if (make_index(arena, p, scratch, &env, err) < 0)
		return -1;
	more = arena_array(arena, 6, sizeof(*more));
	more[0] = arena_printf(arena, "GIT_INDEX_FILE=%s/git/export", scratch);
	for (size_t i = 1; env && i < 3 && env[i]; i++)
		more[i] = env[i];
	git.env = more;
	if (file_make_dirs(to, 0755, err) < 0)
		return -1;
	if (geteuid() == 0 && chown(to, p->owner, p->group) < 0)
		return fail_errno(err, "chown %s", to);
	if (!git_output(arena, &git, err, "read-tree", tree, NULL) ||
	    !git_output(arena, &git, err, "checkout-index", "--all", "--force",
			arena_printf(arena, "--prefix=%s/", to), NULL))
		return -1;
	return 0;
}
