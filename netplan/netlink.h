/*
 * netlink.h - conversations with rtnetlink(7): several requests in one system call
 *
 * The kernel works a burst off in order, within sendmsg(2), and goes on after a
 * request that fails; each request says which error is as good as success.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct nl_msg;
struct nl_sock;
struct nlmsghdr;

/* A socket in that namespace (-1: the caller's). */
int netlink_open(int netns, struct nl_sock **out, struct error *err);
void netlink_close(struct nl_sock **nl);
#define auto_netlink netlink_close /* AUTO(netlink) struct nl_sock *nl = NULL; */

struct request {
	struct nl_msg *msg;
	char what[48]; /* "address of eth0": for the error */
	int accepts;   /* an errno that is no failure, or 0 */
	int result;    /* 0 or the errno, after burst_send */
};

#define BURST_MAX 8
struct burst {
	struct request requests[BURST_MAX];
	size_t n;
	/* Called for what the kernel answers to RTM_GET requests; or NULL. */
	void (*answer)(void *ctx, const struct nlmsghdr *header);
	void *ctx;
};
#define auto_burst burst_clear /* AUTO(burst) struct burst b = { 0 }; */

/* One more request; to be filled with attributes at once. Never NULL. */
struct nl_msg *burst_add(struct burst *b, int type, int flags, int accepts, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* Send all, wait for the end; the first failure that is not accepted is reported. The burst is empty afterwards. */
int burst_send(struct nl_sock *nl, struct burst *b, struct error *err);
void burst_clear(struct burst *b);

/* What the kernel says of a link; index 0: there is none. */
struct link_found {
	int index;
	int peer; /* index of the other end, in its namespace */
	bool veth;
	bool peer_there; /* the other end is in the namespace asked for */
	uint8_t mac[6];
};

/* Look for name in nl's namespace; netns: where its other end should be, or -1. */
int link_find(struct nl_sock *nl, const char *name, int netns, struct link_found *out,
	      struct error *err);

/*
 * The link is gone afterwards. One whose other end's namespace is just being dropped goes by itself,
 * sooner than it can be deleted, so that is waited for first (5 ms).
 */
int link_ensure_none(struct nl_sock *nl, const char *name, struct error *err);
