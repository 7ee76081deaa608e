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

/* Of a router: whether a route does. */
static bool leads_outside(struct arena *arena, const struct json_t *router)
{
	const struct json_t *routes = json_get(router, "routes");
	const char **names;
	size_t n;

	names = json_keys(arena, routes, &n);
	for (size_t i = 0; i < n; i++)
		if (!strcmp(json_get_text(json_get(routes, names[i]), "type", ""), "proxy"))
			return true;
	return false;
}

static void add_publish(const struct json_t *containers, const struct json_t *publish, bool ending,
			struct net_plan *out, struct net_publish *p)
{
	if (!json_get_number(publish, "port", 0))
		return;
	(void)net_parse(json_get_text(publish, "address", "127.0.0.1"), &p->host_address);
	p->host_port = (uint16_t)json_get_number(publish, "port", 0);
	p->destination = address_of(containers, json_get_text(publish, "to", ""));
	p->port = (uint16_t)json_get_number(publish, "container_port", 80);
	p->ending = ending;
	out->n_publishes++;
}

/* network.ending: what was published until now, as publish. */
static void lower_publish(struct arena *arena, const struct json_t *containers,
			  const struct json_t *network, struct net_plan *out)
{
	struct net_publish *list = arena_array(arena, 2, sizeof(*list));

	out->publishes = list;
	add_publish(containers, json_get(network, "publish"), false, out, &list[out->n_publishes]);
	add_publish(containers, json_get(network, "ending"), true, out, &list[out->n_publishes]);
}

struct firewall {
	struct arena *arena;
	const struct json_t *names;
	ARENA_LIST(struct net_allow) allows;
};

static void allow(struct firewall *f, struct net_allow place, const struct json_t *ports)
{
	for (size_t i = 0; i < json_count(ports); i++) {
		place.port = (uint16_t)json_number(json_at(ports, i), 0);
		*arena_push(f->arena, &f->allows) = place;
	}
	if (!json_count(ports))
		*arena_push(f->arena, &f->allows) = place;
}

/* Networks of IPv6 and names without an address open nothing. */
static void add_rule(struct firewall *f, const struct json_t *rule)
{
	const struct json_t *ips = json_get(rule, "ips"), *domains = json_get(rule, "domains");
	const struct json_t *ports = json_get(rule, "ports");
	struct net_allow place = { 0 };

	if (!json_count(ips) && !json_count(domains))
		allow(f, place, ports);
	for (size_t i = 0; i < json_count(ips); i++)
		if (net_parse_network(json_text(json_at(ips, i), ""), &place) == 0)
			allow(f, place, ports);
	for (size_t i = 0; i < json_count(domains); i++) {
		const char **addresses;
		size_t n;

		addresses = json_keys(f->arena,
				      json_get(f->names, json_text(json_at(domains, i), "")), &n);
		for (size_t k = 0; k < n; k++)
			if (net_parse_network(addresses[k], &place) == 0)
				allow(f, place, ports);
	}
}

static bool is_given(const struct json_t *value)
{
	return value && json_kind_of(value) != KIND_NULL;
}

static void lower_member(struct arena *arena, const struct json_t *container,
			 const struct json_t *names, struct net_member *m,
			 struct net_outbounds *outbounds)
{
	const char *kind = json_get_text(container, "kind", "");
	bool service = !strcmp(kind, "service");
	const struct json_t *firewall = service ? json_get(container, "firewall")
						: json_path(container, "app", "firewall", NULL);
	const struct json_t *rules = json_get(firewall, "outbound");
	struct firewall f = { .arena = arena, .names = names };

	m->limited = is_given(firewall);
	m->egress =
		!strcmp(kind, "router") ? leads_outside(arena, container) : !service || m->limited;
	for (size_t i = 0; i < json_count(rules); i++)
		add_rule(&f, json_at(rules, i));
	net_outbound_add(arena, outbounds, m->address, f.allows.items, f.allows.n);
}

void lower_network(struct arena *arena, const struct json_t *desired, const uint32_t *resolvers,
		   size_t n_resolvers, const struct json_t *names, struct net_plan *out)
{
	const struct json_t *containers = json_get(desired, "containers");
	const struct json_t *list = json_path(desired, "network", "paths", NULL);
	struct net_member *members;
	struct net_path *paths;
	struct net_outbounds outbounds = { 0 };
	const char **keys;
	size_t n;

	keys = json_keys(arena, containers, &n);
	members = arena_array(arena, n + 1, sizeof(*members));
	for (size_t i = 0; i < n; i++) {
		members[i] = (struct net_member){ .name = keys[i],
						  .address = address_of(containers, keys[i]) };
		lower_member(arena, json_get(containers, keys[i]), names, &members[i], &outbounds);
	}
	out->members = members;
	out->n_members = n;
	out->outbounds = outbounds.items;
	out->n_outbounds = outbounds.n;
	keys = json_keys(arena, list, &n);
	paths = arena_array(arena, n + 1, sizeof(*paths));
	for (size_t i = 0; i < n; i++) {
		const struct json_t *path = json_get(list, keys[i]);

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
	lower_publish(arena, containers, json_get(desired, "network"), out);
}
