/*
 * world_lower.c - a container's document with what the environment knows around it
 */
#include "base/auto.h"
#include "base/json.h"
#include "orchestrator/lower.h"
#include "orchestrator/secrets.h"
#include "orchestrator/world.h"

/* What each container opened, by name. Owned by the caller. */
static struct json_t *all_opened(const struct json_t *record)
{
	AUTO(arena) struct arena arena = { 0 };
	const struct json_t *containers = json_get(record, "containers");
	struct json_t *map = json_new_map();
	const char **names;
	size_t n;

	names = json_keys(&arena, containers, &n);
	for (size_t i = 0; i < n; i++)
		json_put(map, names[i],
			 json_copy_deep(json_path(containers, names[i], "opened", NULL)));
	return map;
}

int world_lower(struct world *w, struct arena *arena, const struct json_t *desired,
		const struct json_t *record, const char *name, struct lowered *out,
		struct error *err)
{
	AUTO(json) struct json_t *opened = all_opened(record);
	const struct json_t *wanted = json_path(desired, "containers", name, NULL);
	AUTO(json)
	struct json_t *secrets = secrets_of(&w->host, w->state, w->env.project_id, wanted, err);
	struct lower_input in = {
		.contract = { .desired = desired,
			      .container = name,
			      .opened = opened,
			      .entropy = w->entropy,
			      .secrets = secrets },
		.image = world_image(w, json_get_text(wanted, "base", ""), err),
		.resolvers = w->resolvers,
		.n_resolvers = w->n_resolvers,
	};

	if (!in.image || !secrets)
		return -1;
	in.contract.image = in.image;
	lower_container(arena, &in, out);
	return 0;
}
