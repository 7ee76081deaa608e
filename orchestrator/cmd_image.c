/*
 * cmd_image.c - image build|ls|show|verify|import
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "base/table.h"
#include "base/text.h"
#include "images/store.h"
#include "orchestrator/bases.h"
#include "orchestrator/commands.h"
#include "orchestrator/progress.h"
#include "orchestrator/session.h"

#define EXIT_DIFFERENCES 8

/* With the project's own recipes, where this is one. */
static int load_catalog(struct session *s, struct catalog *out, struct error *err)
{
	struct error ignored;

	if (!s->project.folder && project_open(&s->arena, s->options, &s->project, &ignored) < 0)
		s->project = (struct project){ 0 };
	return session_catalog(s, out, err);
}

static int find_recipe(struct session *s, const char *type, const struct recipe **out,
		       struct error *err)
{
	struct catalog *catalog = arena_new(&s->arena, struct catalog);
	const char **types;
	const char *near;

	if (load_catalog(s, catalog, err) < 0)
		return -1;
	*out = catalog_find(catalog, type);
	if (*out)
		return 0;
	types = arena_array(&s->arena, catalog->n + 1, sizeof(*types));
	for (size_t i = 0; i < catalog->n; i++)
		types[i] = catalog->recipes[i].type;
	near = text_nearest(type, types, catalog->n);
	if (near)
		return fail(err, ERROR_ABSENT, "no image type \"%s\"; did you mean \"%s\"?", type,
			    near);
	return fail(err, ERROR_ABSENT, "no image type \"%s\"; see them: orch image ls", type);
}

static int build(struct session *s, const char *type, struct error *err)
{
	struct progress progress = progress_of(s->options);
	const struct recipe *recipe;
	char digest[SHA256_HEX];

	if (session_need_state(s, "image build", err) < 0 ||
	    find_recipe(s, type, &recipe, err) < 0 ||
	    bases_ensure(s, recipe, progress_line, &progress, digest, err) < 0)
		return -1;
	if (progress.pending)
		fputc('\n', stderr);
	printf("%s  %s\n", digest, recipe->type);
	return 0;
}

static int import(struct session *s, const char *folder, const char *type, struct error *err)
{
	char digest[SHA256_HEX];

	if (!strchr(type, ':'))
		return fail(err, ERROR_INPUT, "type \"%s\": it must be NAME:VERSION", type);
	if (session_need_state(s, "image import", err) < 0 ||
	    bases_import(s, folder, type, digest, err) < 0)
		return -1;
	printf("%s  %s\n", digest, type);
	return 0;
}

static int load(struct session *s, struct store_image **list, size_t *n, struct error *err)
{
	*list = NULL;
	*n = 0;
	if (!s->state)
		return 0;
	return store_list(&s->arena, s->host.images, list, n, err);
}

static const char *names_of(struct session *s, const struct store_image *image)
{
	const char *all = "";

	for (size_t i = 0; i < image->n_names; i++)
		all = arena_printf(&s->arena, "%s%s%.40s", all, *all ? " " : "", image->names[i]);
	return *all ? all : "-";
}

/* Types of the catalogue that no image was built of yet. */
static int list_types(struct session *s, struct table *table, struct json_t *out, struct error *err)
{
	struct catalog catalog;

	if (load_catalog(s, &catalog, err) < 0)
		return -1;
	for (size_t i = 0; i < catalog.n; i++) {
		const char *type = catalog.recipes[i].type;
		struct json_t *map;
		char digest[SHA256_HEX];
		int r = bases_find(s, &catalog.recipes[i], digest, err);

		if (r < 0)
			return -1;
		if (r != BASES_ABSENT)
			continue;
		map = json_add(out, json_new_map());
		json_put_text(map, "digest", NULL);
		json_put_text(map, "names", type);
		table_row(table, "-", "-", arena_printf(&s->arena, "%s (not built yet)", type),
			  NULL);
	}
	return 0;
}

static int list_images(struct session *s, struct error *err)
{
	AUTO(table) struct table table = { 0 };
	AUTO(json) struct json_t *out = json_new_list();
	struct store_image *list;
	char size[32];
	size_t n;

	if (load(s, &list, &n, err) < 0)
		return -1;
	table_row(&table, "IMAGE", "SIZE", "NAMES", NULL);
	for (size_t i = 0; i < n; i++) {
		struct json_t *map = json_add(out, json_new_map());

		json_put_text(map, "digest", list[i].digest);
		json_put_number(map, "bytes", (int64_t)list[i].bytes);
		json_put_text(map, "names", names_of(s, &list[i]));
		table_row(&table, arena_printf(&s->arena, "%.12s", list[i].digest),
			  text_bytes(size, list[i].bytes), names_of(s, &list[i]), NULL);
	}
	if (list_types(s, &table, out, err) < 0)
		return -1;
	if (s->options->json)
		session_print("orch.image.ls/1", "images", TAKE_PTR(out));
	else
		table_print(&table, stdout);
	return 0;
}

/* By type, name in the store, or the beginning of a digest. */
static int find_image(struct session *s, const char *what, char digest[SHA256_HEX],
		      struct json_t **facts, struct error *err)
{
	struct store_image *list;
	size_t n, found = 0;
	int r = store_find(s->host.images, arena_printf(&s->arena, "base-%s", what), facts, err);

	if (r == STORE_ABSENT && !strchr(what, '/'))
		r = store_find(s->host.images, what, facts, err);
	if (r < 0)
		return -1;
	if (r == 0) {
		snprintf(digest, SHA256_HEX, "%s", json_get_text(*facts, "digest", ""));
		return 0;
	}
	if (load(s, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (!text_starts(list[i].digest, what))
			continue;
		snprintf(digest, SHA256_HEX, "%s", list[i].digest);
		found++;
	}
	if (found == 1)
		return 0;
	return fail(err, found ? ERROR_INPUT : ERROR_ABSENT,
		    found ? "several images begin with %s"
			  : "no image \"%s\"; see them: orch image ls",
		    what);
}

static int show(struct session *s, const char *what, struct error *err)
{
	AUTO(json) struct json_t *facts = NULL;
	char digest[SHA256_HEX];

	if (find_image(s, what, digest, &facts, err) < 0)
		return -1;
	if (!facts) {
		facts = json_new_map();
		json_put_text(facts, "digest", digest);
	}
	json_put_text(facts, "path", store_path(&s->arena, s->host.images, digest));
	session_print("orch.image.show/1", "image", TAKE_PTR(facts));
	return 0;
}

static int verify_one(struct session *s, const char *digest)
{
	struct error err;

	if (store_verify(s->host.images, digest, &err) == 0) {
		printf("%.12s  ok\n", digest);
		return 0;
	}
	printf("%.12s  DAMAGED  %s\n", digest, err.text);
	return EXIT_DIFFERENCES;
}

static int verify(struct session *s, const char *what, struct error *err)
{
	AUTO(json) struct json_t *facts = NULL;
	struct store_image *list;
	char digest[SHA256_HEX];
	int r = 0;
	size_t n;

	if (what)
		return find_image(s, what, digest, &facts, err) < 0 ? -1 : verify_one(s, digest);
	if (load(s, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		r |= verify_one(s, list[i].digest);
	return r;
}

int cmd_image(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;

	if (session_open(&s, ctx, err) < 0)
		return -1;
	if (!strcmp(argv[0], "ls") && argc == 1)
		return list_images(&s, err);
	if (!strcmp(argv[0], "build") && argc == 2)
		return build(&s, argv[1], err);
	if (!strcmp(argv[0], "show") && argc == 2)
		return show(&s, argv[1], err);
	if (!strcmp(argv[0], "verify") && argc <= 2)
		return verify(&s, argc == 2 ? argv[1] : NULL, err);
	if (!strcmp(argv[0], "import") && argc == 3)
		return import(&s, argv[1], argv[2], err);
	return fail(
		err, ERROR_INPUT,
		"orch image build TYPE | ls | show IMAGE | verify [IMAGE] | import FOLDER TYPE");
}
