#include "tests/fuzz/project.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "manifests/files.h"
#include "manifests/parts.h"
#include "manifests/recipe.h"
#include "manifests/tree.h"
#include "manifests/types.h"

const char project_app[] = "name: app\ntype: php:8.2\n";

static const char known[] =
	"php: {kind: app, flavors: [composer]}\n"
	"mariadb: {kind: service, aliases: [mysql], disk: 256,"
	" endpoints: {mysql: {scheme: mysql, port: 3306}}}\n"
	"redis: {kind: service, endpoints: {redis: {scheme: redis, port: 6379}}, disk: forbidden}\n"
	"files: {kind: service, disk: 128, storage: true}\n"
	"varnish: {kind: service, endpoints: {http: {scheme: http, port: 8080}}}\n"
	"composable: {kind: app}\n";

void memory_add(struct memory *m, const char *path, const void *text, size_t size)
{
	if (m->n == MEMORY_MAX)
		abort();
	m->files[m->n].path = path;
	m->files[m->n].text = text;
	m->files[m->n++].size = size;
}

static int read_memory(void *ctx, struct arena *arena, const char *path, char **out, size_t *size,
		       struct error *err)
{
	const struct memory *m = ctx;

	(void)err;
	for (size_t i = 0; i < m->n; i++) {
		if (strcmp(m->files[i].path, path) != 0)
			continue;
		/* Exactly as long as it is: what reads beyond the end is found. */
		*out = arena_alloc(arena, m->files[i].size + 1);
		if (m->files[i].size)
			memcpy(*out, m->files[i].text, m->files[i].size);
		*size = m->files[i].size;
		return 0;
	}
	return FILE_ABSENT;
}

/* Read once, and kept. */
static const struct catalog *types(void)
{
	static struct arena arena;
	static struct problems p = { .arena = &arena };
	static struct catalog catalog;

	if (!catalog.n_types)
		types_read(&p, tree_parse(&p, "types", known, sizeof(known) - 1), &catalog);
	return &catalog;
}

void memory_read(const struct memory *m, struct problems *p, struct manifest *out)
{
	const struct files files = { read_memory, read_memory, (void *)(size_t)m };
	struct error err;

	(void)manifest_load_files(&files, -1, types(), p, out, &err);
}

static void print(const struct problems *p)
{
	AUTO(json) struct json_t *list = problems_json(p);
	AUTO(json) struct json_t *log = problems_sarif(p, PROBLEM_NOTE);
	AUTO(file) FILE *f = fopen("/dev/null", "we");

	if (!f || json_kind_of(list) != KIND_LIST || json_kind_of(log) != KIND_MAP)
		return;
	problems_print(p, PROBLEM_NOTE, f);
	problems_print_github(p, PROBLEM_NOTE, f);
}

static void load_again(const struct manifest *m)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(manifest) struct manifest again = { 0 };
	AUTO(free) char *apps = manifest_print(m, MANIFEST_APPS, false);
	AUTO(free) char *services = manifest_print(m, MANIFEST_SERVICES, false);
	AUTO(free) char *routes = manifest_print(m, MANIFEST_ROUTES, false);
	AUTO(free) char *once = manifest_print(m, MANIFEST_ALL, false);
	AUTO(free) char *twice = NULL;
	struct problems p = { .arena = &arena };
	struct memory files = { 0 };

	memory_add(&files, ".platform/applications.yaml", apps, strlen(apps));
	memory_add(&files, "services.yaml", services, strlen(services));
	memory_add(&files, "routes.yaml", routes, strlen(routes));
	memory_read(&files, &p, &again);
	twice = manifest_print(&again, MANIFEST_ALL, false);
	if (!p.errors && !strcmp(once, twice))
		return;
	problems_print(&p, PROBLEM_ERROR, stderr);
	fprintf(stderr, "--- once\n%s\n--- twice\n%s\n", once, twice);
	abort();
}

void memory_load(const struct memory *m)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(manifest) struct manifest manifest = { 0 };
	struct problems p = { .arena = &arena };

	memory_read(m, &p, &manifest);
	print(&p);
	if (!p.errors && manifest.n_apps)
		load_again(&manifest);
	(void)manifest_refuse(&p);
}
