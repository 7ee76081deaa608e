/*
 * rules_router.c - who may talk to whom inside an environment; see rules.h
 */
/* Before the kernel's headers, which then leave out what libc defines. */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "netplan/match.h"
#include "netplan/netns.h"
#include "netplan/nft.h"
#include "netplan/rules.h"

#define UPLINK "uplink"
#define DNS_PORT 53
#define SMTP_PORT 25

/* Keys as the kernel compares them: network byte order, each part padded to 4 bytes with zeros. */
struct path_key {
	uint32_t source, destination;
	uint8_t protocol, pad1[3];
	uint16_t port, pad2;
};

struct outbound_key {
	uint32_t source, destination;
	uint16_t port, pad;
};

struct source_key {
	char link[IFNAMSIZ];
	uint32_t address;
};

struct service_key {
	uint32_t address;
	uint8_t protocol, pad1[3];
	uint16_t port, pad2;
};

static const struct nft_chain sources = {
	/* Before connection tracking, so that a forged packet can't touch another's connection. */
	"sources", "filter", NF_INET_PRE_ROUTING, NF_IP_PRI_RAW, .drop = true
};
static const struct nft_chain forward = { "forward", "filter", NF_INET_FORWARD, NF_IP_PRI_FILTER,
					  .drop = true };
static const struct nft_chain input = { "input", "filter", NF_INET_LOCAL_IN, NF_IP_PRI_FILTER,
					.drop = true };
static const struct nft_chain output = { "output", "filter", NF_INET_LOCAL_OUT, NF_IP_PRI_FILTER,
					 .drop = true };
static const struct nft_chain published_in = { "published", "nat", NF_INET_PRE_ROUTING,
					       NF_IP_PRI_NAT_DST };
static const struct nft_chain egress_out = { "masquerade", "nat", NF_INET_POST_ROUTING,
					     NF_IP_PRI_NAT_SRC };

static void add_allowed(struct nft *nft, struct arena *arena, const struct net_plan *plan)
{
	struct path_key *keys = arena_array(arena, plan->n_paths, sizeof(*keys));
	const struct nft_set set = {
		"allowed",     { TYPE_ADDRESS, TYPE_ADDRESS, TYPE_PROTOCOL, TYPE_PORT },
		keys,	       NULL,
		plan->n_paths, sizeof(*keys),
	};

	for (size_t i = 0; i < plan->n_paths; i++) {
		keys[i].source = htonl(plan->paths[i].source);
		keys[i].destination = htonl(plan->paths[i].destination);
		keys[i].protocol = plan->paths[i].protocol;
		keys[i].port = htons(plan->paths[i].port);
	}
	nft_add_set(nft, &set);
}

static void add_sources(struct nft *nft, struct arena *arena, const struct net_plan *plan)
{
	struct source_key *keys = arena_array(arena, plan->n_members, sizeof(*keys));
	const struct nft_set set = {
		"sources", { TYPE_LINK, TYPE_ADDRESS }, keys, NULL, plan->n_members, sizeof(*keys),
	};

	for (size_t i = 0; i < plan->n_members; i++) {
		const uint32_t address = plan->members[i].address;

		snprintf(keys[i].link, sizeof(keys[i].link), "c%04x", address & 0xffff);
		keys[i].address = htonl(address);
	}
	nft_add_set(nft, &set);
}

/* Who may go out at all, and who of them anywhere. */
static void add_egress(struct nft *nft, struct arena *arena, const struct net_plan *plan)
{
	uint32_t *keys = arena_array(arena, 2 * plan->n_members, sizeof(*keys));
	uint32_t *anywhere = keys + plan->n_members;
	struct nft_set all = { "egress", { TYPE_ADDRESS }, keys, NULL, 0, sizeof(*keys) };
	struct nft_set free = { "anywhere", { TYPE_ADDRESS }, anywhere, NULL, 0, sizeof(*keys) };

	for (size_t i = 0; i < plan->n_members; i++) {
		const struct net_member *m = &plan->members[i];

		if (m->egress)
			keys[all.n++] = htonl(m->address);
		if (m->egress && !m->limited)
			anywhere[free.n++] = htonl(m->address);
	}
	nft_add_set(nft, &all);
	nft_add_set(nft, &free);
}

/* From where to where limited members may open connections. */
static struct nft_set outbound_set(struct arena *arena, const struct net_plan *plan)
{
	struct outbound_key *keys = arena_array(arena, 2 * plan->n_outbounds + 1, sizeof(*keys));
	struct outbound_key *ends = keys + plan->n_outbounds;

	for (size_t i = 0; i < plan->n_outbounds; i++) {
		const struct net_outbound *o = &plan->outbounds[i];

		keys[i].source = ends[i].source = htonl(o->source);
		keys[i].destination = htonl(o->first);
		keys[i].port = htons(o->first_port);
		ends[i].destination = htonl(o->last);
		ends[i].port = htons(o->last_port);
	}
	return (struct nft_set){
		"outbound",
		{ TYPE_ADDRESS, TYPE_ADDRESS, TYPE_PORT },
		keys,
		ends,
		plan->n_outbounds,
		sizeof(*keys),
	};
}

static void add_outbound(struct nft *nft, struct arena *arena, const struct net_plan *plan)
{
	const struct nft_set set = outbound_set(arena, plan);

	nft_add_set(nft, &set);
}

static void add_published(struct nft *nft, struct arena *arena, const struct net_plan *plan)
{
	struct service_key *keys = arena_array(arena, plan->n_publishes, sizeof(*keys));
	const struct nft_set set = {
		"published",
		{ TYPE_ADDRESS, TYPE_PROTOCOL, TYPE_PORT },
		keys,
		NULL,
		plan->n_publishes,
		sizeof(*keys),
	};

	for (size_t i = 0; i < plan->n_publishes; i++) {
		keys[i].address = htonl(plan->publishes[i].destination);
		keys[i].protocol = IPPROTO_TCP;
		keys[i].port = htons(plan->publishes[i].port);
	}
	nft_add_set(nft, &set);
}

static void add_resolvers(struct nft *nft, struct arena *arena, const struct net_plan *plan)
{
	static const uint8_t protocols[] = { IPPROTO_UDP, IPPROTO_TCP };
	struct service_key *keys = arena_array(arena, 2 * plan->n_resolvers, sizeof(*keys));
	const struct nft_set set = {
		"resolvers",
		{ TYPE_ADDRESS, TYPE_PROTOCOL, TYPE_PORT },
		keys,
		NULL,
		2 * plan->n_resolvers,
		sizeof(*keys),
	};

	for (size_t i = 0; i < 2 * plan->n_resolvers; i++) {
		keys[i].address = htonl(plan->resolvers[i / 2]);
		keys[i].protocol = protocols[i % 2];
		keys[i].port = htons(DNS_PORT);
	}
	nft_add_set(nft, &set);
}

static void add_source_rules(struct nft *nft)
{
	static const enum match_field source[] = { FIELD_IN, FIELD_SOURCE };
	struct nftnl_rule *r = nft_new_rule("sources");

	match_set(r, "sources", source, ARRAY_SIZE(source));
	rule_accept(r);
	nft_add_rule(nft, r);

	r = nft_new_rule("sources");
	match_link(r, FIELD_IN, IS, UPLINK);
	match_address(r, FIELD_SOURCE, IS_NOT, NET_CONTAINERS, 20);
	rule_accept(r);
	nft_add_rule(nft, r);
}

/* Each direction is looked up for every packet: a path taken away ends its open connections too. */
static void add_path_rules(struct nft *nft)
{
	static const enum match_field path[] = { FIELD_SOURCE, FIELD_DESTINATION, FIELD_PROTOCOL,
						 FIELD_PORT };
	static const enum match_field back[] = { FIELD_DESTINATION, FIELD_SOURCE, FIELD_PROTOCOL,
						 FIELD_SOURCE_PORT };
	struct nftnl_rule *r = nft_new_rule("forward");

	match_invalid(r);
	rule_drop(r);
	nft_add_rule(nft, r);

	r = nft_new_rule("forward");
	match_set(r, "allowed", path, ARRAY_SIZE(path));
	rule_accept(r);
	nft_add_rule(nft, r);

	r = nft_new_rule("forward");
	match_reply(r);
	match_set(r, "allowed", back, ARRAY_SIZE(back));
	rule_accept(r);
	nft_add_rule(nft, r);

	/* "Port unreachable", "fragmentation needed" and the like, about a known connection. */
	r = nft_new_rule("forward");
	match_related(r);
	match_protocol(r, IPPROTO_ICMP);
	rule_accept(r);
	nft_add_rule(nft, r);
}

/* Each packet is looked up: what is taken away ends open connections, too. */
static void add_egress_rule(struct nft *nft, const char *set, const enum match_field *fields,
			    size_t n)
{
	struct nftnl_rule *r = nft_new_rule("forward");

	match_link(r, FIELD_OUT, IS, UPLINK);
	match_original(r);
	match_address(r, FIELD_DESTINATION, IS_NOT, NET_IP(169, 254, 0, 0), 16);
	match_protocol(r, IPPROTO_TCP);
	match_port(r, IS_NOT, SMTP_PORT);
	match_set(r, set, fields, n);
	rule_accept(r);
	nft_add_rule(nft, r);
}

static void add_egress_rules(struct nft *nft)
{
	static const enum match_field place[] = { FIELD_SOURCE, FIELD_DESTINATION, FIELD_PORT };
	static const enum match_field resolver[] = { FIELD_DESTINATION, FIELD_PROTOCOL,
						     FIELD_PORT };
	static const enum match_field source[] = { FIELD_SOURCE };
	static const enum match_field opener[] = { FIELD_ORIGINAL_SOURCE };
	struct nftnl_rule *r = nft_new_rule("forward");

	match_link(r, FIELD_OUT, IS, UPLINK);
	match_set(r, "egress", source, 1);
	match_set(r, "resolvers", resolver, ARRAY_SIZE(resolver));
	rule_accept(r);
	nft_add_rule(nft, r);

	add_egress_rule(nft, "anywhere", source, ARRAY_SIZE(source));
	add_egress_rule(nft, "outbound", place, ARRAY_SIZE(place));

	r = nft_new_rule("forward");
	match_link(r, FIELD_IN, IS, UPLINK);
	match_reply(r);
	match_set(r, "egress", opener, 1);
	rule_accept(r);
	nft_add_rule(nft, r);
}

static void add_publish_rules(struct nft *nft)
{
	static const enum match_field to[] = { FIELD_DESTINATION, FIELD_PROTOCOL, FIELD_PORT };
	static const enum match_field from[] = { FIELD_SOURCE, FIELD_PROTOCOL, FIELD_SOURCE_PORT };
	struct nftnl_rule *r = nft_new_rule("forward");

	match_link(r, FIELD_IN, IS, UPLINK);
	match_dnat(r);
	match_set(r, "published", to, ARRAY_SIZE(to));
	rule_accept(r);
	nft_add_rule(nft, r);

	r = nft_new_rule("forward");
	match_link(r, FIELD_OUT, IS, UPLINK);
	match_reply(r);
	match_set(r, "published", from, ARRAY_SIZE(from));
	rule_accept(r);
	nft_add_rule(nft, r);
}

static void add_nat_rules(struct nft *nft, const struct net_plan *plan)
{
	struct nftnl_rule *r;

	for (size_t i = 0; i < plan->n_publishes; i++) {
		const struct net_publish *p = &plan->publishes[i];

		if (p->ending)
			continue;
		r = nft_new_rule("published");
		match_link(r, FIELD_IN, IS, UPLINK);
		match_address(r, FIELD_DESTINATION, IS, plan->uplink, 32);
		match_protocol(r, IPPROTO_TCP);
		match_port(r, IS, p->host_port);
		rule_dnat(r, p->destination, p->port);
		nft_add_rule(nft, r);
	}
	r = nft_new_rule("masquerade");
	match_link(r, FIELD_OUT, IS, UPLINK);
	match_address(r, FIELD_SOURCE, IS, NET_CONTAINERS, 20);
	rule_snat(r, plan->uplink);
	nft_add_rule(nft, r);
}

static void add_all(struct nft *nft, struct arena *arena, const struct net_plan *plan)
{
	static const struct nft_chain *const chains[] = { &sources, &forward,	   &input,
							  &output,  &published_in, &egress_out };

	nft_add_table(nft);
	add_allowed(nft, arena, plan);
	add_sources(nft, arena, plan);
	add_egress(nft, arena, plan);
	add_outbound(nft, arena, plan);
	add_resolvers(nft, arena, plan);
	add_published(nft, arena, plan);
	for (size_t i = 0; i < ARRAY_SIZE(chains); i++)
		nft_add_chain(nft, chains[i]);
	add_source_rules(nft);
	add_path_rules(nft);
	add_egress_rules(nft);
	add_publish_rules(nft);
	add_nat_rules(nft, plan);
}

/*
 * 0, or NFT_REFUSED when the router has one already. A new one needs no deletion in the batch that fills it, and
 * who deletes waits, when the socket is closed, until the kernel has let go (10 to 20 ms).
 */
static int make_table(int router, struct error *err)
{
	AUTO(nft) struct nft *nft = nft_begin();

	nft_add_new_table(nft);
	return nft_commit(nft, router, EEXIST, err);
}

/* Only now: a router without rules forwards nothing. */
static int forward_packets(int router, struct error *err)
{
	AUTO(home) int home = -1;

	if (netns_enter(router, &home, err) < 0)
		return -1;
	return netns_set("ipv4/ip_forward", "1", err);
}

int rules_ensure_router(int router, const struct net_plan *plan, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(nft) struct nft *nft = nft_begin();
	int r = make_table(router, err);

	if (r == NFT_REFUSED)
		nft_delete_table(nft);
	add_all(nft, &arena, plan);
	if (r < 0 || nft_commit(nft, router, 0, err) < 0 || forward_packets(router, err) < 0)
		return fail_in(err, "rules of the router");
	return 0;
}

int rules_ensure_outbound(int router, const struct net_plan *plan, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(nft) struct nft *nft = nft_begin();
	const struct nft_set set = outbound_set(&arena, plan);

	nft_refill_set(nft, &set);
	if (nft_commit(nft, router, 0, err) < 0)
		return fail_in(err, "rules of the router");
	return 0;
}
