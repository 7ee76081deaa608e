/* The network of an environment, from its document to the plan. */
#include <netinet/in.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "orchestrator/lower.h"

static uint32_t address_of(const struct json_t *containers, const char *name)
{
	uint32_t address = 0;

	(void)net_parse(json_text(json_path(containers, name, "address", NULL), ""), &address);
	return address;
}

/* A service has no business outside; a router only where a route leads there. */
static bool has_egress(struct arena *arena, const struct json_t *container)
{
	const char *kind = json_get_text(container, "kind", "");
	const struct json_t *routes = json_get(container, "routes");
	const char **names;
	size_t n;

	names = json_keys(arena, routes, &n);
	for (size_t i = 0; i < n; i++)
		if (!strcmp(json_get_text(json_get(routes, names[i]), "type", ""), "proxy"))
			return true;
	return strcmp(kind, "service") != 0 && strcmp(kind, "router") != 0;
}

static void lower_publish(struct arena *arena, const struct json_t *containers,
			  const struct json_t *publish, struct net_plan *out)
{
	struct net_publish *p = arena_new(arena, struct net_publish);

	if (!json_get_number(publish, "port", 0))
		return;
	(void)net_parse(json_get_text(publish, "address", "127.0.0.1"), &p->host_address);
	p->host_port = (uint16_t)json_get_number(publish, "port", 0);
	p->destination = address_of(containers, json_get_text(publish, "to", ""));
	p->port = (uint16_t)json_get_number(publish, "container_port", 80);
	out->publishes = p;
	out->n_publishes = 1;
}

void lower_network(struct arena *arena, const struct json_t *desired, const uint32_t *resolvers,
		   size_t n_resolvers, struct net_plan *out)
{
	const struct json_t *containers = json_get(desired, "containers");
	const struct json_t *list = json_path(desired, "network", "paths", NULL);
	struct net_member *members;
	struct net_path *paths;
	const char **names;
	size_t n;

	names = json_keys(arena, containers, &n);
	members = arena_array(arena, n + 1, sizeof(*members));
	for (size_t i = 0; i < n; i++)
		members[i] = (struct net_member){
			.name = names[i],
			.address = address_of(containers, names[i]),
			.egress = has_egress(arena, json_get(containers, names[i])),
		};
	out->members = members;
	out->n_members = n;
	names = json_keys(arena, list, &n);
	paths = arena_array(arena, n + 1, sizeof(*paths));
	for (size_t i = 0; i < n; i++) {
		const struct json_t *path = json_get(list, names[i]);

		paths[i] = (struct net_path){
			.source = address_of(containers, json_get_text(path, "source", "")),
			.destination =
				address_of(containers, json_get_text(path, "destination", "")),
			.protocol = IPPROTO_TCP,
			.port = (uint16_t)json_get_number(path, "port", 0),
		};
	}
	out->paths = paths;
	out->n_paths = n;
	out->resolvers = resolvers;
	out->n_resolvers = n_resolvers;
	lower_publish(arena, containers, json_path(desired, "network", "publish", NULL), out);
}
