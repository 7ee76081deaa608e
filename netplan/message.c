#include "netplan/message.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/neighbour.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

#include "netplan/netlink.h"
#include "netplan/plan.h"

#define MAKE_OR_REPLACE (NLM_F_CREATE | NLM_F_REPLACE)

/* A message has a page of room and needs a few hundred bytes: running out is a bug. */
static void need(int rc)
{
	if (rc < 0)
		abort();
}

static struct nlattr *nest(struct nl_msg *msg, int type)
{
	struct nlattr *start = nla_nest_start(msg, type);

	if (!start)
		abort();
	return start;
}

static void put_address(struct nl_msg *msg, int type, uint32_t address)
{
	need(nla_put_u32(msg, type, htonl(address)));
}

static void put_end(struct nl_msg *msg, const struct veth_end *end)
{
	const unsigned flags = end->up ? IFF_UP : 0;
	const struct ifinfomsg link = { .ifi_flags = flags, .ifi_change = flags };

	need(nlmsg_append(msg, (void *)&link, sizeof(link), NLMSG_ALIGNTO));
	need(nla_put_string(msg, IFLA_IFNAME, end->name));
	need(nla_put(msg, IFLA_ADDRESS, sizeof(end->mac), end->mac));
	/* The default reserves a queue for every possible CPU and uses one. */
	need(nla_put_u32(msg, IFLA_NUM_TX_QUEUES, 1));
	need(nla_put_u32(msg, IFLA_NUM_RX_QUEUES, 1));
}

void message_veth(struct burst *b, const struct veth_end *near, const struct veth_end *far,
		  int netns)
{
	struct nl_msg *msg = burst_add(b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, EEXIST,
				       "make link %s", near->name);
	struct nlattr *info, *data, *peer;

	put_end(msg, near);
	info = nest(msg, IFLA_LINKINFO);
	need(nla_put_string(msg, IFLA_INFO_KIND, "veth"));
	data = nest(msg, IFLA_INFO_DATA);
	peer = nest(msg, VETH_INFO_PEER);
	put_end(msg, far);
	need(nla_put_u32(msg, IFLA_NET_NS_FD, (uint32_t)netns));
	need(nla_nest_end(msg, peer));
	need(nla_nest_end(msg, data));
	need(nla_nest_end(msg, info));
}

void message_up(struct burst *b, int index, const char *name)
{
	const struct ifinfomsg link = { .ifi_index = index,
					.ifi_flags = IFF_UP,
					.ifi_change = IFF_UP };
	struct nl_msg *msg = burst_add(b, RTM_SETLINK, 0, 0, "bring up %s", name);

	need(nlmsg_append(msg, (void *)&link, sizeof(link), NLMSG_ALIGNTO));
}

static struct nl_msg *add_by_name(struct burst *b, int type, const char *verb, const char *name)
{
	const struct ifinfomsg link = { 0 };
	struct nl_msg *msg = burst_add(b, type, 0, ENODEV, "%s link %s", verb, name);

	need(nlmsg_append(msg, (void *)&link, sizeof(link), NLMSG_ALIGNTO));
	need(nla_put_string(msg, IFLA_IFNAME, name));
	return msg;
}

void message_delete_link(struct burst *b, const char *name)
{
	add_by_name(b, RTM_DELLINK, "delete", name);
}

void message_find_link(struct burst *b, const char *name)
{
	struct nl_msg *msg = add_by_name(b, RTM_GETLINK, "find", name);

	need(nla_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS));
}

void message_count_link(struct burst *b, const char *name)
{
	(void)add_by_name(b, RTM_GETLINK, "count", name);
}

void message_find_nsid(struct burst *b, int netns)
{
	const struct rtgenmsg any = { .rtgen_family = AF_UNSPEC };
	struct nl_msg *msg = burst_add(b, RTM_GETNSID, 0, 0, "find a namespace");

	need(nlmsg_append(msg, (void *)&any, sizeof(any), NLMSG_ALIGNTO));
	need(nla_put_u32(msg, NETNSA_FD, (uint32_t)netns));
}

void message_address(struct burst *b, int index, uint32_t address)
{
	const struct ifaddrmsg addr = { .ifa_family = AF_INET,
					.ifa_prefixlen = 32,
					.ifa_index = (uint32_t)index };
	char text[INET_ADDRSTRLEN];
	struct nl_msg *msg = burst_add(b, RTM_NEWADDR, MAKE_OR_REPLACE, 0, "add address %s",
				       net_print(text, address));

	need(nlmsg_append(msg, (void *)&addr, sizeof(addr), NLMSG_ALIGNTO));
	put_address(msg, IFA_LOCAL, address);
	put_address(msg, IFA_ADDRESS, address);
}

void message_neighbour(struct burst *b, int index, uint32_t address, const uint8_t mac[6])
{
	const struct ndmsg neighbour = { .ndm_family = AF_INET,
					 .ndm_ifindex = index,
					 .ndm_state = NUD_PERMANENT };
	char text[INET_ADDRSTRLEN];
	struct nl_msg *msg = burst_add(b, RTM_NEWNEIGH, MAKE_OR_REPLACE, 0, "add neighbour %s",
				       net_print(text, address));

	need(nlmsg_append(msg, (void *)&neighbour, sizeof(neighbour), NLMSG_ALIGNTO));
	put_address(msg, NDA_DST, address);
	need(nla_put(msg, NDA_LLADDR, 6, mac));
}

void message_route(struct burst *b, const struct route *route)
{
	const struct rtmsg rt = {
		.rtm_family = AF_INET,
		.rtm_dst_len = route->destination ? 32 : 0,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = route->gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
		.rtm_type = RTN_UNICAST,
		.rtm_flags = route->gateway ? RTNH_F_ONLINK : 0,
	};
	char text[INET_ADDRSTRLEN];
	struct nl_msg *msg = burst_add(
		b, RTM_NEWROUTE, route->unique ? NLM_F_CREATE | NLM_F_EXCL : MAKE_OR_REPLACE,
		route->unique ? EEXIST : 0, "add route to %s",
		route->destination ? net_print(text, route->destination) : "anywhere");
	struct nlattr *metrics;

	need(nlmsg_append(msg, (void *)&rt, sizeof(rt), NLMSG_ALIGNTO));
	need(nla_put_u32(msg, RTA_OIF, (uint32_t)route->index));
	if (route->destination)
		put_address(msg, RTA_DST, route->destination);
	if (route->gateway)
		put_address(msg, RTA_GATEWAY, route->gateway);
	if (!route->cubic)
		return;
	/* A pacing default of the host, as BBR is, would cost most of a local stream's throughput. */
	metrics = nest(msg, RTA_METRICS);
	need(nla_put_string(msg, RTAX_CC_ALGO, "cubic"));
	need(nla_nest_end(msg, metrics));
}

void message_all_routes(struct burst *b)
{
	const struct rtmsg rt = { .rtm_family = AF_INET };
	struct nl_msg *msg = burst_add(b, RTM_GETROUTE, NLM_F_DUMP, 0, "list routes");

	need(nlmsg_append(msg, (void *)&rt, sizeof(rt), NLMSG_ALIGNTO));
}
