/*
 * desired_vars.c - other variables for a document that is there
 */
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "orchestrator/desired.h"

const char *desired_app_of(struct arena *arena, const struct json_t *document, const char *name)
{
	const struct json_t *containers = json_get(document, "containers");
	const char *at = name;

	if (strcmp(json_get_text(json_get(containers, name), "kind", ""), "worker") != 0)
		return name;
	while ((at = strstr(at, "--"))) {
		const char *app = arena_strndup(arena, name, (size_t)(at++ - name));

		if (json_get(containers, app))
			return app;
	}
	return name;
}

struct setting {
	struct arena arena;
	const struct json_t *document, *variables;
};

static int set_variables(const char *name, struct json_t *container, void *ctx)
{
	struct setting *s = ctx;
	const struct json_t *own =
		json_get(s->variables, desired_app_of(&s->arena, s->document, name));

	if (!strcmp(json_get_text(container, "kind", ""), "service"))
		return 0;
	json_drop(container, "variables");
	if (own)
		json_put(container, "variables", json_copy_deep(own));
	return 0;
}

void desired_set_variables(struct json_t *document, const struct json_t *variables)
{
	struct setting s = { .document = document, .variables = variables };

	(void)json_each(json_get(document, "containers"), set_variables, &s);
	arena_clear(&s.arena);
}
