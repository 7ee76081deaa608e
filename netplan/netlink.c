#include "netplan/netlink.h"

#include <errno.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/auto.h"
#include "base/error.h"
#include "netplan/message.h"
#include "netplan/netns.h"

int netlink_open(int netns, struct nl_sock **out, struct error *err)
{
	AUTO(netlink) struct nl_sock *nl = nl_socket_alloc();
	AUTO(home) int home = -1;
	int on = 1;
	int rc;

	if (!nl)
		abort();
	if (netns >= 0 && netns_enter(netns, &home, err) < 0)
		return -1;
	rc = nl_connect(nl, NETLINK_ROUTE);
	if (rc < 0)
		return fail(err, ERROR_SYSTEM, "open rtnetlink: %s", nl_geterror(rc));
	/* netlink(7): say in words what was wrong, and don't send the request back with it. */
	(void)setsockopt(nl_socket_get_fd(nl), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	(void)setsockopt(nl_socket_get_fd(nl), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	*out = TAKE_PTR(nl);
	return 0;
}

void netlink_close(struct nl_sock **nl)
{
	if (*nl)
		nl_socket_free(*nl);
	*nl = NULL;
}

struct nl_msg *burst_add(struct burst *b, int type, int flags, int accepts, const char *fmt, ...)
{
	struct request *r = &b->requests[b->n];
	va_list args;

	if (b->n == BURST_MAX)
		abort();
	*r = (struct request){ .msg = nlmsg_alloc_simple(type, NLM_F_REQUEST | flags),
			       .accepts = accepts };
	if (!r->msg)
		abort();
	va_start(args, fmt);
	vsnprintf(r->what, sizeof(r->what), fmt, args);
	va_end(args);
	b->n++;
	return r->msg;
}

void burst_clear(struct burst *b)
{
	for (size_t i = 0; i < b->n; i++)
		nlmsg_free(b->requests[i].msg);
	b->n = 0;
}

/* The kernel's own words (NLMSGERR_ATTR_MSG), or NULL. */
static const char *reason(const struct nlmsghdr *h)
{
	struct nlattr *attr;

	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS) || !(h->nlmsg_flags & NLM_F_CAPPED))
		return NULL;
	attr = nlmsg_find_attr((struct nlmsghdr *)h, sizeof(struct nlmsgerr), NLMSGERR_ATTR_MSG);
	return attr ? nla_get_string(attr) : NULL;
}

static void take_result(struct request *r, const struct nlmsghdr *h, struct error *first)
{
	const struct nlmsgerr *e = nlmsg_data(h);
	const char *why;

	r->result = -e->error;
	if (!r->result || r->result == r->accepts || first->kind != ERROR_NONE)
		return;
	why = reason(h);
	errno = r->result;
	fail_errno(first, "%s%s%s%s", r->what, why ? " (" : "", why ? why : "", why ? ")" : "");
}

/* Returns true when the answer to the last request has been read. */
static bool take_answers(struct burst *b, uint32_t seq, const char *buf, int len,
			 struct error *first)
{
	const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)buf;
	bool end = false;

	for (; nlmsg_ok(h, len); h = nlmsg_next((struct nlmsghdr *)h, &len)) {
		uint32_t i = h->nlmsg_seq - seq;

		if (i >= b->n)
			continue; /* of no request of ours */
		if (h->nlmsg_type == NLMSG_ERROR)
			take_result(&b->requests[i], h, first);
		else if (h->nlmsg_type != NLMSG_DONE && b->answer)
			b->answer(b->ctx, h);
		if (i == b->n - 1 && (h->nlmsg_type == NLMSG_ERROR || h->nlmsg_type == NLMSG_DONE))
			end = true;
	}
	return end;
}

static int receive(struct nl_sock *nl, struct burst *b, uint32_t seq, struct error *first,
		   struct error *err)
{
	_Alignas(struct nlmsghdr) char buf[32768]; /* as large as the kernel makes them */
	ssize_t len;

	do {
		len = recv(nl_socket_get_fd(nl), buf, sizeof(buf), 0);
		if (len < 0 && errno != EINTR)
			return fail_errno(err, "read from rtnetlink");
	} while (len < 0 || !take_answers(b, seq, buf, (int)len, first));
	return 0;
}

/* All requests are sent in one piece; only the last asks for an answer when all goes well. */
int burst_send(struct nl_sock *nl, struct burst *b, struct error *err)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct iovec iov[BURST_MAX];
	struct msghdr message = { .msg_name = (void *)&kernel,
				  .msg_namelen = sizeof(kernel),
				  .msg_iov = iov,
				  .msg_iovlen = b->n };
	struct error first = { 0 };
	uint32_t seq = 0;

	for (size_t i = 0; i < b->n; i++) {
		struct nlmsghdr *h = nlmsg_hdr(b->requests[i].msg);

		h->nlmsg_seq = nl_socket_use_seq(nl);
		if (i == 0)
			seq = h->nlmsg_seq;
		if (i == b->n - 1)
			h->nlmsg_flags |= NLM_F_ACK;
		iov[i] = (struct iovec){ h, NLMSG_ALIGN(h->nlmsg_len) };
	}
	if (sendmsg(nl_socket_get_fd(nl), &message, 0) < 0)
		return fail_errno(err, "write to rtnetlink");
	if (receive(nl, b, seq, &first, err) < 0)
		return -1;
	burst_clear(b);
	if (first.kind == ERROR_NONE)
		return 0;
	*err = first;
	return -1;
}

/* What link_find collects. */
struct finding {
	struct link_found *found;
	int peer_nsid; /* where the other end is, as a number of nl's namespace; -1: nowhere known */
	int nsid;      /* of the namespace asked for */
};

static bool is_veth(struct nlattr *info)
{
	struct nlattr *kind = info ? nla_find(nla_data(info), nla_len(info), IFLA_INFO_KIND) : NULL;

	return kind && nla_strcmp(kind, "veth") == 0;
}

static void take_link(struct finding *f, const struct nlmsghdr *h)
{
	const struct ifinfomsg *link = nlmsg_data(h);
	struct nlattr *attrs[IFLA_MAX + 1];

	if (nlmsg_parse((struct nlmsghdr *)h, sizeof(*link), attrs, IFLA_MAX, NULL) < 0)
		return;
	f->found->index = link->ifi_index;
	f->found->veth = is_veth(attrs[IFLA_LINKINFO]);
	if (attrs[IFLA_LINK])
		f->found->peer = (int)nla_get_u32(attrs[IFLA_LINK]);
	if (attrs[IFLA_LINK_NETNSID])
		f->peer_nsid = (int)nla_get_u32(attrs[IFLA_LINK_NETNSID]);
	if (attrs[IFLA_ADDRESS] && nla_len(attrs[IFLA_ADDRESS]) == sizeof(f->found->mac))
		memcpy(f->found->mac, nla_data(attrs[IFLA_ADDRESS]), sizeof(f->found->mac));
}

static void take_finding(void *ctx, const struct nlmsghdr *h)
{
	struct finding *f = ctx;
	struct nlattr *nsid;

	if (h->nlmsg_type == RTM_NEWLINK)
		take_link(f, h);
	if (h->nlmsg_type != RTM_NEWNSID)
		return;
	nsid = nlmsg_find_attr((struct nlmsghdr *)h, sizeof(struct rtgenmsg), NETNSA_NSID);
	if (nsid)
		f->nsid = (int)nla_get_u32(nsid);
}

int link_find(struct nl_sock *nl, const char *name, int netns, struct link_found *out,
	      struct error *err)
{
	struct link_found found = { 0 };
	struct finding f = { .found = &found, .peer_nsid = -1, .nsid = -1 };
	AUTO(burst) struct burst b = { .answer = take_finding, .ctx = &f };

	message_find_link(&b, name);
	/* Afterwards: asking for the link gives the namespace of its other end a number. */
	if (netns >= 0)
		message_find_nsid(&b, netns);
	if (burst_send(nl, &b, err) < 0)
		return -1;
	found.peer_there = f.nsid >= 0 && f.nsid == f.peer_nsid;
	*out = found;
	return 0;
}

int link_ensure_none(struct nl_sock *nl, const char *name, struct error *err)
{
	const struct timespec pause = { .tv_nsec = 250000 };
	AUTO(burst) struct burst b = { 0 };
	struct link_found found;

	for (int i = 0; i < 20; i++) {
		if (link_find(nl, name, -1, &found, err) < 0)
			return -1;
		if (!found.index)
			return 0;
		nanosleep(&pause, NULL);
	}
	message_delete_link(&b, name);
	return burst_send(nl, &b, err);
}
