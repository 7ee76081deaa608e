#include "netplan/plan.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

#define OUTBOUNDS_MAX 16384

static bool within(uint32_t address, uint32_t first, uint32_t n)
{
	return address >= first && address - first < n;
}

static bool is_own(uint32_t address)
{
	return address == NET_GATEWAY || within(address, NET_CONTAINERS, NET_CONTAINERS_N) ||
		within(address, NET_UPLINKS, NET_UPLINKS_N);
}

char *net_print(char *buf, uint32_t address)
{
	const struct in_addr in = { .s_addr = htonl(address) };

	inet_ntop(AF_INET, &in, buf, INET_ADDRSTRLEN);
	return buf;
}

int net_parse(const char *text, uint32_t *out)
{
	struct in_addr in;

	if (inet_pton(AF_INET, text, &in) != 1)
		return -1;
	*out = ntohl(in.s_addr);
	return 0;
}

int net_parse_network(const char *text, struct net_allow *out)
{
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	char address[INET_ADDRSTRLEN];
	uint64_t prefix = 32;

	if (len >= sizeof(address) || (slash && text_to_u64(slash + 1, 32, &prefix) < 0))
		return -1;
	memcpy(address, text, len);
	address[len] = '\0';
	if (net_parse(address, &out->address) < 0)
		return -1;
	out->prefix = (unsigned)prefix;
	return 0;
}

uint32_t net_free_address(const uint32_t *taken, size_t n)
{
	bool used[NET_CONTAINERS_N] = { false };

	for (size_t i = 0; i < n; i++)
		if (within(taken[i], NET_CONTAINERS, NET_CONTAINERS_N))
			used[taken[i] - NET_CONTAINERS] = true;
	for (uint32_t i = 2; i < NET_CONTAINERS_N; i++)
		if (!used[i])
			return NET_CONTAINERS + i;
	return 0;
}

/* It becomes a link's name and a folder of /proc/sys/net/ipv4/conf, where three names are taken. */
static int check_id(const char *id, struct error *err)
{
	static const char *const reserved[] = { "all", "default", "lo" };
	size_t len = id ? strlen(id) : 0;

	if (!len || len > 15 || strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789") != len)
		return fail(err, ERROR_INPUT, "network id '%s' must be 1 to 15 of a-z, 0-9",
			    id ? id : "");
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (!strcmp(id, reserved[i]))
			return fail(err, ERROR_INPUT, "network id '%s' is reserved", id);
	return 0;
}

static int check_members(const struct net_plan *plan, bool *known, struct error *err)
{
	char text[INET_ADDRSTRLEN];

	for (size_t i = 0; i < plan->n_members; i++) {
		const struct net_member *m = &plan->members[i];

		if (!m->name || !m->name[0])
			return fail(err, ERROR_INPUT, "a member of the network has no name");
		if (!within(m->address, NET_CONTAINERS, NET_CONTAINERS_N))
			return fail(err, ERROR_INPUT, "%s: %s is no container's address", m->name,
				    net_print(text, m->address));
		if (known[m->address - NET_CONTAINERS])
			return fail(err, ERROR_INPUT, "%s: address %s is taken twice", m->name,
				    net_print(text, m->address));
		for (size_t j = 0; j < i; j++)
			if (!strcmp(plan->members[j].name, m->name))
				return fail(err, ERROR_INPUT, "%s: is a member twice", m->name);
		known[m->address - NET_CONTAINERS] = true;
	}
	return 0;
}

static int check_member(const bool *known, uint32_t address, const char *what, struct error *err)
{
	char text[INET_ADDRSTRLEN];

	if (within(address, NET_CONTAINERS, NET_CONTAINERS_N) && known[address - NET_CONTAINERS])
		return 0;
	return fail(err, ERROR_INPUT, "%s %s is no member of the network", what,
		    net_print(text, address));
}

static int check_paths(const struct net_plan *plan, const bool *known, struct error *err)
{
	char text[INET_ADDRSTRLEN];

	for (size_t i = 0; i < plan->n_paths; i++) {
		const struct net_path *p = &plan->paths[i];

		if (check_member(known, p->source, "path from", err) < 0 ||
		    check_member(known, p->destination, "path to", err) < 0)
			return -1;
		if (p->source == p->destination)
			return fail(err, ERROR_INPUT, "path from %s to itself",
				    net_print(text, p->source));
		if (p->protocol != IPPROTO_TCP && p->protocol != IPPROTO_UDP)
			return fail(err, ERROR_INPUT, "path to %s: protocol %d is not TCP or UDP",
				    net_print(text, p->destination), p->protocol);
		if (!p->port)
			return fail(err, ERROR_INPUT, "path to %s has no port",
				    net_print(text, p->destination));
	}
	return 0;
}

static int check_publish(const struct net_publish *p, struct error *err)
{
	char text[INET_ADDRSTRLEN];

	if (!p->host_port || !p->port)
		return fail(err, ERROR_INPUT, "a published port is 0");
	/* 0.0.0.0 is every address; the rest of 0.0.0.0/8, multicast and above are no host's. */
	if ((p->host_address && p->host_address < NET_IP(1, 0, 0, 0)) ||
	    p->host_address >= NET_IP(224, 0, 0, 0) || is_own(p->host_address))
		return fail(err, ERROR_INPUT, "can't publish a port on address %s",
			    net_print(text, p->host_address));
	return 0;
}

/*
 * A host port leads to one place, whatever the address: it is also the port on the
 * router's side of the uplink.
 */
static int check_publishes(const struct net_plan *plan, const bool *known, struct error *err)
{
	for (size_t i = 0; i < plan->n_publishes; i++) {
		const struct net_publish *p = &plan->publishes[i];

		if (check_publish(p, err) < 0 ||
		    check_member(known, p->destination, "published", err) < 0)
			return -1;
		for (size_t j = 0; j < i; j++)
			if (!p->ending && !plan->publishes[j].ending &&
			    plan->publishes[j].host_port == p->host_port)
				return fail(err, ERROR_INPUT, "host port %d is published twice",
					    p->host_port);
	}
	return 0;
}

static int check_outbounds(const struct net_plan *plan, const bool *known, struct error *err)
{
	if (plan->n_outbounds > OUTBOUNDS_MAX)
		return fail(err, ERROR_INPUT,
			    "firewalls of %zu pieces: at most %d in one environment",
			    plan->n_outbounds, OUTBOUNDS_MAX);
	for (size_t i = 0; i < plan->n_outbounds; i++) {
		const struct net_outbound *o = &plan->outbounds[i];

		if (check_member(known, o->source, "firewall of", err) < 0)
			return -1;
		if (o->first > o->last || o->first_port > o->last_port)
			return fail(err, ERROR_INPUT, "a firewall's range ends before it begins");
	}
	return 0;
}

static int check_resolvers(const struct net_plan *plan, struct error *err)
{
	char text[INET_ADDRSTRLEN];

	for (size_t i = 0; i < plan->n_resolvers; i++) {
		uint32_t r = plan->resolvers[i];

		if (r < NET_IP(1, 0, 0, 0) || r >> 24 == 127 || r >= NET_IP(224, 0, 0, 0) ||
		    is_own(r))
			return fail(err, ERROR_INPUT, "resolver %s can't be reached by containers",
				    net_print(text, r));
	}
	return 0;
}

int net_plan_check(const struct net_plan *plan, struct error *err)
{
	bool known[NET_CONTAINERS_N] = { false };
	char text[INET_ADDRSTRLEN];

	if (check_id(plan->id, err) < 0)
		return -1;
	if (!within(plan->uplink, NET_UPLINKS, NET_UPLINKS_N))
		return fail(err, ERROR_INPUT, "%s is no uplink's address",
			    net_print(text, plan->uplink));
	if (check_members(plan, known, err) < 0 || check_paths(plan, known, err) < 0 ||
	    check_publishes(plan, known, err) < 0 || check_outbounds(plan, known, err) < 0)
		return -1;
	return check_resolvers(plan, err);
}
