/* The table of types: what is known of images that may have no recipe here. */
#include "manifests/types.h"

#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "manifests/image.h"
#include "manifests/recipe.h"
#include "manifests/schema.h"
#include "manifests/tree.h"

struct known_text {
	struct image_description image; /* first: what image_read_*() fill */
	struct strings aliases, flavors;
	bool storage;
};

#define KNOWN(member) .offset = offsetof(struct known_text, member)

static const struct field fields[] = {
	{ "kind", FIELD_CALL, .required = true, .call = image_read_kind },
	{ "aliases", FIELD_STRINGS, KNOWN(aliases) },
	{ "endpoints", FIELD_CALL, .call = image_read_endpoints },
	{ "disk", FIELD_CALL, .call = image_read_disk },
	{ "storage", FIELD_FLAG, KNOWN(storage) },
	{ "flavors", FIELD_STRINGS, KNOWN(flavors) },
};

static void add(struct problems *p, struct catalog *c, const struct known_type *type)
{
	struct known_type *all;

	for (size_t i = 0; i < c->n_types; i++)
		if (!strcmp(c->types[i].name, type->name)) {
			c->types[i] = *type;
			return;
		}
	all = arena_array(p->arena, c->n_types + 1, sizeof(*all));
	if (c->n_types)
		memcpy(all, c->types, c->n_types * sizeof(*all));
	all[c->n_types++] = *type;
	c->types = all;
}

void types_read(struct problems *p, const struct node *map, struct catalog *c)
{
	for (const struct node *m = map_members(p, map); m; m = m->next) {
		struct known_text t = {
			.image = { .memory = 256ull << 20, .cpu_milli = 1000, .pids = 256 }
		};
		struct known_type type = { .name = m->key };

		(void)fields_read(p, m, fields, ARRAY_SIZE(fields), &t);
		if (t.image.data_minimum)
			t.image.data = "/mnt";
		type.aliases = t.aliases;
		type.flavors = t.flavors;
		type.storage = t.storage;
		type.image = t.image;
		add(p, c, &type);
	}
}

static bool is_called(const char *name, const char *type, size_t len)
{
	return strlen(name) == len && !strncmp(name, type, len);
}

const struct known_type *catalog_type(const struct catalog *c, const char *type)
{
	size_t len = strcspn(type, ":");

	for (size_t i = 0; c && i < c->n_types; i++) {
		const struct known_type *t = &c->types[i];

		if (is_called(t->name, type, len))
			return t;
		for (size_t k = 0; k < t->aliases.n; k++)
			if (is_called(t->aliases.items[k], type, len))
				return t;
	}
	return NULL;
}

const struct image_description *catalog_image(const struct catalog *c, const char *type)
{
	const struct recipe *recipe = catalog_find(c, type);
	const struct known_type *known = catalog_type(c, type);

	if (recipe)
		return &recipe->image;
	return known ? &known->image : NULL;
}
