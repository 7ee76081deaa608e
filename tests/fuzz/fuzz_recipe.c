/* Any bytes as a recipe, and as a table of types: problems, never a crash or a leak. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "manifests/problem.h"
#include "manifests/recipe.h"
#include "manifests/tree.h"
#include "manifests/types.h"
#include "tests/fuzz/project.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *list = NULL;
	struct problems problems = { .arena = &arena };
	struct catalog catalog = { 0 };
	struct recipe recipe;
	struct error err;
	const char *text = (const char *)data;
	const struct node *root = tree_parse(&problems, "types.yaml", text, size);

	if (root)
		types_read(&problems, root, &catalog);
	(void)catalog_type(&catalog, "php:8.2");
	(void)recipe_parse(&problems, "recipe.yaml", text, size, &recipe, &err);
	list = problems_json(&problems);
	if (json_kind_of(list) != KIND_LIST)
		abort();
	return 0;
}
