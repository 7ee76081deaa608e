/* `include`: what recipes have in common is written once, in parts. */
#include <fcntl.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/file.h"
#include "manifests/image.h"
#include "manifests/schema.h"
#include "manifests/tree.h"

#define MAX_DEPTH 8

static struct node *copy(struct problems *p, const struct node *n)
{
	struct node *c = arena_new(p->arena, struct node);

	*c = *n;
	c->next = NULL;
	return c;
}

struct members {
	struct node *map, **end;
};

static void append(struct members *m, struct node *n)
{
	*m->end = n;
	m->end = &n->next;
	m->map->n++;
}

/* Maps are joined, key by key; so are the recipe's own lists; of anything else the one above stays. */
static struct node *merge(struct problems *p, const struct node *below, const struct node *above,
			  unsigned level)
{
	struct node *out = copy(p, above);
	struct members members = { .map = out, .end = &out->child };
	bool lists = below->kind == NODE_LIST && above->kind == NODE_LIST && level == 1;

	if (!lists && (below->kind != NODE_MAP || above->kind != NODE_MAP))
		return out;
	out->child = NULL;
	out->n = 0;
	for (const struct node *m = below->child; m; m = m->next) {
		const struct node *same = lists ? NULL : tree_get(above, m->key);

		append(&members, same ? merge(p, m, same, level + 1) : copy(p, m));
	}
	for (const struct node *m = above->child; m; m = m->next)
		if (lists || !tree_get(below, m->key))
			append(&members, copy(p, m));
	return out;
}

static int try_file(struct problems *p, const char *file, const char *path, char **text,
		    size_t *size, struct error *err)
{
	if (!strcmp(file, path))
		return FILE_ABSENT;
	return file_read(p->arena, AT_FDCWD, path, TREE_MAX_BYTES + 1, text, size, err);
}

/*
 * Beside the file that includes it, else in a folder of the catalogue: the last one first. Never the file itself, so that
 * a recipe can be made from the one of the same name that it replaces.
 */
static int find(struct problems *p, const char *file, const char *name, const char *const *folders,
		const char **path, char **text, size_t *size, struct error *err)
{
	const char *slash = strrchr(file, '/');
	size_t n = 0;
	int r;

	*path = arena_printf(p->arena, "%.*s%s", slash ? (int)(slash + 1 - file) : 0, file, name);
	r = try_file(p, file, *path, text, size, err);
	while (folders && folders[n])
		n++;
	while (r == FILE_ABSENT && n) {
		*path = arena_printf(p->arena, "%s/%s", folders[--n], name);
		r = try_file(p, file, *path, text, size, err);
	}
	return r;
}

/* Many recipes have the same parts, which are the most of them: each is parsed once. */
struct part {
	const char *path;
	struct node *root;
	struct part *next;
};

static struct node *parse(struct problems *p, const char *path, const char *text, size_t size)
{
	struct part *part = p->parts;
	size_t errors = p->errors;
	struct node *root;

	while (part && strcmp(part->path, path) != 0)
		part = part->next;
	if (part)
		return part->root;
	root = tree_parse(p, path, text, size);
	if (!root || p->errors != errors) /* of each recipe that has it */
		return root;
	part = arena_new(p->arena, struct part);
	*part = (struct part){ path, root, p->parts };
	p->parts = part;
	return root;
}

static struct node *load(struct problems *p, const char *file, const struct node *item,
			 const char *const *folders, unsigned depth)
{
	const char *name = read_text(p, item), *path;
	struct error err = { 0 };
	struct node *root;
	size_t size;
	char *text;
	int r;

	if (!name)
		return NULL;
	if (*name == '/' || strstr(name, "..") || depth == MAX_DEPTH) {
		(void)problem_add(p, PROBLEM_ERROR, "E0403", item->at,
				  depth == MAX_DEPTH ? "\"%s\" is included too deeply"
						     : "\"%s\" must be below the catalogue",
				  name);
		return NULL;
	}
	r = find(p, file, name, folders, &path, &text, &size, &err);
	if (r != 0) {
		(void)problem_add(p, PROBLEM_ERROR, "E0403", item->at, "no file \"%s\": %s", name,
				  r < 0 ? err.text : "neither here nor in the catalogue's folders");
		return NULL;
	}
	root = parse(p, path, text, size);
	return root ? recipe_include(p, path, root, folders, depth + 1) : NULL;
}

struct node *recipe_include(struct problems *p, const char *file, struct node *root,
			    const char *const *folders, unsigned depth)
{
	const struct node *list = tree_get(root, "include");
	struct node *own = copy(p, root), *out = NULL;
	struct members members = { .map = own, .end = &own->child };

	if (!list)
		return root;
	own->child = NULL;
	own->n = 0;
	for (const struct node *m = root->child; m; m = m->next)
		if (m != list)
			append(&members, copy(p, m));
	for (const struct node *m = list_members(p, list); m; m = m->next) {
		struct node *part = load(p, file, m, folders, depth);

		if (part)
			out = out ? merge(p, out, part, 0) : part;
	}
	return out ? merge(p, out, own, 0) : own;
}
