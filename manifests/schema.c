#include "manifests/schema.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/text.h"
#include "manifests/recipe.h"
#include "manifests/scalar.h"
#include "manifests/tree.h"

#define KEYS_MAX 64
#define NAME_MAX_ 63 /* a label of a host name: RFC 1035, 2.3.4 */

const char *node_label(struct problems *p, const struct node *n)
{
	if (n->key)
		return arena_printf(p->arena, "\"%s\"", n->key);
	return n->at.line == 1 && n->at.column == 1 ? "the file" : "this item";
}

struct place node_place(const struct node *n)
{
	return n->key_at.file ? n->key_at : n->at;
}

const char *hint_nearest(struct problems *p, const char *word, const char *const *words, size_t n)
{
	const char *nearest = text_nearest(word, words, n);

	return nearest ? arena_printf(p->arena, "did you mean \"%s\"?", nearest) : NULL;
}

struct problem *wrong_type(struct problems *p, const struct node *n, const char *what)
{
	struct place at = n->kind == NODE_SCALAR && *n->text ? n->at : node_place(n);

	return problem_add(p, PROBLEM_ERROR, "E0201", at, "%s must be %s, not %s", node_label(p, n),
			   what, node_kind_name(n));
}

struct problem *wrong_value(struct problems *p, const struct node *n, const char *fmt, ...)
{
	AUTO(free) char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	va_end(ap);
	return problem_add(p, PROBLEM_ERROR, "E0206", n->at, "%s", text);
}

const char *read_text(struct problems *p, const struct node *n)
{
	struct problem *problem;

	if (node_is_text(n))
		return n->text;
	problem = wrong_type(p, n, "a text");
	if (n->kind == NODE_SCALAR && *n->text)
		problem->hint = arena_printf(p->arena, "quote it: \"%s\"", n->text);
	return NULL;
}

const char *read_raw(struct problems *p, const struct node *n)
{
	if (n->kind == NODE_SCALAR && !node_is_null(n))
		return n->text;
	(void)wrong_type(p, n, "a text");
	return NULL;
}

int read_choice(struct problems *p, const struct node *n, const char *const *choices)
{
	AUTO(text) struct text all = { 0 };
	const char *given = read_raw(p, n);
	size_t count = 0;

	if (!given)
		return -1;
	for (; choices[count]; count++) {
		if (!strcmp(choices[count], given))
			return (int)count;
		text_printf(&all, "%s%s", count ? ", " : "", choices[count]);
	}
	wrong_value(p, n, "%s must be one of: %s", node_label(p, n), text_get(&all))->hint =
		hint_nearest(p, given, choices, count);
	return -1;
}

bool read_flag(struct problems *p, const struct node *n, bool *out)
{
	if (node_flag(n, out))
		return true;
	(void)wrong_type(p, n, "true or false");
	return false;
}

static void out_of_range(struct problems *p, const struct node *n, int64_t min, int64_t max)
{
	(void)wrong_value(p, n, "%s must be from %lld to %lld", node_label(p, n), (long long)min,
			  (long long)max);
}

bool read_number(struct problems *p, const struct node *n, int64_t min, int64_t max, int64_t *out)
{
	int64_t number;

	if (!node_number(n, &number)) {
		double real;

		if (node_real(n, &real))
			(void)wrong_value(p, n, "%s must be a whole number", node_label(p, n));
		else if (n->kind == NODE_SCALAR && n->plain && *n->text &&
			 strspn(n->text, "0123456789") == strlen(n->text))
			out_of_range(p, n, min, max);
		else
			(void)wrong_type(p, n, "a number");
		return false;
	}
	if (number < min || number > max) {
		out_of_range(p, n, min, max);
		return false;
	}
	*out = number;
	return true;
}

static bool read_strings(struct problems *p, const struct node *n, struct strings *out)
{
	const char **items = arena_array(p->arena, n->n + 1, sizeof(*items));
	size_t count = 0;

	for (const struct node *m = list_members(p, n); m; m = m->next) {
		const char *text = read_text(p, m);

		if (text)
			items[count++] = text;
	}
	*out = (struct strings){ items, count };
	return true;
}

bool check_name(struct problems *p, const char *name, const char *what, struct place at)
{
	size_t len = strlen(name);
	size_t good = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_");

	if (good == len && len && len <= NAME_MAX_ && *name != '-' && *name != '_')
		return true;
	problem_add(p, PROBLEM_ERROR, "E0207", at, "\"%s\" can't be the name of %s", name, what)
		->hint = len > NAME_MAX_ ? "at most 63 characters"
					 : "lower-case letters, digits, \"-\" and \"_\", starting "
					   "with a letter or digit";
	return false;
}

static void unknown_key(struct problems *p, const struct node *n, const struct field *fields,
			size_t count)
{
	const char *keys[KEYS_MAX];
	size_t k = 0;

	for (size_t i = 0; i < count && k < KEYS_MAX; i++)
		keys[k++] = fields[i].key;
	problem_add(p, PROBLEM_ERROR, "E0203", n->key_at, "unknown key \"%s\"", n->key)->hint =
		hint_nearest(p, n->key, keys, k);
}

static void read_field(struct problems *p, const struct node *n, const struct field *f, void *out)
{
	void *to = (char *)out + f->offset;
	int64_t number;
	int choice;

	switch (f->kind) {
	case FIELD_TEXT:
		*(const char **)to = read_text(p, n);
		break;
	case FIELD_RAW:
		*(const char **)to = read_raw(p, n);
		break;
	case FIELD_NUMBER:
		if (read_number(p, n, f->min, f->max, &number))
			*(uint32_t *)to = (uint32_t)number;
		break;
	case FIELD_FLAG:
		(void)read_flag(p, n, to);
		break;
	case FIELD_STRINGS:
		(void)read_strings(p, n, to);
		break;
	case FIELD_CHOICE:
		choice = read_choice(p, n, f->choices);
		if (choice >= 0)
			*(const char **)to = f->choices[choice];
		break;
	case FIELD_CALL:
		f->call(p, n, out);
		break;
	}
}

bool fields_read(struct problems *p, const struct node *map, const struct field *fields, size_t n,
		 void *out)
{
	if (map->kind != NODE_MAP) {
		(void)wrong_type(p, map, "a map");
		return false;
	}
	for (const struct node *m = map->child; m; m = m->next) {
		size_t i = 0;

		while (i < n && strcmp(fields[i].key, m->key) != 0)
			i++;
		if (i == n)
			unknown_key(p, m, fields, n);
		else if (!node_is_null(m))
			read_field(p, m, &fields[i], out);
		else if (fields[i].required)
			(void)problem_add(p, PROBLEM_ERROR, "E0202", m->key_at, "\"%s\" is empty",
					  m->key);
	}
	for (size_t i = 0; i < n; i++)
		if (fields[i].required && !tree_get(map, fields[i].key))
			(void)problem_add(p, PROBLEM_ERROR, "E0202", node_place(map),
					  "\"%s\" is missing%s%s", fields[i].key,
					  map->key ? " in " : "",
					  map->key ? node_label(p, map) : "");
	return true;
}

const struct node *map_members(struct problems *p, const struct node *map)
{
	if (map->kind == NODE_MAP)
		return map->child;
	if (!node_is_null(map))
		(void)wrong_type(p, map, "a map");
	return NULL;
}

const struct node *list_members(struct problems *p, const struct node *list)
{
	if (list->kind == NODE_LIST)
		return list->child;
	if (!node_is_null(list))
		(void)wrong_type(p, list, "a list");
	return NULL;
}
