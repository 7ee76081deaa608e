/*
 * rules_host.c - an environment's chains in the host's table `ip orch`; see rules.h
 */
/* Before the kernel's headers, which then leave out what libc defines. */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <stdio.h>

#include "base/auto.h"
#include "base/error.h"
#include "netplan/match.h"
#include "netplan/nft.h"
#include "netplan/rules.h"

#define DNS_PORT 53

/* The chains of an environment: its id, then one of these. */
static const struct nft_chain chains[] = {
	{ "-pre", "nat", NF_INET_PRE_ROUTING, NF_IP_PRI_NAT_DST },
	{ "-out", "nat", NF_INET_LOCAL_OUT, NF_IP_PRI_NAT_DST },
	{ "-post", "nat", NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC },
	{ "-fwd", "filter", NF_INET_FORWARD, NF_IP_PRI_FILTER },
	{ "-in", "filter", NF_INET_LOCAL_IN, NF_IP_PRI_FILTER },
};

#define CHAIN_NAME 32
static const char *chain_name(char buf[CHAIN_NAME], const char *id, const char *suffix)
{
	snprintf(buf, CHAIN_NAME, "%s%s", id, suffix);
	return buf;
}

static struct nftnl_rule *new_rule(const char *id, const char *suffix)
{
	char name[CHAIN_NAME];

	return nft_new_rule(chain_name(name, id, suffix));
}

static bool is_loopback(uint32_t address)
{
	return address >> 24 == 127;
}

static void add_chains(struct nft *nft, const char *id)
{
	char name[CHAIN_NAME];

	for (size_t i = 0; i < ARRAY_SIZE(chains); i++) {
		struct nft_chain chain = chains[i];

		chain.name = chain_name(name, id, chains[i].name);
		nft_add_chain(nft, &chain);
		nft_flush_chain(nft, chain.name);
	}
}

static void add_publish(struct nft *nft, const struct net_plan *plan, const char *suffix,
			const struct net_publish *p)
{
	struct nftnl_rule *r = new_rule(plan->id, suffix);

	if (p->host_address)
		match_address(r, FIELD_DESTINATION, IS, p->host_address, 32);
	else
		match_local(r);
	match_protocol(r, IPPROTO_TCP);
	match_port(r, IS, p->host_port);
	rule_dnat(r, plan->uplink, p->host_port);
	nft_add_rule(nft, r);
}

/* What comes from outside for 127.0.0.0/8 is forged: it must stay so, for the kernel to drop it. */
static void add_guard(struct nft *nft, const char *id)
{
	struct nftnl_rule *r = new_rule(id, "-pre");

	match_address(r, FIELD_DESTINATION, IS, NET_IP(127, 0, 0, 0), 8);
	rule_accept(r);
	nft_add_rule(nft, r);
}

static void add_publishes(struct nft *nft, const struct net_plan *plan)
{
	add_guard(nft, plan->id);
	for (size_t i = 0; i < plan->n_publishes; i++) {
		const struct net_publish *p = &plan->publishes[i];

		if (p->ending)
			continue;
		if (!is_loopback(p->host_address))
			add_publish(nft, plan, "-pre", p);
		add_publish(nft, plan, "-out", p);
	}
}

/*
 * Into the uplink, from an address that the router can't answer: the host's loopback, and the
 * environment's own (an app that calls itself by the host's address).
 */
static void add_masquerade(struct nft *nft, const struct net_plan *plan)
{
	struct nftnl_rule *r = new_rule(plan->id, "-post");

	match_link(r, FIELD_OUT, IS, plan->id);
	match_address(r, FIELD_SOURCE, IS, NET_IP(127, 0, 0, 0), 8);
	rule_snat(r, NET_GATEWAY);
	nft_add_rule(nft, r);

	r = new_rule(plan->id, "-post");
	match_link(r, FIELD_OUT, IS, plan->id);
	match_address(r, FIELD_SOURCE, IS, plan->uplink, 32);
	rule_snat(r, NET_GATEWAY);
	nft_add_rule(nft, r);

	r = new_rule(plan->id, "-post");
	match_link(r, FIELD_OUT, IS_NOT, plan->id);
	match_address(r, FIELD_SOURCE, IS, plan->uplink, 32);
	rule_masquerade(r);
	nft_add_rule(nft, r);
}

static void add_drop(struct nft *nft, const char *id, const char *suffix, enum match_field link)
{
	struct nftnl_rule *r = new_rule(id, suffix);

	match_link(r, link, IS, id);
	rule_drop(r);
	nft_add_rule(nft, r);
}

static void add_replies(struct nft *nft, const char *id, const char *suffix, enum match_field link)
{
	struct nftnl_rule *r = new_rule(id, suffix);

	match_link(r, link, IS, id);
	match_reply(r);
	rule_accept(r);
	nft_add_rule(nft, r);
}

/* Into the uplink: replies, and what was published. */
static void add_forward(struct nft *nft, const char *id)
{
	struct nftnl_rule *r;

	add_replies(nft, id, "-fwd", FIELD_OUT);
	r = new_rule(id, "-fwd");
	match_link(r, FIELD_OUT, IS, id);
	match_dnat(r);
	rule_accept(r);
	nft_add_rule(nft, r);
	add_drop(nft, id, "-fwd", FIELD_OUT);
}

/* Out of the uplink to the host itself: replies, and DNS where the host is its own resolver. */
static void add_input(struct nft *nft, const struct net_plan *plan)
{
	static const uint8_t protocols[] = { IPPROTO_UDP, IPPROTO_TCP };

	add_replies(nft, plan->id, "-in", FIELD_IN);
	for (size_t i = 0; i < 2 * plan->n_resolvers; i++) {
		struct nftnl_rule *r = new_rule(plan->id, "-in");

		match_link(r, FIELD_IN, IS, plan->id);
		match_address(r, FIELD_DESTINATION, IS, plan->resolvers[i / 2], 32);
		match_protocol(r, protocols[i % 2]);
		match_port(r, IS, DNS_PORT);
		rule_accept(r);
		nft_add_rule(nft, r);
	}
	add_drop(nft, plan->id, "-in", FIELD_IN);
}

int rules_ensure_host(const struct net_plan *plan, struct error *err)
{
	AUTO(nft) struct nft *nft = nft_begin();

	nft_add_table(nft);
	add_chains(nft, plan->id);
	add_publishes(nft, plan);
	add_masquerade(nft, plan);
	add_forward(nft, plan->id);
	add_input(nft, plan);
	if (nft_commit(nft, -1, 0, err) < 0)
		return fail_in(err, "rules of the host");
	return 0;
}

/* Without asking first: what isn't there is made, to be deleted by the same batch. */
static int delete_chains(const char *id, struct error *err)
{
	AUTO(nft) struct nft *nft = nft_begin();
	char name[CHAIN_NAME];

	add_chains(nft, id);
	for (size_t i = 0; i < ARRAY_SIZE(chains); i++)
		nft_delete_chain(nft, chain_name(name, id, chains[i].name));
	/* ENOENT: there is no table. */
	return nft_commit(nft, -1, ENOENT, err);
}

/* The kernel decides whether it is empty, so another environment that comes up now is safe. */
static int delete_table(struct error *err)
{
	AUTO(nft) struct nft *nft = nft_begin();

	nft_delete_empty_table(nft);
	return nft_commit(nft, -1, EBUSY, err);
}

int rules_ensure_no_host(const char *id, struct error *err)
{
	struct error why = { 0 };
	int r = delete_chains(id, err);

	if (r < 0)
		return fail_in(err, "rules of the host");
	/* Somebody else may have deleted the empty table in between. */
	if (r != NFT_REFUSED && delete_table(&why) < 0 && why.errnum != ENOENT) {
		*err = why;
		return fail_in(err, "rules of the host");
	}
	return 0;
}
