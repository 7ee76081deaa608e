#include "manifests/format.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/text.h"
#include "manifests/scalar.h"
#include "manifests/schema.h"
#include "manifests/tree.h"

#define KEYS_MAX 64
#define KEYS_SHOWN 6

static void unknown_key(struct problems *p, const struct node *n, const struct key *keys)
{
	AUTO(text) struct text all = { 0 };
	const char *names[KEYS_MAX];
	struct problem *problem;
	size_t k = 0;

	for (const struct key *key = keys; key->kind != KEY_END && k < KEYS_MAX; key++)
		if (!(key->flags & KEY_OLD))
			names[k++] = key->name;
	problem = problem_add(p, p->lenient ? PROBLEM_WARNING : PROBLEM_ERROR,
			      p->lenient ? "W0203" : "E0203", n->key_at, "unknown key \"%s\"",
			      n->key);
	problem->hint = hint_nearest(p, n->key, names, k);
	if (problem->hint || k > KEYS_SHOWN)
		return;
	for (size_t i = 0; i < k; i++)
		text_printf(&all, "%s%s", i ? ", " : "there is ", names[i]);
	problem->hint = arena_strdup(p->arena, text_get(&all));
}

static struct node *read_list(struct problems *p, const struct key *key, const struct node *n)
{
	struct node *out = node_new(p->arena, NODE_LIST, n);

	if (n->kind != NODE_LIST) {
		(void)wrong_type(p, n, "a list");
		return NULL;
	}
	for (const struct node *m = n->child; m; m = m->next) {
		struct node *item = format_read(p, key->item, m);

		if (item)
			node_append(out, node_as(p->arena, item, NULL));
	}
	return out;
}

static struct node *read_names(struct problems *p, const struct key *key, const struct node *n)
{
	struct node *out = node_new(p->arena, NODE_MAP, n);

	if (n->kind != NODE_MAP && !((key->flags & KEY_EMPTY) && node_is_null(n))) {
		(void)wrong_type(p, n, "a map");
		return NULL;
	}
	for (const struct node *m = n->child; m; m = m->next) {
		const char *name = key->name_of ? key->name_of(p, m) : m->key;
		struct node *item = format_read(p, key->item, m);

		if (name && item)
			node_append(out, node_as(p->arena, item, name));
	}
	return out;
}

static bool is_list_default(const char *text)
{
	return *text == '[';
}

/* "[a, b]" */
static struct node *list_default(struct problems *p, const char *text)
{
	struct node *list = node_new(p->arena, NODE_LIST, NULL);

	for (text++; *text && *text != ']'; text += strspn(text, ", ")) {
		size_t len = strcspn(text, ",]");

		node_append(list,
			    node_scalar(p->arena, arena_strndup(p->arena, text, len), false, NULL));
		text += len;
	}
	return list;
}

static struct node *make_default(struct problems *p, const struct key *key)
{
	struct node *n;

	if (!key->otherwise)
		return NULL;
	if (is_list_default(key->otherwise))
		n = list_default(p, key->otherwise);
	else if (strcmp(key->otherwise, "{}") != 0)
		n = node_scalar(p->arena, key->otherwise, true, NULL);
	else
		n = node_new(p->arena, NODE_MAP, NULL);
	n->key = key->name;
	return key->kind == KEY_MAP && n->kind == NODE_MAP ? format_read(p, key, n) : n;
}

/* In a default, which is written nowhere, nothing is missing. */
static void missing(struct problems *p, const struct node *map, const char *key)
{
	const struct node *n = tree_get(map, key);

	if (!map->at.file)
		return;
	if (n)
		(void)problem_add(p, PROBLEM_ERROR, "E0202", n->key_at, "\"%s\" is empty", key);
	else
		(void)problem_add(p, PROBLEM_ERROR, "E0202", node_place(map),
				  "\"%s\" is missing%s%s", key, map->key ? " in " : "",
				  map->key ? node_label(p, map) : "");
}

static void check_either(struct problems *p, const struct key *key, const struct node *map)
{
	const char *word = key->either, *first;

	if (!word)
		return;
	first = arena_strndup(p->arena, word, strcspn(word, " "));
	for (; *word; word += strspn(word, " ")) {
		size_t len = strcspn(word, " ");
		const struct node *n = tree_get(map, arena_strndup(p->arena, word, len));

		if (n && !node_is_null(n))
			return;
		word += len;
	}
	missing(p, map, first);
}

static struct node *read_member(struct problems *p, const struct key *key, const struct node *map)
{
	const struct node *m = tree_get(map, key->name);
	struct node *out;

	if (m && !node_is_null(m)) {
		if (key->flags & KEY_IDLE)
			(void)problem_add(p, PROBLEM_NOTE, "N0205", m->key_at,
					  "\"%s\" is accepted, and means nothing here", key->name);
		out = format_read(p, key, m);
		if (out)
			return out;
		/* Its place stays, for whoever asks whether it was given. */
		out = make_default(p, key);
		if (out)
			out->at = m->at;
		return out;
	}
	if (key->flags & KEY_REQUIRED) {
		missing(p, map, key->name);
	}
	return make_default(p, key);
}

static bool is_key(const struct key *keys, const char *name)
{
	for (; keys->kind != KEY_END; keys++)
		if (!strcmp(keys->name, name))
			return true;
	return false;
}

static struct node *read_map(struct problems *p, const struct key *key, const struct node *n)
{
	struct node *out = node_new(p->arena, NODE_MAP, n);

	if (n->kind != NODE_MAP && !((key->flags & KEY_EMPTY) && node_is_null(n))) {
		(void)wrong_type(p, n, "a map");
		return NULL;
	}
	for (const struct node *m = n->child; m; m = m->next)
		if (!is_key(key->keys, m->key))
			unknown_key(p, m, key->keys);
	check_either(p, key, n);
	for (const struct key *k = key->keys; k->kind != KEY_END; k++) {
		struct node *member = k->flags & KEY_OLD ? NULL : read_member(p, k, n);

		if (member)
			node_append(out, member);
	}
	return out;
}

static struct node *read_variant(struct problems *p, const struct key *key, const struct node *n)
{
	const struct node *type = tree_get(n, "type");
	const char *names[KEYS_MAX] = { NULL };
	size_t count = 0;
	int choice;

	if (n->kind != NODE_MAP) {
		(void)wrong_type(p, n, "a map");
		return NULL;
	}
	if (!type) {
		missing(p, n, "type");
		return NULL;
	}
	for (const struct key *k = key->keys; k->kind != KEY_END; k++)
		names[count++] = k->name;
	choice = read_choice(p, type, names);
	return choice < 0 ? NULL : format_read(p, &key->keys[choice], n);
}

static struct node *read_scalar(struct problems *p, const struct key *key, const struct node *n)
{
	const char *text = NULL;
	int64_t number;
	bool flag;
	int choice;

	switch (key->kind) {
	case KEY_TEXT:
		text = read_text(p, n);
		break;
	case KEY_RAW:
		text = read_raw(p, n);
		break;
	case KEY_CHOICE:
		choice = read_choice(p, n, key->choices);
		text = choice < 0 ? NULL : key->choices[choice];
		break;
	case KEY_NUMBER:
		if (!read_number(p, n, key->min, key->max, &number))
			return NULL;
		return node_scalar(p->arena, arena_printf(p->arena, "%lld", (long long)number),
				   true, n);
	case KEY_FLAG:
		if (!read_flag(p, n, &flag))
			return NULL;
		return node_scalar(p->arena, flag ? "true" : "false", true, n);
	case KEY_END:
	case KEY_ANY:
	case KEY_OWN:
	case KEY_MAP:
	case KEY_NAMES:
	case KEY_LIST:
	case KEY_VARIANT:
		break;
	}
	return text ? node_scalar(p->arena, text, false, n) : NULL;
}

static struct node *read_kind(struct problems *p, const struct key *key, const struct node *n)
{
	switch (key->kind) {
	case KEY_TEXT:
	case KEY_RAW:
	case KEY_NUMBER:
	case KEY_FLAG:
	case KEY_CHOICE:
		return read_scalar(p, key, n);
	case KEY_ANY:
	case KEY_OWN:
		return node_as(p->arena, n, n->key);
	case KEY_MAP:
		return read_map(p, key, n);
	case KEY_NAMES:
		return read_names(p, key, n);
	case KEY_LIST:
		return read_list(p, key, n);
	case KEY_VARIANT:
		return read_variant(p, key, n);
	case KEY_END:
		break;
	}
	abort();
}

struct node *format_read(struct problems *p, const struct key *key, const struct node *n)
{
	const struct node *fixed = key->fix ? key->fix(p, n) : n;
	struct node *out = fixed ? read_kind(p, key, fixed) : NULL;

	return out && key->check ? key->check(p, fixed, out) : out;
}
