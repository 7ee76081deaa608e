#include "orchestrator/project.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "base/sha256.h"
#include "base/text.h"
#include "orchestrator/git.h"
#include "orchestrator/options.h"

char *project_slug(struct arena *arena, const char *text)
{
	char *slug = arena_alloc(arena, 41);
	size_t n = 0;

	for (; *text && n < 40; text++) {
		unsigned char c = (unsigned char)*text;

		if (isascii(c) && isalnum(c))
			slug[n++] = (char)tolower(c);
		else if (n > 0 && slug[n - 1] != '-')
			slug[n++] = '-';
	}
	while (n > 0 && slug[n - 1] == '-')
		n--;
	slug[n] = '\0';
	return n ? slug : arena_strdup(arena, "x");
}

char *project_hash(struct arena *arena, const char *text, unsigned size)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
	char *out = arena_alloc(arena, size + 1);
	char digest[SHA256_HEX];

	sha256_of(text, strlen(text), digest);
	for (unsigned i = 0; i < size; i++) {
		char two[3] = { digest[(size_t)2 * i], digest[(size_t)2 * i + 1], '\0' };

		out[i] = alphabet[strtoul(two, NULL, 16) & 31];
	}
	return out;
}

#define ENVIRONMENT_HASH 7

char *project_environment(struct arena *arena, const char *project_id, const char *name)
{
	const char *key = arena_printf(arena, "%s:%s", project_id, name);

	return arena_printf(arena, "%s-%s", project_slug(arena, name),
			    project_hash(arena, key, ENVIRONMENT_HASH));
}

bool project_is_environment(const char *text)
{
	const char *hash = strrchr(text, '-');

	return hash && hash != text && strlen(hash + 1) == ENVIRONMENT_HASH &&
		strspn(hash + 1, "abcdefghijklmnopqrstuvwxyz234567") == ENVIRONMENT_HASH &&
		strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(text);
}

static bool has_one(struct arena *arena, const char *folder, const char *const *names)
{
	for (; *names; names++)
		if (file_exists(arena_printf(arena, "%s/%s", folder, *names)))
			return true;
	return false;
}

/* A project has these in its top folder; apps may lie below it, and don't make one where there is another above. */
static const char *const of_projects[] = { "app.yaml",	"services.yaml", "routes.yaml",
					   ".platform", ".upsun",	 NULL };
static const char *const of_apps[] = { ".platform.app.yaml", NULL };
static const char *const of_git[] = { ".git", NULL };

static const char *climb(struct arena *arena, char *path)
{
	const char *app = NULL;
	char *slash;

	for (;;) {
		if (has_one(arena, path, of_projects))
			return arena_strdup(arena, path);
		if (has_one(arena, path, of_apps))
			app = arena_strdup(arena, path);
		slash = strrchr(path, '/');
		if (!slash || slash == path || has_one(arena, path, of_git))
			return app;
		*slash = '\0';
	}
}

int project_find(struct arena *arena, const struct options *options, const char **folder,
		 struct error *err)
{
	const char *start = options->folder ? options->folder : ".";
	char path[PATH_MAX];
	const char *shown;

	if (!realpath(start, path)) {
		fail_errno(err, "%s", start);
		err->kind = ERROR_ABSENT;
		return -1;
	}
	shown = arena_strdup(arena, path);
	*folder = climb(arena, path);
	return *folder ? 0
		       : fail(err, ERROR_ABSENT,
			      "%s: no app.yaml or .platform.app.yaml here or above; go to your "
			      "project's folder, or name it with -C",
			      shown);
}

/* Which of the usual names the repository has: origin's HEAD, else main, else master, else the branch itself. */
static bool is_default_branch(struct arena *arena, const struct git *git, const char *branch)
{
	static const char *const usual[] = { "main", "master" };
	struct error ignored;
	const char *head;

	head = git_line(arena, git, &ignored, "symbolic-ref", "--short", "refs/remotes/origin/HEAD",
			NULL);
	if (head && text_starts(head, "origin/"))
		return !strcmp(branch, head + strlen("origin/"));
	for (size_t i = 0; i < ARRAY_SIZE(usual); i++) {
		const char *ref = arena_printf(arena, "refs/heads/%s", usual[i]);

		if (!strcmp(branch, usual[i]))
			return true;
		if (git_line(arena, git, &ignored, "rev-parse", "--verify", "--quiet", ref, NULL))
			return false;
	}
	return true;
}

bool project_is_default(struct arena *arena, const struct project *p, const char *branch)
{
	const struct git git = git_of(p);

	return p->git ? is_default_branch(arena, &git, branch) : !strcmp(branch, "main");
}

static void read_git(struct arena *arena, struct project *p, const char *asked)
{
	struct git git = git_of(p);
	struct error ignored;
	const char *facts = git_output(arena, &git, &ignored, "rev-parse", "--path-format=absolute",
				       "--git-common-dir", "--show-prefix", NULL);
	const char *branch, *head;
	char *common, *prefix;

	if (!facts)
		return;
	common = arena_strdup(arena, facts);
	prefix = strchr(common, '\n');
	if (!prefix)
		return;
	*prefix++ = '\0';
	prefix[strcspn(prefix, "\n")] = '\0';
	p->git = true;
	p->prefix = prefix;
	if (text_ends(common, "/.git"))
		common[strlen(common) - strlen("/.git")] = '\0';
	p->identity = *prefix ? arena_printf(arena, "%s/%s", common, prefix) : common;
	branch = asked ? asked
		       : git_line(arena, &git, &ignored, "symbolic-ref", "--short", "HEAD", NULL);
	head = git_output(arena, &git, &ignored, "log", "-1", "--format=%H%n%s", "HEAD", NULL);
	if (head) {
		p->commit = arena_strndup(arena, head, strcspn(head, "\n"));
		head += strcspn(head, "\n");
		head += *head == '\n';
		p->subject = arena_strndup(arena, head, strcspn(head, "\n"));
	}
	p->branch = branch ? branch : "main";
	p->detached = !branch;
	p->branched = git_line(arena, &git, &ignored, "rev-parse", "--verify", "--quiet",
			       arena_printf(arena, "refs/heads/%s", p->branch), NULL);
	p->is_default = is_default_branch(arena, &git, p->branch);
}

int project_open(struct arena *arena, const struct options *options, struct project *out,
		 struct error *err)
{
	const char *asked =
		options->environment ? options->environment : getenv("ORCH_ENVIRONMENT");
	struct project p = { .commit = "", .subject = "", .prefix = "", .is_default = true };
	struct stat st;

	if (asked && !*asked)
		asked = NULL;
	if (project_find(arena, options, &p.folder, err) < 0)
		return -1;
	if (stat(p.folder, &st) < 0)
		return fail_errno(err, "stat %s", p.folder);
	p.owner = st.st_uid;
	p.group = st.st_gid;
	p.identity = p.folder;
	p.branch = asked ? asked : "main";
	read_git(arena, &p, asked);
	p.name = options->project ? project_slug(arena, options->project)
				  : project_slug(arena, strrchr(p.identity, '/') + 1);
	if (!options->project && text_ends(p.identity, "/"))
		p.name = project_slug(arena, strrchr(p.folder, '/') + 1);
	p.id = project_hash(arena, p.identity, 13);
	*out = p;
	return 0;
}
