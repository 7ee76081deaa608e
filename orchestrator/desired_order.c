/* In which order the containers of a document start. */
#include "base/arena.h"
#include "base/auto.h"
#include "base/json.h"
#include "orchestrator/desired.h"

struct sorter {
	struct arena *arena;
	const struct json_t *containers;
	struct json_t *placed;
	const char **order;
	size_t n;
};

/* Depth first; relationships have no cycles once the manifest was checked, and a mark stops one all the same. */
static void place(struct sorter *s, const char *name)
{
	const struct json_t *links = json_path(s->containers, name, "relationships", NULL);
	const char **names;
	size_t n;

	if (json_get(s->placed, name) || !json_get(s->containers, name))
		return;
	json_put_flag(s->placed, name, true);
	names = json_keys(s->arena, links, &n);
	for (size_t i = 0; i < n; i++)
		place(s, json_get_text(json_get(links, names[i]), "service", ""));
	s->order[s->n++] = name;
}

const char **desired_order(struct arena *arena, const struct json_t *desired, size_t *n)
{
	AUTO(json) struct json_t *placed = json_new_map();
	const struct json_t *containers = json_get(desired, "containers");
	size_t count;
	const char **names = json_keys(arena, containers, &count);
	struct sorter s = {
		.arena = arena,
		.containers = containers,
		.placed = placed,
		.order = arena_array(arena, count + 1, sizeof(*s.order)),
	};

	for (size_t i = 0; i < count; i++)
		place(&s, names[i]);
	*n = s.n;
	return s.order;
}
