/*
 * links.c - routers and the links of their members
 */
#include "netplan/links.h"

#include <stdio.h>

#include "base/auto.h"
#include "base/error.h"
#include "netplan/netlink.h"
#include "netplan/netns.h"
#include "netplan/pair.h"

#define LOOPBACK_INDEX 1 /* in every network namespace */

static int raise_loopback(struct error *err)
{
	AUTO(netlink) struct nl_sock *nl = NULL;
	AUTO(burst) struct burst b = { 0 };

	if (netlink_open(-1, &nl, err) < 0)
		return -1;
	message_up(&b, LOOPBACK_INDEX, "lo");
	return burst_send(nl, &b, err);
}

int links_make_router(int *netns, struct error *err)
{
	AUTO(home) int home = -1;
	AUTO(fd) int made = -1;

	if (netns_make(&home, err) < 0 || netns_open(&made, err) < 0)
		return -1;
	/* "all" is also the default of links to come, and must be set before them. */
	if (netns_set_if_any("ipv6/conf/all/disable_ipv6", "1", err) < 0 ||
	    /* ip-sysctl: answer nobody's ARP; neighbours are static. */
	    netns_set("ipv4/conf/all/arp_ignore", "8", err) < 0 ||
	    /* The host's setting was inherited; nothing is forwarded before there are rules. */
	    netns_set("ipv4/ip_forward", "0", err) < 0 || raise_loopback(err) < 0)
		return fail_in(err, "router");
	*netns = TAKE_FD(made);
	return 0;
}

/* The container's root has no capability over this namespace, so this is set for it. */
static int prepare_member(int netns, struct error *err)
{
	AUTO(home) int home = -1;

	if (netns_enter(netns, &home, err) < 0)
		return -1;
	if (netns_set_if_any("ipv6/conf/all/disable_ipv6", "1", err) < 0 ||
	    netns_set("ipv4/ip_unprivileged_port_start", "0", err) < 0)
		return -1;
	return netns_set("ipv4/ping_group_range", "0 2147483647", err);
}

static int set_up_router_side(const struct pair *p, const struct net_member *member,
			      struct error *err)
{
	const struct route route = { .index = p->near_index, .destination = member->address };
	AUTO(burst) struct burst b = { 0 };

	message_up(&b, p->near_index, p->near.name);
	message_route(&b, &route);
	message_neighbour(&b, p->near_index, member->address, p->far.mac);
	return burst_send(p->near_nl, &b, err);
}

static int set_up_inside(const struct pair *p, const struct net_member *member, struct error *err)
{
	const struct route to_gateway = { .index = p->far_index,
					  .destination = NET_GATEWAY,
					  .cubic = true };
	const struct route anywhere = { .index = p->far_index,
					.gateway = NET_GATEWAY,
					.cubic = true };
	AUTO(burst) struct burst b = { 0 };

	message_up(&b, LOOPBACK_INDEX, "lo");
	message_up(&b, p->far_index, p->far.name);
	message_address(&b, p->far_index, member->address);
	message_neighbour(&b, p->far_index, NET_GATEWAY, p->near.mac);
	message_route(&b, &to_gateway);
	message_route(&b, &anywhere);
	return burst_send(p->far_nl, &b, err);
}

static int ensure_member(int router, int netns, const struct net_member *member, struct error *err)
{
	AUTO(netlink) struct nl_sock *outside = NULL;
	AUTO(netlink) struct nl_sock *inside = NULL;
	struct pair p = { .far_netns = netns, .far = { .name = "eth0" } };
	char name[8];

	snprintf(name, sizeof(name), "c%04x", member->address & 0xffff);
	p.near = (struct veth_end){ .name = name, .up = true };
	pair_mac(p.near.mac, SIDE_OUTER, member->address);
	pair_mac(p.far.mac, SIDE_INNER, member->address);
	if (prepare_member(netns, err) < 0 || netlink_open(router, &outside, err) < 0 ||
	    netlink_open(netns, &inside, err) < 0)
		return -1;
	p.near_nl = outside;
	p.far_nl = inside;
	if (pair_ensure(&p, err) < 0 || set_up_router_side(&p, member, err) < 0 ||
	    set_up_inside(&p, member, err) < 0)
		return -1;
	return pair_settle(&p, err);
}

int links_ensure_member(int router, int netns, const struct net_member *member, struct error *err)
{
	if (ensure_member(router, netns, member, err) < 0)
		return fail_in(err, "%s", member->name);
	return 0;
}
