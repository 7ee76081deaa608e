#include "orchestrator/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "images/squash.h"
#include "images/store.h"
#include "orchestrator/destroy.h"
#include "orchestrator/record.h"
#include "orchestrator/supervise.h"
#include "orchestrator/ttl.h"

int session_open(struct session *s, const struct options *options, struct error *err)
{
	const char *root = options->root ? options->root : getenv("ORCH_ROOT");

	s->options = options;
	if (host_open(&s->arena, root && *root ? root : NULL, &s->host, err) < 0)
		return -1;
	return state_open(&s->host, true, &s->state, err) < 0 ? -1 : 0;
}

void session_close(struct session *s)
{
	state_close(s->state);
	s->state = NULL;
	arena_clear(&s->arena);
}

int session_need_state(struct session *s, const char *what, struct error *err)
{
	if (host_need_root(what, err) < 0 || host_ensure(&s->host, err) < 0)
		return -1;
	state_close(s->state);
	s->state = NULL;
	if (state_open(&s->host, false, &s->state, err) < 0)
		return -1;
	/* Of those whose supervisor doesn't run, somebody has to think. */
	if (!s->options->gc && state_count_expired(s->state, (int64_t)time(NULL), err) > 0)
		ttl_remove(&s->host, NULL);
	return 0;
}

int session_supervised(struct session *s, const struct options *options, struct json_t **record,
		       struct error *err)
{
	if (session_open(s, options, err) < 0 || session_environment(s, err) < 0)
		return -1;
	*record = record_load(&s->host, s->env.id, err);
	if (!*record)
		return -1;
	if (s->env.wanted && geteuid() == 0)
		return supervise_ensure(&s->host, s->env.id, err);
	return 0;
}

/* A branch that nobody made with `orch branch` stands below production, if that is there. */
static int find_parent(struct session *s, struct environment *out, struct error *err)
{
	struct environment *all = NULL;
	size_t n = 0;

	*out = (struct environment){ .id = "" };
	if (s->project.is_default || !s->state)
		return 0;
	if (state_list(s->state, &s->arena, &all, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (!strcmp(all[i].project_id, s->project.id) && environment_is_production(&all[i]))
			*out = all[i];
	return 0;
}

int session_select(struct session *s, const char *name, struct error *err)
{
	struct project *p = &s->project;
	const char *id;
	int r = STATE_ABSENT;

	if (strcmp(p->branch, name) != 0) {
		/* There is one; asking git costs processes. */
		p->is_default = !p->is_default && project_is_default(&s->arena, p, name);
		p->branch = name;
	}
	id = project_environment(&s->arena, p->id, p->branch);
	if (s->state)
		r = state_find(s->state, &s->arena, id, &s->env, err);
	if (r < 0)
		return -1;
	s->exists = r != STATE_ABSENT;
	if (!s->exists) {
		struct environment parent;

		if (find_parent(s, &parent, err) < 0)
			return -1;
		s->env = (struct environment){
			.id = id,
			.project = p->name,
			.project_id = p->id,
			.name = p->branch,
			.type = p->is_default ? "production" : "development",
			.publish_address = "127.0.0.1",
			.parent = parent.id,
			.access = parent.access,
		};
	}
	s->env.folder = p->folder;
	s->env.branched |= p->branched;
	return 0;
}

int session_project(struct session *s, struct error *err)
{
	if (project_open(&s->arena, s->options, &s->project, err) < 0)
		return -1;
	return session_select(s, s->project.branch, err);
}

static int find_named(struct session *s, const char *name, struct error *err)
{
	struct environment *list;
	size_t n, found = 0;

	if (!s->state)
		return 0;
	if (state_list(s->state, &s->arena, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(list[i].id, name) != 0 && strcmp(list[i].name, name) != 0)
			continue;
		s->env = list[i];
		found++;
		if (!strcmp(list[i].id, name))
			return 1;
	}
	if (found > 1)
		return fail(
			err, ERROR_INPUT,
			"several projects have an environment %s; say its machine name: orch ls",
			name);
	return (int)found;
}

int session_find(struct session *s, struct error *err)
{
	const char *name = s->options->environment;
	int r;

	if (!name)
		name = getenv("ORCH_ENVIRONMENT");
	if (session_project(s, err) < 0) {
		if (!name || !*name || err->kind != ERROR_ABSENT)
			return -1;
	} else if (s->exists) {
		return 0;
	}
	if (name && *name) {
		r = find_named(s, name, err);
		if (r < 0)
			return -1;
		s->exists = r > 0;
		if (r > 0)
			return 0;
	} else {
		name = s->env.name;
	}
	return fail(err, ERROR_ABSENT,
		    "no environment \"%s\"; make it: orch deploy; see them: orch ls", name);
}

int session_environment(struct session *s, struct error *err)
{
	int r;

	if (session_find(s, err) < 0)
		return -1;
	if (!s->env.deleting || geteuid() != 0)
		return 0;
	r = destroy_finish(s, err);
	if (r != 0)
		return r < 0 ? -1 : 0;
	return fail(err, ERROR_ABSENT, "\"%s\" was being destroyed, which is finished now",
		    s->env.name);
}

int session_lock(struct session *s, int *lock, struct error *err)
{
	const char *path = record_path(&s->arena, &s->host, s->env.id, "lock");
	struct stat held, there;
	AUTO(fd) int fd = -1;
	int r;

	do {
		auto_fd(&fd);
		if (file_make_dirs(record_path(&s->arena, &s->host, s->env.id, ""), 0755, err) < 0)
			return -1;
		r = file_lock(path, false, &fd, err);
		if (r != 0)
			return r == FILE_LOCKED ? SESSION_LOCKED : -1;
		if (fstat(fd, &held) < 0)
			return fail_errno(err, "stat %s", path);
	} while (stat(path, &there) < 0 || held.st_ino != there.st_ino);
	*lock = TAKE_FD(fd);
	return 0;
}

/* An image that was imported has no recipe; its description is the one in the image. */
static int add_imported(struct session *s, struct problems *problems, struct catalog *c,
			const struct store_image *image, struct error *err)
{
	struct recipe *all;
	char *text;
	size_t size;
	int r;

	for (size_t i = 0; i < image->n_names; i++) {
		const char *name = image->names[i];
		struct recipe recipe = { 0 };

		if (strncmp(name, "base-", 5) != 0 || catalog_find(c, name + 5))
			continue;
		r = squash_read_file(&s->arena,
				     store_path(&s->arena, s->host.images, image->digest),
				     "etc/orch/image.yaml", 1 << 20, &text, &size, err);
		if (r != 0)
			return r < 0 ? -1
				     : fail(err, ERROR_SYSTEM, "image %s has no description", name);
		if (image_description_parse(problems, name, text, size, &recipe.image, err) < 0)
			return -1;
		recipe.type = name + 5;
		recipe.file = name;
		all = arena_array(&s->arena, c->n + 1, sizeof(*all));
		if (c->n)
			memcpy(all, c->recipes, c->n * sizeof(*all));
		all[c->n++] = recipe;
		c->recipes = all;
	}
	return 0;
}

int session_catalog(struct session *s, struct catalog *out, struct error *err)
{
	const char *own = s->project.folder;
	const char *const folders[] = {
		arena_printf(&s->arena, "%s/catalog", s->host.share),
		arena_printf(&s->arena, "%s/etc/orch/catalog", s->host.root),
		own ? arena_printf(&s->arena, "%s/.orch/catalog", own) : NULL,
		NULL,
	};
	struct problems problems = { .arena = &s->arena };
	struct store_image *images = NULL;
	size_t n = 0;

	if (catalog_load(folders, &problems, out, err) < 0)
		return -1;
	if (file_exists(s->host.images) &&
	    store_list(&s->arena, s->host.images, &images, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (add_imported(s, &problems, out, &images[i], err) < 0)
			return -1;
	if (problems.errors) {
		problems_print(&problems, PROBLEM_ERROR, stderr);
		return fail(err, ERROR_INPUT, "the catalogue has errors");
	}
	return 0;
}

struct json_t *session_document(struct session *s, int64_t number, struct error *err)
{
	return session_document_of(s, &s->env, number, err);
}

struct json_t *session_document_of(struct session *s, const struct environment *e, int64_t number,
				   struct error *err)
{
	struct generation g;
	int r;

	if (!number)
		number = e->generation;
	r = state_find_generation(s->state, &s->arena, e->id, number, &g, err);
	if (r < 0)
		return NULL;
	if (r == STATE_ABSENT) {
		fail(err, ERROR_ABSENT, "%s has no generation %lld; see them: orch history",
		     e->name, (long long)number);
		return NULL;
	}
	return json_parse("generation", g.document, strlen(g.document), err);
}

void session_print(const char *schema, const char *key, struct json_t *items)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *document = json_new_map();

	json_put_text(document, "schema", schema);
	json_put(document, key, items);
	printf("%s\n", json_print(&arena, document, FORM_PRETTY));
}

int session_each(struct session *s,
		 int (*fn)(struct session *, struct environment *, struct error *),
		 bool wanted_only, struct error *err)
{
	struct environment *all;
	struct error one;
	int r = 0;
	size_t n;

	if (state_list(s->state, &s->arena, &all, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if ((wanted_only && !all[i].wanted) || fn(s, &all[i], &one) == 0)
			continue;
		if (r < 0)
			fprintf(stderr, "orch: %s\n", one.text);
		else
			*err = one;
		r = -1;
	}
	return r;
}
