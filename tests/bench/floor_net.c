/* Links and rules of the floor: one burst of rtnetlink(7) messages a side, one nftables batch. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <linux/if_link.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/floor.h"

#define GATEWAY 0xa9fe0101u /* 169.254.1.1 */
#define FIRST 0xa9fe1002u   /* 169.254.16.2 */
#define ETH0 2
#define ROUTER_LINK(i) (10 + (int)(i))

static void put_sysctl(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		die(path);
	close(fd);
}

static int open_netlink(int protocol)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

	if (fd < 0)
		die("netlink socket");
	return fd;
}

void router_make(struct router *r, int home)
{
	if (unshare(CLONE_NEWNET) < 0)
		die("unshare router");
	r->netns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	r->route = open_netlink(NETLINK_ROUTE);
	r->filter = open_netlink(NETLINK_NETFILTER);
	put_sysctl("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
	put_sysctl("/proc/sys/net/ipv4/ip_forward", "1");
	if (r->netns < 0 || setns(home, CLONE_NEWNET) < 0)
		die("come back from the router");
}

void router_close(struct router *r)
{
	close(r->route);
	close(r->filter);
	close(r->netns);
}

/* Messages of one burst, and the sequence number of the last. */
struct burst {
	_Alignas(struct nlmsghdr) char data[2048];
	size_t size;
	struct nlmsghdr *last;
	uint32_t seq;
};

static void begin(struct burst *b, uint16_t type, uint16_t flags, const void *head, size_t size)
{
	b->last = mnl_nlmsg_put_header(b->data + b->size);
	b->last->nlmsg_type = type;
	b->last->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	b->last->nlmsg_seq = ++b->seq;
	memcpy(mnl_nlmsg_put_extra_header(b->last, size), head, size);
}

static void end(struct burst *b)
{
	b->size += (b->last->nlmsg_len + 3u) & ~3u; /* as MNL_ALIGN, which mixes signs */
}

/* Failures are always answered; success of the last only, which is asked for. */
static void wait_answer(int fd, uint32_t last, const char *what)
{
	char answer[8192];

	for (;;) {
		ssize_t got = recv(fd, answer, sizeof(answer), 0);
		int left = (int)got;

		if (got < 0)
			die(what);
		for (struct nlmsghdr *h = (void *)answer; mnl_nlmsg_ok(h, left);
		     h = mnl_nlmsg_next(h, &left)) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);

			if (h->nlmsg_type != NLMSG_ERROR)
				continue;
			errno = -e->error;
			if (e->error)
				die(what);
			if (h->nlmsg_seq == last)
				return;
		}
	}
}

static void send_burst(int fd, struct burst *b, const char *what)
{
	b->last->nlmsg_flags |= NLM_F_ACK;
	if (send(fd, b->data, b->size, 0) < 0)
		die(what);
	wait_answer(fd, b->seq, what);
}

static void add_address(struct burst *b, uint32_t address)
{
	struct ifaddrmsg head = { .ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_index = ETH0 };

	begin(b, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
	mnl_attr_put_u32(b->last, IFA_LOCAL, htonl(address));
	mnl_attr_put_u32(b->last, IFA_ADDRESS, htonl(address));
	end(b);
}

/* To one address, or with via set the default. */
static void add_route(struct burst *b, int link, uint32_t to, uint32_t via)
{
	struct rtmsg head = { .rtm_family = AF_INET,
			      .rtm_dst_len = via ? 0 : 32,
			      .rtm_table = RT_TABLE_MAIN,
			      .rtm_protocol = RTPROT_STATIC,
			      .rtm_scope = via ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
			      .rtm_type = RTN_UNICAST };

	begin(b, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
	if (via)
		mnl_attr_put_u32(b->last, RTA_GATEWAY, htonl(via));
	else
		mnl_attr_put_u32(b->last, RTA_DST, htonl(to));
	mnl_attr_put_u32(b->last, RTA_OIF, (uint32_t)link);
	end(b);
}

static void add_neighbour(struct burst *b, int link, uint32_t address, const unsigned char mac[6])
{
	struct ndmsg head = { .ndm_family = AF_INET,
			      .ndm_ifindex = link,
			      .ndm_state = NUD_PERMANENT };

	begin(b, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &head, sizeof(head));
	mnl_attr_put_u32(b->last, NDA_DST, htonl(address));
	mnl_attr_put(b->last, NDA_LLADDR, 6, mac);
	end(b);
}

/*
 * Both ends where they belong, with index and MAC, in one message: nothing is ever moved. Only this end
 * can be up at once: the other has no peer yet when it is made.
 */
static void add_veth(struct burst *b, unsigned i, int netns, const unsigned char here[6],
		     const unsigned char there[6])
{
	struct ifinfomsg head = { .ifi_index = ROUTER_LINK(i),
				  .ifi_flags = IFF_UP,
				  .ifi_change = IFF_UP };
	struct ifinfomsg peer = { .ifi_index = ETH0 };
	struct nlattr *info, *data, *other;
	char name[16];

	snprintf(name, sizeof(name), "v%u", i);
	begin(b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
	mnl_attr_put_strz(b->last, IFLA_IFNAME, name);
	mnl_attr_put(b->last, IFLA_ADDRESS, 6, here);
	info = mnl_attr_nest_start(b->last, IFLA_LINKINFO);
	mnl_attr_put_strz(b->last, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(b->last, IFLA_INFO_DATA);
	other = mnl_attr_nest_start(b->last, VETH_INFO_PEER);
	memcpy(mnl_nlmsg_put_extra_header(b->last, sizeof(peer)), &peer, sizeof(peer));
	mnl_attr_put_strz(b->last, IFLA_IFNAME, "eth0");
	mnl_attr_put(b->last, IFLA_ADDRESS, 6, there);
	mnl_attr_put_u32(b->last, IFLA_NET_NS_FD, (uint32_t)netns);
	mnl_attr_nest_end(b->last, other);
	mnl_attr_nest_end(b->last, data);
	mnl_attr_nest_end(b->last, info);
	end(b);
}

static void add_up(struct burst *b, int link)
{
	struct ifinfomsg head = { .ifi_index = link, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };

	begin(b, RTM_NEWLINK, 0, &head, sizeof(head));
	end(b);
}

/* What only the container's own namespace can be told. */
static void set_up_inside(unsigned i, int fd, const unsigned char router[6])
{
	struct burst b = { 0 };

	add_up(&b, 1);
	add_up(&b, ETH0);
	add_address(&b, FIRST + i);
	add_route(&b, ETH0, GATEWAY, 0);
	add_route(&b, ETH0, 0, GATEWAY);
	add_neighbour(&b, ETH0, GATEWAY, router);
	send_burst(fd, &b, "set up eth0");
}

void router_link(const struct router *r, unsigned i, int netns, int home)
{
	const unsigned char here[6] = { 2, 0, 0, 0, 1, (unsigned char)i };
	const unsigned char there[6] = { 2, 0, 0, 0, 2, (unsigned char)i };
	struct burst b = { 0 };
	int inside;

	if (setns(netns, CLONE_NEWNET) < 0)
		die("enter the container's network");
	inside = open_netlink(NETLINK_ROUTE);
	put_sysctl("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
	put_sysctl("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
	if (setns(home, CLONE_NEWNET) < 0)
		die("come back from the container's network");
	add_veth(&b, i, netns, here, there);
	add_route(&b, ROUTER_LINK(i), FIRST + i, 0);
	add_neighbour(&b, ROUTER_LINK(i), FIRST + i, there);
	send_burst(r->route, &b, "make a veth");
	set_up_inside(i, inside, here);
	close(inside);
}

#define TABLE "floor"
#define ALLOWED "allowed"

static struct nlmsghdr *next(struct mnl_nlmsg_batch *batch, uint16_t type, uint16_t flags,
			     uint32_t *seq)
{
	return nftnl_nlmsg_build_hdr(mnl_nlmsg_batch_current(batch), type, NFPROTO_IPV4, flags,
				     ++*seq);
}

static void put_table(struct mnl_nlmsg_batch *batch, uint32_t *seq)
{
	struct nftnl_table *t = nftnl_table_alloc();

	nftnl_table_set_u32(t, NFTNL_TABLE_FAMILY, NFPROTO_IPV4);
	nftnl_table_set_str(t, NFTNL_TABLE_NAME, TABLE);
	nftnl_table_nlmsg_build_payload(next(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE, seq), t);
	nftnl_table_free(t);
	mnl_nlmsg_batch_next(batch);
}

static void put_set(struct mnl_nlmsg_batch *batch, uint32_t *seq)
{
	struct nftnl_set *s = nftnl_set_alloc();

	nftnl_set_set_str(s, NFTNL_SET_TABLE, TABLE);
	nftnl_set_set_str(s, NFTNL_SET_NAME, ALLOWED);
	nftnl_set_set_u32(s, NFTNL_SET_FAMILY, NFPROTO_IPV4);
	nftnl_set_set_u32(s, NFTNL_SET_ID, 1);
	nftnl_set_set_u32(s, NFTNL_SET_KEY_TYPE, 1);
	nftnl_set_set_u32(s, NFTNL_SET_KEY_LEN, 16);
	nftnl_set_set_u32(s, NFTNL_SET_DESC_SIZE, 16);
	nftnl_set_nlmsg_build_payload(next(batch, NFT_MSG_NEWSET, NLM_F_CREATE, seq), s);
	mnl_nlmsg_batch_next(batch);
	for (uint32_t i = 0; i < 10; i++) {
		/* Each part of a concatenation fills 32 bits: protocol and port stand in front. */
		uint8_t key[16] = { 0 };
		uint32_t from = htonl(FIRST + i % MEMBERS), to = htonl(FIRST + (i + 1) % MEMBERS);
		uint16_t port = htons((uint16_t)(3306 + i));
		struct nftnl_set_elem *e = nftnl_set_elem_alloc();

		memcpy(key, &from, 4);
		memcpy(key + 4, &to, 4);
		key[8] = IPPROTO_TCP;
		memcpy(key + 12, &port, 2);
		nftnl_set_elem_set(e, NFTNL_SET_ELEM_KEY, key, sizeof(key));
		nftnl_set_elem_add(s, e);
	}
	nftnl_set_elems_nlmsg_build_payload(next(batch, NFT_MSG_NEWSETELEM, NLM_F_CREATE, seq), s);
	nftnl_set_free(s);
	mnl_nlmsg_batch_next(batch);
}

static void put_chain(struct mnl_nlmsg_batch *batch, uint32_t *seq)
{
	struct nftnl_chain *c = nftnl_chain_alloc();

	nftnl_chain_set_str(c, NFTNL_CHAIN_TABLE, TABLE);
	nftnl_chain_set_str(c, NFTNL_CHAIN_NAME, "forward");
	nftnl_chain_set_str(c, NFTNL_CHAIN_TYPE, "filter");
	nftnl_chain_set_u32(c, NFTNL_CHAIN_HOOKNUM, NF_INET_FORWARD);
	nftnl_chain_set_s32(c, NFTNL_CHAIN_PRIO, 0);
	nftnl_chain_set_u32(c, NFTNL_CHAIN_POLICY, NF_DROP);
	nftnl_chain_nlmsg_build_payload(next(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE, seq), c);
	nftnl_chain_free(c);
	mnl_nlmsg_batch_next(batch);
}

static struct nftnl_expr *add(struct nftnl_rule *r, const char *name)
{
	struct nftnl_expr *e = nftnl_expr_alloc(name);

	if (!e)
		die(name);
	nftnl_rule_add_expr(r, e);
	return e;
}

static void add_load(struct nftnl_rule *r, uint32_t base, uint32_t offset, uint32_t len,
		     uint32_t into)
{
	struct nftnl_expr *e = add(r, "payload");

	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, base);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, len);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, into);
}

static void put_rule(struct mnl_nlmsg_batch *batch, uint32_t *seq, struct nftnl_rule *r,
		     uint16_t flags)
{
	struct nftnl_expr *e = add(r, "immediate");

	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, NF_ACCEPT);
	nftnl_rule_set_str(r, NFTNL_RULE_TABLE, TABLE);
	nftnl_rule_set_str(r, NFTNL_RULE_CHAIN, "forward");
	nftnl_rule_nlmsg_build_payload(
		next(batch, NFT_MSG_NEWRULE, (uint16_t)(NLM_F_CREATE | NLM_F_APPEND | flags), seq),
		r);
	nftnl_rule_free(r);
	mnl_nlmsg_batch_next(batch);
}

/* ct state established,related accept */
static struct nftnl_rule *rule_replies(void)
{
	const uint32_t mask = NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED);
	const uint32_t zero = 0;
	struct nftnl_rule *r = nftnl_rule_alloc();
	struct nftnl_expr *e = add(r, "ct");

	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, NFT_CT_STATE);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_DREG, NFT_REG_1);
	e = add(r, "bitwise");
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, sizeof(mask));
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, &mask, sizeof(mask));
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, &zero, sizeof(zero));
	e = add(r, "cmp");
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, NFT_CMP_NEQ);
	nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, &zero, sizeof(zero));
	return r;
}

/* ip saddr . ip daddr . meta l4proto . th dport @allowed accept */
static struct nftnl_rule *rule_allowed(void)
{
	struct nftnl_rule *r = nftnl_rule_alloc();
	struct nftnl_expr *e;

	add_load(r, NFT_PAYLOAD_NETWORK_HEADER, 12, 4, NFT_REG32_00);
	add_load(r, NFT_PAYLOAD_NETWORK_HEADER, 16, 4, NFT_REG32_01);
	e = add(r, "meta");
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, NFT_META_L4PROTO);
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, NFT_REG32_02);
	add_load(r, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, NFT_REG32_03);
	e = add(r, "lookup");
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, NFT_REG32_00);
	nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, ALLOWED);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SET_ID, 1);
	return r;
}

void router_filter(const struct router *r)
{
	static char room[16384];
	struct mnl_nlmsg_batch *batch = mnl_nlmsg_batch_start(room, sizeof(room) / 2);
	uint32_t seq = 0, last;

	nftnl_batch_begin(mnl_nlmsg_batch_current(batch), ++seq);
	mnl_nlmsg_batch_next(batch);
	put_table(batch, &seq);
	put_set(batch, &seq);
	put_chain(batch, &seq);
	put_rule(batch, &seq, rule_replies(), 0);
	put_rule(batch, &seq, rule_allowed(), NLM_F_ACK);
	last = seq;
	nftnl_batch_end(mnl_nlmsg_batch_current(batch), ++seq);
	mnl_nlmsg_batch_next(batch);
	if (send(r->filter, mnl_nlmsg_batch_head(batch), mnl_nlmsg_batch_size(batch), 0) < 0)
		die("send rules");
	wait_answer(r->filter, last, "add rules");
	mnl_nlmsg_batch_stop(batch);
}
