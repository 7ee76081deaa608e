/*
 * uplink.c - the link between a router and the host; see links.h
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "netplan/links.h"
#include "netplan/netlink.h"
#include "netplan/netns.h"
#include "netplan/pair.h"

#define UPLINK "uplink"

static int set_link(const char *family, const char *id, const char *setting, const char *value,
		    struct error *err)
{
	char name[64];

	snprintf(name, sizeof(name), "%s/conf/%s/%s", family, id, setting);
	return netns_set_if_any(name, value, err);
}

/* Written only if it was off: other tools watch it, and turning it on resets settings of links. */
static int ensure_forwarding(struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	char *value;

	if (file_read(&arena, AT_FDCWD, "/proc/sys/net/ipv4/ip_forward", 16, &value, NULL, err))
		return -1;
	return value[0] == '0' ? netns_set("ipv4/ip_forward", "1", err) : 0;
}

/* What is known of the routes to the addresses of NET_UPLINKS. */
struct uplink_routes {
	bool taken[NET_UPLINKS_N];
	uint32_t wanted; /* only this destination counts, if not 0 ... */
	int index;	 /* ... and only by another link than this */
};

static void take_route(void *ctx, const struct nlmsghdr *h)
{
	struct uplink_routes *routes = ctx;
	const struct rtmsg *rt = nlmsg_data(h);
	struct nlattr *attrs[RTA_MAX + 1];
	uint32_t first;

	/* 169.254.0.0/16 is on many hosts and in nobody's way: the longer prefix wins. */
	if (h->nlmsg_type != RTM_NEWROUTE || rt->rtm_dst_len <= 18 ||
	    nlmsg_parse((struct nlmsghdr *)h, sizeof(*rt), attrs, RTA_MAX, NULL) < 0 ||
	    !attrs[RTA_DST])
		return;
	first = ntohl(nla_get_u32(attrs[RTA_DST]));
	if (routes->wanted &&
	    (rt->rtm_dst_len != 32 || rt->rtm_table != RT_TABLE_MAIN || !attrs[RTA_OIF] ||
	     (int)nla_get_u32(attrs[RTA_OIF]) == routes->index))
		return;
	for (uint32_t i = 0; i < 1u << (32 - rt->rtm_dst_len); i++)
		if (first + i >= NET_UPLINKS && first + i - NET_UPLINKS < NET_UPLINKS_N)
			routes->taken[first + i - NET_UPLINKS] = true;
}

static int find_routes(struct nl_sock *nl, struct uplink_routes *routes, struct error *err)
{
	AUTO(burst) struct burst b = { .answer = take_route, .ctx = routes };

	message_all_routes(&b);
	return burst_send(nl, &b, err);
}

uint32_t links_free_uplink(uint32_t wanted, struct error *err)
{
	AUTO(netlink) struct nl_sock *nl = NULL;
	struct uplink_routes routes = { .wanted = 0 };
	uint32_t first = wanted > NET_UPLINKS ? wanted - NET_UPLINKS : 0;

	if (netlink_open(-1, &nl, err) < 0 || find_routes(nl, &routes, err) < 0)
		return 0;
	for (uint32_t i = first; i < NET_UPLINKS_N; i++)
		if (!routes.taken[i])
			return NET_UPLINKS + i;
	fail(err, ERROR_HOST, "no address for another uplink is left on this host");
	return 0;
}

/* Two environments may have been given the same free address: the first to make its route has it. */
static int check_route_is_ours(const struct pair *p, const struct net_plan *plan, struct error *err)
{
	struct uplink_routes routes = { .wanted = plan->uplink, .index = p->near_index };

	if (find_routes(p->near_nl, &routes, err) < 0)
		return -1;
	return routes.taken[plan->uplink - NET_UPLINKS] ? LINKS_TAKEN : 0;
}

static int set_up_host_side(const struct pair *p, const struct net_plan *plan, struct error *err)
{
	const struct route route = {
		.index = p->near_index, .destination = plan->uplink, .cubic = true, .unique = true
	};
	AUTO(burst) struct burst b = { 0 };

	/* Published on 127.0.0.1: answers to it arrive here. Nothing else of the host's IPv6 or loopback. */
	if (set_link("ipv6", plan->id, "disable_ipv6", "1", err) < 0 ||
	    set_link("ipv4", plan->id, "route_localnet", "1", err) < 0)
		return -1;
	message_up(&b, p->near_index, p->near.name);
	message_address(&b, p->near_index, NET_GATEWAY);
	message_neighbour(&b, p->near_index, plan->uplink, p->far.mac);
	message_route(&b, &route);
	if (burst_send(p->near_nl, &b, err) < 0)
		return -1;
	return b.requests[3].result ? check_route_is_ours(p, plan, err) : 0;
}

static int set_up_router_side(const struct pair *p, const struct net_plan *plan, struct error *err)
{
	const struct route anywhere = { .index = p->far_index, .gateway = NET_GATEWAY };
	AUTO(burst) struct burst b = { 0 };

	message_up(&b, p->far_index, p->far.name);
	message_address(&b, p->far_index, plan->uplink);
	message_neighbour(&b, p->far_index, NET_GATEWAY, p->near.mac);
	message_route(&b, &anywhere);
	return burst_send(p->far_nl, &b, err);
}

static int ensure_uplink(int router, const struct net_plan *plan, struct error *err)
{
	AUTO(netlink) struct nl_sock *host = NULL;
	AUTO(netlink) struct nl_sock *inside = NULL;
	struct pair p = {
		.far_netns = router,
		/* Brought up later, when its settings are there. */
		.near = { .name = plan->id },
		.far = { .name = UPLINK },
	};

	int r;

	pair_mac(p.near.mac, SIDE_OUTER, plan->uplink);
	pair_mac(p.far.mac, SIDE_INNER, plan->uplink);
	if (netlink_open(-1, &host, err) < 0 || netlink_open(router, &inside, err) < 0)
		return -1;
	p.near_nl = host;
	p.far_nl = inside;
	if (pair_ensure(&p, err) < 0)
		return -1;
	r = set_up_host_side(&p, plan, err);
	if (r != 0)
		return r;
	if (set_up_router_side(&p, plan, err) < 0 || pair_settle(&p, err) < 0)
		return -1;
	return ensure_forwarding(err);
}

int links_ensure_uplink(int router, const struct net_plan *plan, struct error *err)
{
	int r = ensure_uplink(router, plan, err);

	return r < 0 ? fail_in(err, "uplink") : r;
}

int links_ensure_no_uplink(const char *id, struct error *err)
{
	AUTO(netlink) struct nl_sock *nl = NULL;
	struct link_found found;

	if (netlink_open(-1, &nl, err) < 0 || link_find(nl, id, -1, &found, err) < 0)
		return fail_in(err, "uplink");
	if (found.index && !found.veth)
		return 0; /* a link of that name, but none of ours */
	return link_ensure_none(nl, id, err) < 0 ? fail_in(err, "uplink") : 0;
}

static void take_counters(void *ctx, const struct nlmsghdr *h)
{
	struct rtnl_link_stats64 stats = { 0 };
	uint64_t *packets = ctx;
	struct nlattr *attr;

	if (h->nlmsg_type != RTM_NEWLINK)
		return;
	attr = nlmsg_find_attr((struct nlmsghdr *)h, sizeof(struct ifinfomsg), IFLA_STATS64);
	if (!attr)
		return;
	nla_memcpy(&stats, attr, sizeof(stats));
	*packets = stats.rx_packets + stats.tx_packets;
}

int links_uplink_packets(const char *id, uint64_t *packets, struct error *err)
{
	AUTO(netlink) struct nl_sock *nl = NULL;
	uint64_t found = 0;
	AUTO(burst) struct burst b = { .answer = take_counters, .ctx = &found };

	message_count_link(&b, id);
	if (netlink_open(-1, &nl, err) < 0 || burst_send(nl, &b, err) < 0)
		return fail_in(err, "uplink");
	*packets = found;
	return 0;
}
