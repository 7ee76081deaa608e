#include "manifests/recipe.h"

#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "manifests/image.h"
#include "manifests/scalar.h"
#include "manifests/schema.h"
#include "manifests/tree.h"

#define RECIPE(member) .offset = offsetof(struct recipe, member)

static const char *relative(const char *path)
{
	return path + strspn(path, "/");
}

static void read_mode(struct problems *p, const struct node *n, void *out)
{
	int64_t number;

	if (read_number(p, n, 0, 07777, &number))
		((struct recipe_file *)out)->mode = (uint32_t)number;
}

/* A text, or {text, mode}, or {link}. */
static void read_file(struct problems *p, const struct node *n, struct recipe_file *file)
{
	static const struct field fields[] = {
		{ "text", FIELD_TEXT, .offset = offsetof(struct recipe_file, text) },
		{ "link", FIELD_TEXT, .offset = offsetof(struct recipe_file, link) },
		{ "mode", FIELD_CALL, .call = read_mode },
	};

	*file = (struct recipe_file){ .path = relative(n->key), .mode = 0644 };
	if (!*file->path || strstr(n->key, ".."))
		(void)problem_add(p, PROBLEM_ERROR, "E0209", n->key_at,
				  "\"%s\" must be the path of a file in the image", n->key);
	if (n->kind == NODE_SCALAR) {
		file->text = node_is_null(n) ? "" : n->text;
		return;
	}
	(void)fields_read(p, n, fields, ARRAY_SIZE(fields), file);
	if (file->text && file->link)
		(void)problem_add(p, PROBLEM_ERROR, "E0402", n->key_at,
				  "\"%s\" is a text or a link, not both", n->key);
	if (!file->link && !file->text)
		file->text = "";
}

static void read_files(struct problems *p, const struct node *n, void *out)
{
	struct recipe *r = out;

	r->files = arena_array(p->arena, n->n + 1, sizeof(*r->files));
	for (const struct node *m = map_members(p, n); m; m = m->next)
		read_file(p, m, &r->files[r->n_files++]);
}

static void read_image(struct problems *p, const struct node *n, void *out)
{
	struct recipe *r = out;
	AUTO(json) struct json_t *value = node_json(n);

	image_read(p, n, &r->image);
	/* JSON is YAML, too. */
	r->image_text = json_print(p->arena, value, FORM_PRETTY);
}

static const struct field fields[] = {
	{ "type", FIELD_RAW, .required = true, RECIPE(type) },
	{ "aliases", FIELD_STRINGS, RECIPE(aliases) },
	{ "suite", FIELD_TEXT, .required = true, RECIPE(suite) },
	{ "packages", FIELD_STRINGS, RECIPE(packages) },
	{ "folders", FIELD_STRINGS, RECIPE(folders) },
	{ "remove", FIELD_STRINGS, RECIPE(remove) },
	{ "files", FIELD_CALL, .call = read_files },
	{ "image", FIELD_CALL, .required = true, .call = read_image },
};

static void make_relative(struct strings *list)
{
	for (size_t i = 0; i < list->n; i++)
		list->items[i] = relative(list->items[i]);
}

void recipe_read(struct problems *problems, const struct node *root, const char *file,
		 struct recipe *out)
{
	struct recipe r = { .file = file };
	static const char *none[] = { NULL };

	r.aliases.items = r.packages.items = r.folders.items = r.remove.items = none;
	if (root)
		(void)fields_read(problems, root, fields, ARRAY_SIZE(fields), &r);
	make_relative(&r.folders);
	make_relative(&r.remove);
	*out = r;
}

int recipe_load(struct problems *problems, const char *file, const char *text, size_t size,
		const char *const *folders, struct recipe *out, struct error *err)
{
	struct node *root = tree_parse(problems, file, text, size);

	(void)err;
	if (root)
		root = recipe_include(problems, file, root, folders, 0);
	recipe_read(problems, root, file, out);
	return 0;
}

int recipe_parse(struct problems *problems, const char *file, const char *text, size_t size,
		 struct recipe *out, struct error *err)
{
	return recipe_load(problems, file, text, size, NULL, out, err);
}

int image_description_parse(struct problems *problems, const char *file, const char *text,
			    size_t size, struct image_description *out, struct error *err)
{
	struct node *root = tree_parse(problems, file, text, size);

	(void)err;
	*out = (struct image_description){ 0 };
	if (root)
		image_read(problems, root, out);
	return 0;
}
