/* Relationships: targets, endpoints, circles. */
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/text.h"
#include "manifests/parts.h"
#include "manifests/recipe.h"
#include "manifests/schema.h"
#include "manifests/tree.h"

static void unknown_target(const struct check *c, const struct relationship *r)
{
	AUTO(text) struct text all = { 0 };
	const char **names = arena_array(c->problems->arena, c->n + 1, sizeof(*names));
	struct place at = { 0 };
	struct problem *problem;
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++) {
		if (!c->parts[i].name || c->parts[i].kind == PART_WORKER)
			continue;
		names[n++] = c->parts[i].name;
		if (c->parts[i].kind == PART_APP)
			continue;
		text_printf(&all, "%s\"%s\"", at.file ? ", " : "", c->parts[i].name);
		if (!at.file)
			at = c->parts[i].at;
	}
	problem = problem_add(c->problems, PROBLEM_ERROR, "E0310", r->at,
			      "service \"%s\" is not defined", r->service);
	problem->hint = hint_nearest(c->problems, r->service, names, n);
	if (!at.file && !problem->hint)
		problem->hint = "no service is defined: services.yaml is the place";
	if (!at.file)
		return;
	problem->note_at = at;
	problem->note =
		arena_printf(c->problems->arena, "services defined here: %s", text_get(&all));
}

/* The user's own replace the image's default one. */
size_t endpoint_names(const struct check *c, const struct part *target, const char ***out,
		      const char **standard)
{
	const struct image_description *image = target->image;
	const struct node *own = tree_get(target->configuration, "endpoints");
	size_t n_own = own && own->kind == NODE_MAP ? own->n : 0, n = 0;
	const char **names =
		arena_array(c->problems->arena, n_own + image->n_endpoints + 2, sizeof(*names));
	const char *usual = NULL;

	for (const struct node *m = n_own ? own->child : NULL; m && n < n_own; m = m->next)
		names[n++] = m->key;
	for (size_t i = 0; i < image->n_endpoints; i++) {
		bool is_default = image->endpoints[i].is_default || image->n_endpoints == 1;

		if (is_default)
			usual = image->endpoints[i].name;
		if (!is_default || !n_own)
			names[n++] = image->endpoints[i].name;
	}
	if (target->kind == PART_APP) {
		names[n++] = "http";
		usual = NULL;
	}
	*standard = NULL;
	for (size_t i = 0; usual && i < n; i++)
		if (!strcmp(names[i], usual))
			*standard = usual;
	*out = names;
	return n;
}

static void no_default(const struct check *c, const struct relationship *r,
		       const struct part *target, const char *const *names, size_t n)
{
	struct problem *problem = problem_add(c->problems, PROBLEM_ERROR, "E0312", r->at,
					      "\"%s\" has no default endpoint", target->name);

	if (n)
		problem->hint =
			arena_printf(c->problems->arena, "write \"%s:%s\"", target->name, names[0]);
	else
		problem->hint = target->storage ? "its volume is mounted: source: service" : NULL;
}

/* "mysql-replica", "mysql-all": here every service has one instance, and that is it. */
static bool is_replica(const struct check *c, struct relationship *r, const char *const *names,
		       size_t n)
{
	static const char *const suffixes[] = { "-replica", "-all" };

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < ARRAY_SIZE(suffixes); k++) {
			size_t len = strlen(names[i]);

			if (strncmp(r->endpoint, names[i], len) != 0 ||
			    strcmp(r->endpoint + len, suffixes[k]) != 0)
				continue;
			(void)problem_add(c->problems, PROBLEM_WARNING, "W0311", r->at,
					  "\"%s\" has no replicas: \"%s\" stands for \"%s\"",
					  r->service, names[i], r->endpoint);
			r->endpoint = names[i];
			return true;
		}
	return false;
}

static void resolve(const struct check *c, struct relationship *r, const struct part *target)
{
	const char **names, *standard;
	size_t n = endpoint_names(c, target, &names, &standard);
	struct problem *problem;

	if (!r->endpoint) {
		r->endpoint = standard;
		if (!standard)
			no_default(c, r, target, names, n);
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], r->endpoint))
			return;
	if (is_replica(c, r, names, n))
		return;
	problem = problem_add(c->problems, PROBLEM_ERROR, "E0311", r->at,
			      "\"%s\" has no endpoint \"%s\"", target->name, r->endpoint);
	problem->hint = hint_nearest(c->problems, r->endpoint, names, n);
	if (!problem->hint && n)
		problem->hint = arena_printf(c->problems->arena, "it has \"%s\"", names[0]);
}

/* What was found is written into the tree, too, so that it is in documents and in what orch config prints. */
static void keep_endpoint(const struct check *c, const struct relationship *r)
{
	struct node *endpoint = node_scalar(c->problems->arena, r->endpoint, false, NULL);
	const struct node *given = tree_get(r->node, "endpoint");

	endpoint->key = "endpoint";
	if (given) {
		endpoint->at = given->at;
		endpoint->key_at = given->key_at;
	}
	node_set(r->node, endpoint);
}

static void check_relationships(const struct check *c, const struct part *part)
{
	for (size_t i = 0; i < part->n_relationships; i++) {
		struct relationship *r = &part->relationships[i];
		const struct part *target = find_part(c, r->service);

		if (!target)
			unknown_target(c, r);
		else if (target->image)
			resolve(c, r, target);
		if (r->endpoint && *r->endpoint)
			keep_endpoint(c, r);
		if (!r->endpoint)
			r->endpoint = "";
	}
}

/* path holds the names from where the search began, "a -> b". */
static void find_circles(const struct check *c, struct part *part, const struct part **path,
			 size_t depth)
{
	part->mark = ON_PATH;
	path[depth++] = part;
	for (size_t i = 0; i < part->n_relationships; i++) {
		struct part *target = find_part(c, part->relationships[i].service);
		AUTO(text) struct text shown = { 0 };
		size_t from = depth;

		if (!target || target->mark == DONE)
			continue;
		if (target->mark == UNSEEN) {
			find_circles(c, target, path, depth);
			continue;
		}
		while (path[from - 1] != target)
			from--;
		for (from--; from < depth; from++)
			text_printf(&shown, "%s -> ", path[from]->name);
		(void)problem_add(c->problems, PROBLEM_ERROR, "E0313", part->relationships[i].at,
				  "relationships in a circle: %s%s", text_get(&shown),
				  target->name);
	}
	part->mark = DONE;
}

void check_links(struct check *c)
{
	const struct part **path = arena_array(c->problems->arena, c->n + 1, sizeof(*path));

	for (size_t i = 0; i < c->n; i++)
		check_relationships(c, &c->parts[i]);
	for (size_t i = 0; i < c->n; i++)
		if (c->parts[i].mark == UNSEEN && c->parts[i].name)
			find_circles(c, &c->parts[i], path, 0);
}
