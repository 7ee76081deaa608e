/* Trees that are read from a file or made of others: looking things up, and building. */
#include <stdarg.h>
#include <string.h>

#include "base/arena.h"
#include "manifests/scalar.h"
#include "manifests/tree.h"

static struct node *find(const struct node *map, const char *key)
{
	for (struct node *m = map->child; m; m = m->next)
		if (!strcmp(m->key, key))
			return m;
	return NULL;
}

const struct node *tree_get(const struct node *map, const char *key)
{
	return map && map->kind == NODE_MAP ? find(map, key) : NULL;
}

const struct node *tree_path(const struct node *map, ...)
{
	va_list ap;
	const char *key;

	va_start(ap, map);
	while (map && (key = va_arg(ap, const char *)) != NULL)
		map = tree_get(map, key);
	va_end(ap);
	return map;
}

const char *tree_text(const struct node *map, const char *key, const char *otherwise)
{
	const struct node *n = tree_get(map, key);

	return n && n->kind == NODE_SCALAR && !node_is_null(n) ? n->text : otherwise;
}

struct node *node_new(struct arena *arena, enum node_kind kind, const struct node *from)
{
	struct node *n = arena_new(arena, struct node);

	*n = (struct node){ .kind = kind, .weight = 1 };
	if (!from)
		return n;
	n->key = from->key;
	n->key_at = from->key_at;
	n->at = from->at;
	return n;
}

struct node *node_scalar(struct arena *arena, const char *text, bool plain, const struct node *from)
{
	struct node *n = node_new(arena, NODE_SCALAR, from);

	n->text = text ? text : "null";
	n->plain = plain || !text;
	return n;
}

struct node *node_as(struct arena *arena, const struct node *n, const char *key)
{
	struct node *copy = arena_new(arena, struct node);

	*copy = *n;
	copy->key = key;
	copy->next = NULL;
	copy->merged = false;
	return copy;
}

void node_append(struct node *parent, struct node *member)
{
	if (parent->last)
		parent->last->next = member;
	else
		parent->child = member;
	parent->last = member;
	parent->n++;
	parent->weight += member->weight;
	if (member->height >= parent->height)
		parent->height = member->height + 1;
}

static void drop(struct node *map, struct node *member)
{
	struct node *before = NULL;

	for (struct node *m = map->child; m != member; m = m->next)
		before = m;
	if (before)
		before->next = member->next;
	else
		map->child = member->next;
	if (map->last == member)
		map->last = before;
	map->n--;
}

void node_set(struct node *map, struct node *member)
{
	struct node *twin = find(map, member->key);

	if (twin)
		drop(map, twin);
	node_append(map, member);
}

static void merge_map(struct arena *arena, struct node *map, const struct node *value)
{
	for (const struct node *m = value->child; m; m = m->next) {
		struct node *copy;

		if (find(map, m->key))
			continue;
		copy = node_as(arena, m, m->key);
		copy->merged = true;
		node_append(map, copy);
	}
}

bool node_merge(struct arena *arena, struct node *map, const struct node *value)
{
	if (value->kind == NODE_MAP) {
		merge_map(arena, map, value);
		return true;
	}
	if (value->kind != NODE_LIST)
		return false;
	for (const struct node *m = value->child; m; m = m->next) {
		if (m->kind != NODE_MAP)
			return false;
		merge_map(arena, map, m);
	}
	return true;
}
