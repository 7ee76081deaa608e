/*
 * request_vars.c - the variables that count in an environment: its own, what it inherits from the nearest on, the project's
 */
#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "orchestrator/request.h"
#include "orchestrator/session.h"
#include "orchestrator/variables.h"

#define ANCESTORS_MAX 32

static int load(struct session *s, struct variable_level levels[ANCESTORS_MAX + 1],
		size_t *n_levels, struct error *err)
{
	struct environment e = s->env;
	struct var *list;
	size_t n = 0;
	int r = 0;

	while (r == 0 && n < ANCESTORS_MAX) {
		struct variable_level *l = &levels[n];

		if (state_list_variables(s->state, &s->arena, e.id, &list, &l->n, err) < 0)
			return -1;
		l->list = list;
		l->inherited = n > 0;
		l->from = n ? arena_printf(&s->arena, "environment %s", e.name) : "environment";
		n++;
		if (!e.parent || !*e.parent)
			break;
		r = state_find(s->state, &s->arena, e.parent, &e, err);
	}
	if (r < 0)
		return -1;
	levels[n] = (struct variable_level){ .from = "project" };
	if (state_list_variables(s->state, &s->arena, s->env.project_id, &list, &levels[n].n, err) <
	    0)
		return -1;
	levels[n].list = list;
	*n_levels = n + 1;
	return 0;
}

int request_variables(struct session *s, const char *app, struct var **out, size_t *n,
		      struct error *err)
{
	struct variable_level levels[ANCESTORS_MAX + 1];
	size_t n_levels;

	*out = NULL;
	*n = 0;
	if (!s->state)
		return 0;
	if (load(s, levels, &n_levels, err) < 0)
		return -1;
	*out = variables_merge(&s->arena, app, levels, n_levels, n);
	return 0;
}

int request_app_variables(struct session *s, const char *const *apps, size_t n,
			  struct app_variables **out, struct error *err)
{
	struct app_variables *list = arena_array(&s->arena, n + 1, sizeof(*list));

	for (size_t i = 0; i < n; i++) {
		list[i].app = apps[i];
		if (request_variables(s, apps[i], &list[i].list, &list[i].n, err) < 0)
			return -1;
	}
	*out = list;
	return 0;
}

struct json_t *request_documents(struct arena *arena, const struct app_variables *list, size_t n)
{
	struct json_t *map = json_new_map();

	for (size_t i = 0; list && i < n; i++) {
		struct json_t *document = variables_document(arena, list[i].list, list[i].n);

		if (document)
			json_put(map, list[i].app, document);
	}
	return map;
}
