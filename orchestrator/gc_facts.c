#include "orchestrator/gc_facts.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "images/store.h"
#include "orchestrator/git.h"
#include "orchestrator/record.h"
#include "orchestrator/session.h"

#define CACHE_AGE_S (INT64_C(30) * 86400)
#define FILE_MAX (64u << 20)
#define DEPTH_MAX 4

static bool is_locked(struct session *s, const char *id)
{
	const char *path = record_path(&s->arena, &s->host, id, "lock");
	AUTO(fd) int lock = -1;
	struct error ignored;

	return file_exists(path) && file_lock(path, false, &lock, &ignored) != 0;
}

/* A folder of the environment's project, looked at now: -1 when it is another one's by now, or no git. */
static int open_project(struct session *s, const struct environment *e, struct project *out)
{
	/* A name, so that none is made from what is checked out there. */
	const struct options options = { .folder = e->folder, .environment = e->name };
	struct error ignored;

	if (!file_exists(e->folder) || project_open(&s->arena, &options, out, &ignored) < 0)
		return -1;
	return out->git && !strcmp(out->id, e->project_id) ? 0 : -1;
}

/* Any environment's folder will do: a worktree goes, its repository stays. */
static int find_project(struct session *s, const struct environment *all, size_t n,
			const struct environment *e, struct project *out)
{
	if (open_project(s, e, out) == 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (!strcmp(all[i].project_id, e->project_id) && open_project(s, &all[i], out) == 0)
			return 0;
	return -1;
}

static void ask_git(struct session *s, const struct environment *all, size_t n,
		    struct gc_environment *g)
{
	const char *ref = arena_printf(&s->arena, "refs/heads/%s", g->e->name), *at;
	struct project p;
	struct error ignored;
	struct git git;
	const char *heads;

	g->branch = BRANCH_UNKNOWN;
	if (!g->e->branched)
		return;
	if (find_project(s, all, n, g->e, &p) < 0) {
		g->unknown = "its repository isn't there";
		return;
	}
	git = git_of(&p);
	heads = git_output(&s->arena, &git, &ignored, "for-each-ref", "--format=%(refname)",
			   "refs/heads", NULL);
	if (!heads || !*heads) {
		g->unknown = "its repository has no branches";
		return;
	}
	g->branch = BRANCH_GONE;
	for (at = heads; *at; at += strcspn(at, "\n"), at += *at == '\n')
		if (!strncmp(at, ref, strlen(ref)) && strchr("\n", at[strlen(ref)]))
			g->branch = BRANCH_THERE;
}

static int add_environments(struct session *s, struct gc_input *in, struct error *err)
{
	struct gc_environment *list;
	struct environment *all = NULL;
	size_t n = 0;

	if (state_list(s->state, &s->arena, &all, &n, err) < 0)
		return -1;
	list = arena_array(&s->arena, n + 1, sizeof(*list));
	for (size_t i = 0; i < n; i++) {
		list[i].e = &all[i];
		list[i].busy = is_locked(s, all[i].id);
		if (!in->expired_only)
			ask_git(s, all, n, &list[i]);
	}
	in->environments = list;
	in->n_environments = n;
	return 0;
}

/* All JSON files below, one after the other. */
static int add_json(struct session *s, const char *folder, unsigned depth, struct text *out,
		    struct error *err)
{
	const char **names;
	size_t n;
	int r = file_list(&s->arena, folder, &names, &n, err);

	if (r != 0)
		return r < 0 ? -1 : 0;
	for (size_t i = 0; i < n; i++) {
		const char *path = arena_printf(&s->arena, "%s/%s", folder, names[i]);
		struct stat st;
		char *text;

		if (lstat(path, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX &&
		    add_json(s, path, depth + 1, out, err) < 0)
			return -1;
		if (!S_ISREG(st.st_mode) || !text_ends(names[i], ".json"))
			continue;
		if (file_read(&s->arena, AT_FDCWD, path, FILE_MAX, &text, NULL, err) < 0)
			return -1;
		text_add(out, text);
	}
	return 0;
}

/* What refers to images besides generations: records of what runs, and whatever else is kept beside the state (backups). */
static int mentions(struct session *s, struct text *out, struct error *err)
{
	static const char *const others[] = { "images", "pool", "log", "scratch", "cache" };
	const char **names;
	size_t n;
	int r = file_list(&s->arena, s->host.state, &names, &n, err);

	if (r != 0)
		return r < 0 ? -1 : 0;
	for (size_t i = 0; i < n; i++) {
		const char *path = arena_printf(&s->arena, "%s/%s", s->host.state, names[i]);
		bool other = false;
		struct stat st;

		for (size_t k = 0; k < ARRAY_SIZE(others); k++)
			other |= !strcmp(names[i], others[k]);
		if (!other && lstat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
		    add_json(s, path, 0, out, err) < 0)
			return -1;
	}
	return add_json(s, s->host.run, 0, out, err);
}

static int add_images(struct session *s, struct gc_input *in, struct error *err)
{
	AUTO(text) struct text kept = { 0 };
	struct store_image *all = NULL;
	struct gc_image *list;
	size_t n = 0;

	if (!file_exists(s->host.images))
		return 0;
	if (store_list(&s->arena, s->host.images, &all, &n, err) < 0 || mentions(s, &kept, err) < 0)
		return -1;
	list = arena_array(&s->arena, n + 1, sizeof(*list));
	for (size_t i = 0; i < n; i++) {
		int64_t uses = state_count_uses(s->state, all[i].digest, err);

		if (uses < 0)
			return -1;
		list[i] = (struct gc_image){
			.digest = all[i].digest,
			.name = all[i].n_names ? all[i].names[0] : NULL,
			.bytes = all[i].bytes,
			.made = all[i].made,
			.referred = uses > 0 || strstr(text_get(&kept), all[i].digest),
		};
		for (size_t k = 0; k < all[i].n_names; k++)
			if (text_starts(all[i].names[k], "base-"))
				list[i].name = all[i].names[k];
	}
	in->images = list;
	in->n_images = n;
	return 0;
}

/* "<owner>.<app>": of a project's id, or of a machine name. */
static bool is_of(const char *folder, const char *owner)
{
	size_t len = strlen(owner);

	return !strncmp(folder, owner, len) && folder[len] == '.';
}

static int add_folders(struct session *s, const struct gc_input *in, const char *parent, bool cache,
		       struct gc_folder **out, size_t *n, struct error *err)
{
	struct gc_folder *list;
	const char **names = NULL;
	size_t all = 0;

	if (file_list(&s->arena, parent, &names, &all, err) < 0)
		return -1;
	list = arena_array(&s->arena, all + 1, sizeof(*list));
	for (size_t i = 0; i < all; i++) {
		struct gc_folder *f = &list[*n];
		struct stat st;

		f->name = names[i];
		f->path = arena_printf(&s->arena, "%s/%s", parent, names[i]);
		if (lstat(f->path, &st) < 0)
			continue;
		/* A build gives its cache to the image's user, which stamps the change. */
		f->used = st.st_mtime > st.st_ctime ? st.st_mtime : st.st_ctime;
		for (size_t k = 0; k < in->n_environments; k++) {
			const struct environment *e = in->environments[k].e;

			f->busy |= is_of(names[i], cache ? e->project_id : e->id) &&
				in->environments[k].busy;
		}
		(*n)++;
	}
	*out = list;
	return 0;
}

int gc_facts(struct session *s, struct gc_input *out, struct error *err)
{
	struct gc_input in = {
		.now = (int64_t)time(NULL),
		.expired_only = s->options->expired,
		.cache_age =
			s->options->age_ms ? (int64_t)(s->options->age_ms / 1000) : CACHE_AGE_S,
	};
	struct gc_folder *caches, *scratch;

	if (add_environments(s, &in, err) < 0)
		return -1;
	if (!in.expired_only) {
		if (add_images(s, &in, err) < 0 ||
		    add_folders(s, &in, s->host.cache, true, &caches, &in.n_caches, err) < 0 ||
		    add_folders(s, &in, s->host.scratch, false, &scratch, &in.n_scratch, err) < 0)
			return -1;
		in.caches = caches;
		in.scratch = scratch;
	}
	*out = in;
	return 0;
}
