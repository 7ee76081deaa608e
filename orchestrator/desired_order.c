/* In which order the containers of a document start, and where they meet. */
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

int64_t desired_port(const struct json_t *container, const char *endpoint)
{
	AUTO(arena) struct arena arena = { 0 };
	const struct json_t *all = json_get(container, "endpoints");
	int64_t port = json_get_number(json_get(all, endpoint), "port", 0);
	const char **names;
	size_t n;

	names = json_keys(&arena, all, &n);
	for (size_t i = 0; !port && i < n; i++)
		if (n == 1 || json_get_flag(json_get(all, names[i]), "default", false))
			port = json_get_number(json_get(all, names[i]), "port", 0);
	return port;
}

const char **desired_needs(struct arena *arena, const struct json_t *container, size_t *n)
{
	static const char *const keys[] = { "relationships", "upstreams" };
	ARENA_LIST(const char *) list = { 0 };

	for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
		const struct json_t *links = json_get(container, keys[k]);
		size_t count;
		const char **names = json_keys(arena, links, &count);

		for (size_t i = 0; i < count; i++)
			*arena_push(arena, &list) =
				json_get_text(json_get(links, names[i]), "service", "");
	}
	*n = list.n;
	return list.items;
}

/* Depth first; relationships have no cycles once the manifest was checked, and a mark stops one all the same. */
static void place(struct sorter *s, const char *name)
{
	const char **needs;
	size_t n;

	if (json_get(s->placed, name) || !json_get(s->containers, name))
		return;
	json_put_flag(s->placed, name, true);
	needs = desired_needs(s->arena, json_get(s->containers, name), &n);
	for (size_t i = 0; i < n; i++)
		place(s, needs[i]);
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
