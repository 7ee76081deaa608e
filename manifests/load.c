#include <fcntl.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "manifests/parts.h"
#include "manifests/scalar.h"
#include "manifests/schema.h"
#include "manifests/tree.h"

/* The first of the two names that is there; both is a problem. *out is NULL when none is, or it isn't YAML. */
static int read_either(struct problems *p, const char *folder, const char *const names[2],
		       bool *found, struct node **out, struct error *err)
{
	*found = false;
	*out = NULL;
	for (size_t i = 0; i < 2; i++) {
		const char *path = arena_printf(p->arena, "%s/%s", folder, names[i]);
		char *text;
		size_t size;
		int r;

		if (*found && file_exists(path)) {
			problem_add(p, PROBLEM_ERROR, "E0107", (struct place){ .file = names[i] },
				    "there is %s, too: keep one of them", names[0]);
			continue;
		}
		r = file_read(p->arena, AT_FDCWD, path, TREE_MAX_BYTES + 1, &text, &size, err);
		if (r < 0)
			return -1;
		if (r == FILE_ABSENT)
			continue;
		*found = true;
		*out = tree_parse(p, names[i], text, size);
	}
	return 0;
}

/* Files of the format that nothing is done with yet: said, so that nobody waits for it. */
static void tell_others(struct problems *p, const char *folder)
{
	static const struct {
		const char *file;
		enum severity severity;
	} others[] = {
		{ ".platform/applications.yaml", PROBLEM_ERROR },
		{ "routes.yaml", PROBLEM_WARNING },
		{ ".platform/routes.yaml", PROBLEM_WARNING },
		{ ".upsun/config.yaml", PROBLEM_WARNING },
	};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (file_exists(arena_printf(p->arena, "%s/%s", folder, others[i].file)))
			(void)problem_add(p, others[i].severity,
					  others[i].severity == PROBLEM_ERROR ? "E0204" : "W0204",
					  (struct place){ .file = others[i].file },
					  "this file is not supported yet, and not read");
}

int manifest_load(const char *folder, const struct catalog *types, struct problems *problems,
		  struct manifest *out, struct error *err)
{
	static const char *const app_names[] = { "app.yaml", ".platform.app.yaml" };
	static const char *const service_names[] = { "services.yaml", ".platform/services.yaml" };
	struct node *app, *services;
	bool has_app, has_services;
	struct manifest m = { 0 };

	if (read_either(problems, folder, app_names, &has_app, &app, err) < 0)
		return -1;
	if (!has_app)
		return fail(err, ERROR_ABSENT, "no app.yaml or .platform.app.yaml in %s", folder);
	if (read_either(problems, folder, service_names, &has_services, &services, err) < 0)
		return -1;
	tell_others(problems, folder);
	m.apps = arena_new(problems->arena, struct app);
	if (app) {
		m.n_apps = 1;
		app_read(problems, app, &m.apps[0]);
	}
	if (services)
		services_read(problems, services, &m);
	/* A file that can't be read makes everything that it defines look undefined. */
	if (app && (services || !has_services))
		manifest_check(problems, types, &m);
	for (size_t i = 0; i < m.n_apps; i++)
		document_make(&m.apps[i]);
	*out = m;
	return 0;
}

void manifest_clear(struct manifest *m)
{
	for (size_t i = 0; i < m->n_apps; i++)
		json_free(m->apps[i].document);
	for (size_t i = 0; i < m->n_services; i++)
		json_free(m->services[i].configuration);
	*m = (struct manifest){ 0 };
}

/* Mounts are known by their path without outer slashes. */
static const struct node *find_child(const struct node *map, const char *key)
{
	const struct node *n = tree_get(map, key);
	size_t len = strlen(key);

	if (n || !map || map->kind != NODE_MAP)
		return n;
	for (n = map->child; n; n = n->next) {
		const char *s = n->key + strspn(n->key, "/");

		if (!strncmp(s, key, len) && strspn(s + len, "/") == strlen(s + len))
			return n;
	}
	return NULL;
}

struct place manifest_place(const struct node *node, const char *const *path, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct node *child = find_child(node, path[i]);

		if (!child)
			break;
		node = child;
	}
	return node->kind == NODE_SCALAR && !node_is_null(node) ? node->at : node_place(node);
}
