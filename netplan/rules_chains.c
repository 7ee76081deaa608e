/*
 * rules_chains.c - whose chains the host's table `ip orch` holds; see rules.h
 */
/* Before the kernel's headers, which then leave out what libc defines. */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "netplan/nft.h"
#include "netplan/rules.h"

struct listing {
	struct arena *arena;
	const char **ids;
	size_t n, room;
};

static void add(struct listing *l, const char *chain)
{
	const char *suffix = strrchr(chain, '-');
	char *id;

	if (!suffix)
		return;
	id = arena_strndup(l->arena, chain, (size_t)(suffix - chain));
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->ids[i], id))
			return;
	l->ids = arena_grow(l->arena, l->ids, l->n, &l->room, sizeof(*l->ids));
	l->ids[l->n++] = id;
}

static int take_message(const struct nlmsghdr *h, void *data)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();
	const char *table, *name;

	if (!chain)
		abort();
	if (nftnl_chain_nlmsg_parse(h, chain) == 0) {
		table = nftnl_chain_get_str(chain, NFTNL_CHAIN_TABLE);
		name = nftnl_chain_get_str(chain, NFTNL_CHAIN_NAME);
		if (table && name && !strcmp(table, NFT_TABLE_NAME))
			add(data, name);
	}
	nftnl_chain_free(chain);
	return MNL_CB_OK;
}

int rules_list_host(struct arena *arena, const char ***ids, size_t *n, struct error *err)
{
	AUTO(nft_socket) struct mnl_socket *nl = NULL;
	struct listing l = { .arena = arena };
	_Alignas(struct nlmsghdr) char buf[32768];
	struct nlmsghdr *h =
		nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETCHAIN, NFPROTO_IPV4, NLM_F_DUMP, 1);
	int more = MNL_CB_OK;

	if (nft_open(-1, &nl, err) < 0)
		return -1;
	if (mnl_socket_sendto(nl, h, h->nlmsg_len) < 0)
		return fail_errno(err, "ask for the host's chains");
	while (more > MNL_CB_STOP) {
		ssize_t len = mnl_socket_recvfrom(nl, buf, sizeof(buf));

		if (len < 0)
			return fail_errno(err, "read the host's chains");
		more = mnl_cb_run(buf, (size_t)len, 1, mnl_socket_get_portid(nl), take_message, &l);
	}
	if (more < 0 && errno != ENOENT)
		return fail_errno(err, "list the host's chains");
	*ids = l.ids;
	*n = l.n;
	return 0;
}
