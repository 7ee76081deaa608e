/* The tables of format.h as JSON Schema, draft 2020-12: what an editor can check while one types. */
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/json.h"
#include "manifests/format.h"

static struct json_t *make(const struct key *key);

static const char *type_of(enum key_kind kind)
{
	switch (kind) {
	case KEY_TEXT:
	case KEY_RAW:
	case KEY_CHOICE:
		return "string";
	case KEY_NUMBER:
		return "integer";
	case KEY_FLAG:
		return "boolean";
	case KEY_MAP:
	case KEY_NAMES:
	case KEY_VARIANT:
		return "object";
	case KEY_LIST:
		return "array";
	case KEY_END:
	case KEY_ANY:
	case KEY_OWN:
		break;
	}
	return NULL;
}

/* Null is "not given", but where the key must be there. */
static void put_types(struct json_t *schema, const struct key *key)
{
	static const struct {
		unsigned flag;
		const char *type;
	} also[] = { { KEY_ALSO_TEXT, "string" },
		     { KEY_ALSO_NUMBER, "number" },
		     { KEY_ALSO_FLAG, "boolean" },
		     { KEY_ALSO_LIST, "array" },
		     { KEY_ALSO_MAP, "object" } };
	struct json_t *types;
	const char *own = type_of(key->kind);

	if (key->kind == KEY_ANY)
		return;
	types = json_put(schema, "type", json_new_list());
	if (own)
		json_add(types, json_new_text(own));
	if (key->kind == KEY_RAW) {
		json_add(types, json_new_text("number"));
		json_add(types, json_new_text("boolean"));
	}
	for (size_t i = 0; i < ARRAY_SIZE(also); i++)
		if (key->flags & also[i].flag)
			json_add(types, json_new_text(also[i].type));
	if ((key->name && !(key->flags & KEY_REQUIRED)) || (key->flags & KEY_EMPTY))
		json_add(types, json_new_text("null"));
}

static void put_map(struct json_t *schema, const struct key *key)
{
	struct json_t *properties = json_put(schema, "properties", json_new_map());
	struct json_t *required = NULL;

	for (const struct key *k = key->keys; k->kind != KEY_END; k++) {
		json_put(properties, k->name, make(k));
		if (!(k->flags & KEY_REQUIRED))
			continue;
		if (!required)
			required = json_put(schema, "required", json_new_list());
		json_add(required, json_new_text(k->name));
	}
	/* Keys that start with a dot are dropped, with a warning. */
	json_put(json_put(schema, "patternProperties", json_new_map()), "^\\.",
		 json_new_flag(true));
	json_put_flag(schema, "additionalProperties", false);
}

static void put_either(struct json_t *schema, const struct key *key)
{
	AUTO(arena) struct arena arena = { 0 };
	struct json_t *list;

	if (!key->either)
		return;
	list = json_put(schema, "anyOf", json_new_list());
	for (const char *word = key->either; *word; word += strspn(word, " ")) {
		size_t len = strcspn(word, " ");
		const char *name = arena_strndup(&arena, word, len);
		struct json_t *one = json_add(list, json_new_map());
		struct json_t *member;

		json_add(json_put(one, "required", json_new_list()), json_new_text(name));
		member =
			json_put(json_put(one, "properties", json_new_map()), name, json_new_map());
		json_put_text(json_put(member, "not", json_new_map()), "type", "null");
		word += len;
	}
}

static void put_names(struct json_t *schema, const struct key *key)
{
	struct json_t *patterns = json_put(schema, "patternProperties", json_new_map());

	json_put(patterns, "^\\.", json_new_flag(true));
	if (!key->name_pattern) {
		json_put(patterns, "^[^.]|^$", make(key->item));
		return;
	}
	json_put(patterns, key->name_pattern, make(key->item));
	json_put_flag(schema, "additionalProperties", false);
}

static void put_variants(struct json_t *schema, const struct key *key)
{
	struct json_t *list = json_put(schema, "oneOf", json_new_list());

	for (const struct key *k = key->keys; k->kind != KEY_END; k++) {
		struct json_t *one = json_add(list, make(k));
		struct json_t *type = json_put(json_get(one, "properties"), "type", json_new_map());

		json_put_text(type, "const", k->name);
	}
}

/* As it is written: a list is made of texts, a map has its members' defaults. */
static void put_default(struct json_t *schema, const struct key *key)
{
	const char *d = key->otherwise;
	int64_t number = 0;

	if (!d || *d == '[' || *d == '{' || !strcmp(d, "null"))
		return;
	for (const char *s = d; *s >= '0' && *s <= '9'; s++)
		number = number * 10 + (*s - '0');
	if (!strcmp(d, "true") || !strcmp(d, "false"))
		json_put_flag(schema, "default", *d == 't');
	else if (strspn(d, "0123456789") == strlen(d))
		json_put_number(schema, "default", number);
	else
		json_put_text(schema, "default", d);
}

static void put_choices(struct json_t *schema, const struct key *key)
{
	struct json_t *list = json_put(schema, "enum", json_new_list());

	for (size_t i = 0; key->choices[i]; i++)
		json_add(list, json_new_text(key->choices[i]));
	if (key->name && !(key->flags & KEY_REQUIRED))
		json_add(list, json_new_null());
}

static struct json_t *make(const struct key *key)
{
	struct json_t *schema = json_new_map();

	if (key->about)
		json_put_text(schema, "description", key->about);
	put_types(schema, key);
	put_default(schema, key);
	if (key->text_pattern)
		json_put_text(schema, "pattern", key->text_pattern);
	if (key->flags & KEY_OLD)
		json_put_flag(schema, "deprecated", true);
	if (key->kind == KEY_NUMBER) {
		json_put_number(schema, "minimum", key->min);
		json_put_number(schema, "maximum", key->max);
	} else if (key->kind == KEY_CHOICE && !(key->flags & KEY_ALSO_MAP)) {
		put_choices(schema, key);
	} else if (key->kind == KEY_MAP) {
		put_map(schema, key);
		put_either(schema, key);
	} else if (key->kind == KEY_NAMES) {
		put_names(schema, key);
	} else if (key->kind == KEY_LIST) {
		json_put(schema, "items", make(key->item));
	} else if (key->kind == KEY_VARIANT) {
		put_variants(schema, key);
	}
	return schema;
}

struct json_t *format_schema(const struct key *key, const char *title)
{
	struct json_t *schema = make(key);

	json_put_text(schema, "$schema", "https://json-schema.org/draft/2020-12/schema");
	json_put_text(schema, "title", title);
	return schema;
}

static void walk(const struct key *key, const char *prefix, struct arena *arena,
		 void (*fn)(void *ctx, const char *path, const struct key *key), void *ctx)
{
	if (key->item) {
		const char *path = arena_printf(arena, "%s%s*", prefix, *prefix ? "." : "");

		walk(key->item, key->kind == KEY_NAMES ? path : prefix, arena, fn, ctx);
	}
	for (const struct key *k = key->keys; k && k->kind != KEY_END; k++) {
		const char *path =
			arena_printf(arena, "%s%s%s", prefix, *prefix ? "." : "", k->name);

		if (key->kind == KEY_VARIANT) {
			walk(k, prefix, arena, fn, ctx);
			continue;
		}
		fn(ctx, path, k);
		walk(k, path, arena, fn, ctx);
	}
}

void format_each(const struct key *key,
		 void (*fn)(void *ctx, const char *path, const struct key *key), void *ctx)
{
	AUTO(arena) struct arena arena = { 0 };

	walk(key, "", &arena, fn, ctx);
}
