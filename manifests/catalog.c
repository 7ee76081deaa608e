#include <fcntl.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "manifests/image.h"
#include "manifests/recipe.h"
#include "manifests/tree.h"
#include "manifests/types.h"

struct list {
	struct recipe *items;
	size_t n, room;
};

static void add(struct problems *problems, struct list *list, const struct recipe *recipe)
{
	for (size_t i = 0; i < list->n; i++)
		if (!strcmp(list->items[i].type, recipe->type)) {
			list->items[i] = *recipe;
			return;
		}
	*arena_push(problems->arena, list) = *recipe;
}

static int load_file(struct problems *problems, const char *path, const char *const *folders,
		     struct list *list, struct catalog *out, struct error *err)
{
	size_t size, errors = problems->errors;
	struct recipe recipe;
	const struct node *types;
	struct node *root;
	char *text;
	int r = file_read(problems->arena, AT_FDCWD, path, TREE_MAX_BYTES + 1, &text, &size, err);

	if (r != 0)
		return r < 0 ? -1 : 0;
	root = tree_parse(problems, path, text, size);
	types = tree_get(root, "types");
	if (types) {
		types_read(problems, types, out);
		return 0;
	}
	root = root ? recipe_include(problems, path, root, folders, 0) : NULL;
	recipe_read(problems, root, path, &recipe);
	/* One with errors must not be built from; who asks for it learns why from the problems. */
	if (problems->errors == errors)
		add(problems, list, &recipe);
	return 0;
}

int catalog_load(const char *const *folders, struct problems *problems, struct catalog *out,
		 struct error *err)
{
	const char *const *first = folders;
	struct catalog all = { 0 };
	struct list list = { 0 };

	for (; *folders; folders++) {
		const char **names;
		size_t n;
		int r = file_list(problems->arena, *folders, &names, &n, err);

		if (r < 0)
			return -1;
		for (size_t i = 0; r == 0 && i < n; i++)
			if (text_ends(names[i], ".yaml") &&
			    load_file(problems,
				      arena_printf(problems->arena, "%s/%s", *folders, names[i]),
				      first, &list, &all, err) < 0)
				return -1;
	}
	all.recipes = list.items;
	all.n = list.n;
	*out = all;
	return 0;
}

const struct recipe *catalog_find(const struct catalog *c, const char *type)
{
	for (size_t i = 0; c && i < c->n; i++)
		if (!strcmp(c->recipes[i].type, type))
			return &c->recipes[i];
	for (size_t i = 0; c && i < c->n; i++)
		for (size_t k = 0; k < c->recipes[i].aliases.n; k++)
			if (!strcmp(c->recipes[i].aliases.items[k], type))
				return &c->recipes[i];
	return NULL;
}
