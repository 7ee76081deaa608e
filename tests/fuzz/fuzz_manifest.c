/* Any bytes as a recipe, as an app.yaml and as a services.yaml: problems, never a crash or a leak. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "manifests/manifest.h"
#include "manifests/parts.h"
#include "manifests/recipe.h"
#include "manifests/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void print(const struct problems *problems)
{
	AUTO(json) struct json_t *list = problems_json(problems);
	AUTO(file) FILE *f = fopen("/dev/null", "we");

	if (f && json_count(list))
		problems_print(problems, true, f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const path[] = { "web", "locations", "/", "root" };
	AUTO(arena) struct arena arena = { 0 };
	AUTO(manifest) struct manifest m = { 0 };
	struct problems problems = { .arena = &arena };
	struct catalog catalog = { 0 };
	struct recipe recipe;
	struct error err;
	char *text = arena_alloc(&arena, size + 1);
	struct node *app, *services;

	if (size)
		memcpy(text, data, size);
	if (recipe_parse(&problems, "recipe.yaml", text, size, &recipe, &err) == 0 &&
	    !problems.errors)
		catalog = (struct catalog){ &recipe, 1 };
	app = tree_parse(&problems, "app.yaml", text, size);
	services = tree_parse(&problems, "services.yaml", text, size);
	m.apps = arena_new(&arena, struct app);
	if (app && services) {
		m.n_apps = 1;
		app_read(&problems, app, &m.apps[0]);
		services_read(&problems, services, &m);
		manifest_check(&problems, &catalog, &m);
		document_make(&m.apps[0]);
		(void)manifest_place(app, path, ARRAY_SIZE(path));
	}
	print(&problems);
	return 0;
}
