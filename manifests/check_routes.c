/* Routes: targets, the primary one, what is there twice. */
#include <string.h>

#include "base/arena.h"
#include "manifests/parts.h"
#include "manifests/recipe.h"
#include "manifests/schema.h"
#include "manifests/tree.h"

static struct place upstream_at(const struct route *r)
{
	const struct node *n = tree_get(r->node, "upstream");

	return n && n->at.file ? n->at : r->at;
}

static void unknown_upstream(const struct check *c, const struct route *r)
{
	const char **names = arena_array(c->problems->arena, c->n + 1, sizeof(*names));
	struct problem *problem;
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		if (c->parts[i].name && c->parts[i].kind != PART_WORKER)
			names[n++] = c->parts[i].name;
	problem = problem_add(c->problems, PROBLEM_ERROR, "E0502", upstream_at(r),
			      "no app or service \"%s\"", r->upstream);
	problem->hint = hint_nearest(c->problems, r->upstream, names, n);
	if (!problem->hint && n)
		problem->hint = arena_printf(c->problems->arena, "there is \"%s\"", names[0]);
}

static void check_upstream(const struct check *c, const struct route *r)
{
	const struct part *target = find_part(c, r->upstream);
	const char **names, *standard;
	struct problem *problem;
	size_t n;

	if (!target) {
		unknown_upstream(c, r);
		return;
	}
	if (!target->image)
		return;
	n = endpoint_names(c, target, &names, &standard);
	for (size_t i = 0; r->endpoint && i < n; i++)
		if (!strcmp(names[i], r->endpoint))
			return;
	problem = problem_add(c->problems, PROBLEM_ERROR, "E0502", upstream_at(r),
			      r->endpoint ? "\"%s\" has no endpoint \"%s\""
					  : "\"%s\" must be written with its endpoint%s",
			      r->upstream, r->endpoint ? r->endpoint : "");
	if (n)
		problem->hint =
			arena_printf(c->problems->arena, "write \"%s:%s\"", target->name, names[0]);
}

static bool same(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

static void check_pair(const struct check *c, const struct route *r, const struct route *first)
{
	struct problem *problem = NULL;

	if (same(r->url, first->url))
		problem = problem_add(c->problems, PROBLEM_ERROR, "E0506", r->at,
				      "the route \"%s\" is given twice", r->url);
	else if (same(r->id, first->id))
		problem = problem_add(c->problems, PROBLEM_ERROR, "E0507", r->at,
				      "the id \"%s\" is given to two routes", r->id);
	else if (r->primary && first->primary)
		problem = problem_add(c->problems, PROBLEM_ERROR, "E0503", r->at,
				      "only one route can be the primary one");
	if (!problem)
		return;
	problem->note_at = first->at;
	problem->note = "the first is here";
}

/* Redirects that lead to each other, written as they are. */
static void check_circle(const struct check *c, const struct manifest *m, const struct route *from)
{
	const struct route *r = from;

	for (size_t steps = 0; r && steps <= m->n_routes; steps++) {
		const struct route *next = NULL;

		for (size_t i = 0; r->to && i < m->n_routes; i++)
			if (same(m->routes[i].url, r->to) && !strcmp(m->routes[i].type, "redirect"))
				next = &m->routes[i];
		if (next == from) {
			(void)problem_add(c->problems, PROBLEM_ERROR, "E0508", from->at,
					  "this redirect comes back to where it began");
			return;
		}
		r = next;
	}
}

void check_routes(const struct check *c, struct manifest *m)
{
	bool primary = false;

	for (size_t i = 0; i < m->n_routes; i++) {
		primary |= m->routes[i].primary;
		if (m->routes[i].upstream && m->routes[i].at.file)
			check_upstream(c, &m->routes[i]);
		for (size_t k = 0; k < i; k++)
			check_pair(c, &m->routes[i], &m->routes[k]);
		if (!strcmp(m->routes[i].type, "redirect"))
			check_circle(c, m, &m->routes[i]);
	}
	for (size_t i = 0; i < m->n_routes && !primary; i++)
		if (m->routes[i].upstream)
			primary = m->routes[i].primary = true;
}
