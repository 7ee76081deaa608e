/*
 * What is read and checked, and not done yet when it runs: deploy refuses it. Whoever makes it work removes its row.
 * A '*' is any one key. values: only these.
 */
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "manifests/parts.h"
#include "manifests/scalar.h"
#include "manifests/schema.h"
#include "manifests/tree.h"

struct later {
	const char *path;
	const char *fact;
	const char *hint;
	const char *const *values;
};

static const char *const flag_set[] = { "true", NULL };

static const struct later of_apps[] = {
	{ "stack", "composable images are not supported", "give the app a type" },
	{ "move_to_root", "not done", "write web.locations", flag_set },
	{ "web.move_to_root", "not done", "write web.locations", flag_set },
};

static const struct later of_routes[] = {
	{ "tls.client_authentication", "there is no TLS" },
};

static bool is_one_of(const char *const *list, const char *text)
{
	for (; *list; list++)
		if (!strcmp(*list, text))
			return true;
	return false;
}

static bool concerns(const struct later *row, const struct node *n)
{
	if (!n->at.file || node_is_null(n) || (n->kind != NODE_SCALAR && !n->n))
		return false;
	if (n->kind != NODE_SCALAR)
		return true;
	return !row->values || is_one_of(row->values, n->text);
}

static void tell(struct problems *p, const struct later *row, const struct node *n)
{
	bool value = row->values;

	problem_add(p, PROBLEM_NOTE, "N0204", value ? n->at : node_place(n), "%s%s%s: %s",
		    row->path, value ? ": " : "", value ? n->text : "", row->fact)
		->hint = row->hint;
}

static void look(struct problems *p, const struct later *row, const char *path,
		 const struct node *n)
{
	size_t len = strcspn(path, ".");

	if (!*path) {
		if (concerns(row, n))
			tell(p, row, n);
		return;
	}
	for (const struct node *m = n->kind == NODE_MAP ? n->child : NULL; m; m = m->next)
		if (!strncmp(path, "*", len) ||
		    (strlen(m->key) == len && !strncmp(m->key, path, len)))
			look(p, row, path + len + (path[len] == '.'), m);
}

void later_note(struct problems *p, const struct manifest *m)
{
	for (size_t i = 0; i < m->n_apps; i++)
		for (size_t k = 0; m->apps[i].node && k < ARRAY_SIZE(of_apps); k++)
			look(p, &of_apps[k], of_apps[k].path, m->apps[i].node);
	for (size_t i = 0; i < m->n_routes; i++)
		for (size_t k = 0; k < ARRAY_SIZE(of_routes); k++)
			look(p, &of_routes[k], of_routes[k].path, m->routes[i].node);
}
