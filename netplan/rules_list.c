/*
 * rules_list.c - what the kernel says is allowed; see rules.h
 */
/* Before the kernel's headers, which then leave out what libc defines. */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/error.h"
#include "netplan/nft.h"
#include "netplan/rules.h"

struct listing {
	struct net_path *out;
	size_t n, max;
};

static void auto_set(struct nftnl_set **set)
{
	if (*set)
		nftnl_set_free(*set);
}

static struct nftnl_set *new_set(void)
{
	struct nftnl_set *set = nftnl_set_alloc();

	if (!set)
		abort();
	return set;
}

static int take_element(struct nftnl_set_elem *e, void *data)
{
	struct listing *l = data;
	struct net_path *p = &l->out[l->n];
	uint32_t size, part[4];
	uint16_t port;
	const void *key = nftnl_set_elem_get(e, NFTNL_SET_ELEM_KEY, &size);

	if (!key || size != sizeof(part) || l->n == l->max)
		return 0;
	memcpy(part, key, sizeof(part));
	p->source = ntohl(part[0]);
	p->destination = ntohl(part[1]);
	memcpy(&p->protocol, &part[2], sizeof(p->protocol));
	memcpy(&port, &part[3], sizeof(port));
	p->port = ntohs(port);
	l->n++;
	return 0;
}

static int take_message(const struct nlmsghdr *h, void *data)
{
	AUTO(set) struct nftnl_set *set = new_set();

	if (nftnl_set_elems_nlmsg_parse(h, set) < 0)
		return MNL_CB_ERROR;
	nftnl_set_elem_foreach(set, take_element, data);
	return MNL_CB_OK;
}

static int ask(struct mnl_socket *nl, struct error *err)
{
	AUTO(set) struct nftnl_set *set = new_set();
	_Alignas(struct nlmsghdr) char buf[1024];
	struct nlmsghdr *h =
		nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETSETELEM, NFPROTO_IPV4, NLM_F_DUMP, 1);

	nftnl_set_set_str(set, NFTNL_SET_TABLE, NFT_TABLE_NAME);
	nftnl_set_set_str(set, NFTNL_SET_NAME, "allowed");
	nftnl_set_elems_nlmsg_build_payload(h, set);
	if (mnl_socket_sendto(nl, h, h->nlmsg_len) < 0)
		return fail_errno(err, "ask for the rules");
	return 0;
}

static int collect(struct mnl_socket *nl, struct listing *l, struct error *err)
{
	_Alignas(struct nlmsghdr) char buf[32768];
	int more = MNL_CB_OK;

	while (more > MNL_CB_STOP) {
		ssize_t len = mnl_socket_recvfrom(nl, buf, sizeof(buf));

		if (len < 0)
			return fail_errno(err, "read the rules");
		more = mnl_cb_run(buf, (size_t)len, 1, mnl_socket_get_portid(nl), take_message, l);
	}
	/* A router without rules forwards nothing. */
	return more < 0 && errno != ENOENT ? fail_errno(err, "list the rules") : 0;
}

static int by_key(const void *a, const void *b)
{
	const struct net_path *x = a, *y = b;

	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	if (x->destination != y->destination)
		return x->destination < y->destination ? -1 : 1;
	if (x->protocol != y->protocol)
		return x->protocol < y->protocol ? -1 : 1;
	return (x->port > y->port) - (x->port < y->port);
}

int rules_list(int router, struct net_path *out, size_t max, struct error *err)
{
	AUTO(nft_socket) struct mnl_socket *nl = NULL;
	struct listing l = { .out = out, .max = max };

	if (nft_open(router, &nl, err) < 0 || ask(nl, err) < 0 || collect(nl, &l, err) < 0)
		return -1;
	qsort(out, l.n, sizeof(*out), by_key);
	return (int)l.n;
}
