#include "netplan/nft.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/batch.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "netplan/netns.h"

#define PAGE 32768u	       /* of the batch; it gets as many as it needs ... */
#define LARGEST 16384u	       /* ... and a message may run over the end of one by this much */
#define ELEMENTS_A_MESSAGE 128 /* of at most 100 bytes */
#define SEND_BUFFER 131072u    /* what a socket surely has */
/* netlink(7) of kernels since 5.8: refuse to delete what is not empty. */
#define DELETE_EMPTY_ONLY 0x100

struct nft {
	struct nftnl_batch *batch;
	struct arena arena;
	ARENA_LIST(const char *) what; /* of each message, by sequence number, for errors */
	uint32_t set_id;
};

static void *must(void *made)
{
	if (!made)
		abort();
	return made;
}

/* The next message's place; kind and name say what it is about. */
static struct nlmsghdr *next(struct nft *nft, int type, int family, int flags, const char *what)
{
	uint32_t seq = (uint32_t)nft->what.n;

	*arena_push(&nft->arena, &nft->what) = what;
	return nftnl_nlmsg_build_hdr(nftnl_batch_buffer(nft->batch), (uint16_t)type,
				     (uint16_t)family, (uint16_t)flags, seq);
}

static void done(struct nft *nft)
{
	if (nftnl_batch_update(nft->batch) < 0)
		abort();
}

struct nft *nft_begin(void)
{
	struct nft *nft = must(calloc(1, sizeof(*nft)));

	nft->batch = must(nftnl_batch_alloc(PAGE, LARGEST));
	nftnl_batch_begin(nftnl_batch_buffer(nft->batch), 0);
	*arena_push(&nft->arena, &nft->what) = "begin";
	done(nft);
	return nft;
}

void nft_end(struct nft **nft)
{
	if (!*nft)
		return;
	nftnl_batch_free((*nft)->batch);
	arena_clear(&(*nft)->arena);
	free(*nft);
	*nft = NULL;
}

int nft_open(int netns, struct mnl_socket **out, struct error *err)
{
	AUTO(home) int home = -1;
	struct mnl_socket *nl;

	if (netns >= 0 && netns_enter(netns, &home, err) < 0)
		return -1;
	nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!nl)
		return fail_errno(err, "open nfnetlink");
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		fail_errno(err, "bind nfnetlink");
		mnl_socket_close(nl);
		return -1;
	}
	*out = nl;
	return 0;
}

void nft_close(struct mnl_socket **nl)
{
	if (*nl)
		mnl_socket_close(*nl);
	*nl = NULL;
}

static int write_batch(struct nft *nft, int fd, struct error *err)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	const int pages = nftnl_batch_iovec_len(nft->batch);
	struct iovec *iov = arena_array(&nft->arena, (size_t)pages, sizeof(*iov));
	const struct msghdr message = { .msg_name = (void *)&kernel,
					.msg_namelen = sizeof(kernel),
					.msg_iov = iov,
					.msg_iovlen = (size_t)pages };
	size_t size = 0;
	int room;

	nftnl_batch_iovec(nft->batch, iov, (uint32_t)pages);
	for (int i = 0; i < pages; i++)
		size += iov[i].iov_len;
	room = (int)size * 2;
	if (size > SEND_BUFFER &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) < 0)
		return fail_errno(err, "make room for nftables rules");
	if (sendmsg(fd, &message, 0) < 0)
		return fail_errno(err, "write nftables rules");
	return 0;
}

/* The first error among the answers, with the message's number in *seq; 0: none. */
static int first_error(const char *buf, size_t len, uint32_t *seq)
{
	const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)buf;
	int left = (int)len;

	for (; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
		const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);

		if (h->nlmsg_type == NLMSG_ERROR && e->error) {
			*seq = h->nlmsg_seq;
			return -e->error;
		}
	}
	return 0;
}

/*
 * The kernel does the whole batch within sendmsg() and answers only what failed,
 * so what is not there to be read now will never be.
 */
static int read_errors(struct nft *nft, int fd, int accepts, struct error *err)
{
	_Alignas(struct nlmsghdr) char buf[32768];
	ssize_t len;

	while ((len = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) >= 0) {
		uint32_t seq = 0;
		int error = first_error(buf, (size_t)len, &seq);

		if (error && error == accepts)
			return NFT_REFUSED;
		if (!error)
			continue;
		errno = error;
		return fail_errno(err, "nftables: %s",
				  seq < nft->what.n ? nft->what.items[seq] : "batch");
	}
	if (errno != EAGAIN)
		return fail_errno(err, "read from nfnetlink");
	return 0;
}

int nft_commit(struct nft *nft, int netns, int accepts, struct error *err)
{
	AUTO(nft_socket) struct mnl_socket *nl = NULL;
	int fd;

	nftnl_batch_end(nftnl_batch_buffer(nft->batch), (uint32_t)nft->what.n);
	*arena_push(&nft->arena, &nft->what) = "commit";
	done(nft);
	if (nft_open(netns, &nl, err) < 0)
		return -1;
	fd = mnl_socket_get_fd(nl);
	if (write_batch(nft, fd, err) < 0)
		return -1;
	return read_errors(nft, fd, accepts, err);
}

static void put_table(struct nft *nft, int type, int flags, const char *what)
{
	struct nftnl_table *table = must(nftnl_table_alloc());
	struct nlmsghdr *h = next(nft, type, NFPROTO_IPV4, flags, what);

	nftnl_table_set_str(table, NFTNL_TABLE_NAME, NFT_TABLE_NAME);
	nftnl_table_nlmsg_build_payload(h, table);
	nftnl_table_free(table);
	done(nft);
}

void nft_add_table(struct nft *nft)
{
	put_table(nft, NFT_MSG_NEWTABLE, NLM_F_CREATE, "add table");
}

void nft_add_new_table(struct nft *nft)
{
	put_table(nft, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL, "add table");
}

void nft_delete_table(struct nft *nft)
{
	put_table(nft, NFT_MSG_DELTABLE, 0, "delete table");
}

void nft_delete_empty_table(struct nft *nft)
{
	put_table(nft, NFT_MSG_DELTABLE, DELETE_EMPTY_ONLY, "delete table");
}

static struct nftnl_chain *new_chain(const char *name)
{
	struct nftnl_chain *chain = must(nftnl_chain_alloc());

	nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, NFT_TABLE_NAME);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, name);
	return chain;
}

void nft_add_chain(struct nft *nft, const struct nft_chain *spec)
{
	struct nftnl_chain *chain = new_chain(spec->name);
	struct nlmsghdr *h = next(nft, NFT_MSG_NEWCHAIN, NFPROTO_IPV4, NLM_F_CREATE,
				  arena_printf(&nft->arena, "add chain %s", spec->name));

	nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, spec->type);
	nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, spec->hook);
	nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, spec->priority);
	nftnl_chain_set_u32(chain, NFTNL_CHAIN_POLICY, spec->drop ? NF_DROP : NF_ACCEPT);
	nftnl_chain_nlmsg_build_payload(h, chain);
	nftnl_chain_free(chain);
	done(nft);
}

void nft_delete_chain(struct nft *nft, const char *name)
{
	struct nftnl_chain *chain = new_chain(name);
	struct nlmsghdr *h = next(nft, NFT_MSG_DELCHAIN, NFPROTO_IPV4, 0,
				  arena_printf(&nft->arena, "delete chain %s", name));

	nftnl_chain_nlmsg_build_payload(h, chain);
	nftnl_chain_free(chain);
	done(nft);
}

struct nftnl_rule *nft_new_rule(const char *chain)
{
	struct nftnl_rule *rule = must(nftnl_rule_alloc());

	nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, NFT_TABLE_NAME);
	nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain);
	return rule;
}

static void put_rule(struct nft *nft, int type, int flags, const char *verb,
		     struct nftnl_rule *rule)
{
	const char *chain = nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN);
	struct nlmsghdr *h = next(nft, type, NFPROTO_IPV4, flags,
				  arena_printf(&nft->arena, "%s chain %s", verb, chain));

	nftnl_rule_nlmsg_build_payload(h, rule);
	nftnl_rule_free(rule);
	done(nft);
}

void nft_add_rule(struct nft *nft, struct nftnl_rule *rule)
{
	put_rule(nft, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, "add rule to", rule);
}

/* A deletion that names a chain and no rule is of all of them. */
void nft_flush_chain(struct nft *nft, const char *name)
{
	put_rule(nft, NFT_MSG_DELRULE, 0, "flush", nft_new_rule(name));
}

static struct nftnl_set *new_set(const char *name)
{
	struct nftnl_set *set = must(nftnl_set_alloc());

	nftnl_set_set_str(set, NFTNL_SET_TABLE, NFT_TABLE_NAME);
	nftnl_set_set_str(set, NFTNL_SET_NAME, name);
	return set;
}

static void add_elements(struct nft *nft, const struct nft_set *spec, size_t from, size_t n)
{
	struct nftnl_set *set = new_set(spec->name);
	struct nlmsghdr *h = next(nft, NFT_MSG_NEWSETELEM, NFPROTO_IPV4, NLM_F_CREATE,
				  arena_printf(&nft->arena, "add to set %s", spec->name));

	if (nft->set_id)
		nftnl_set_set_u32(set, NFTNL_SET_ID, nft->set_id);
	for (size_t i = from; i < from + n; i++) {
		struct nftnl_set_elem *e = must(nftnl_set_elem_alloc());

		nftnl_set_elem_set(e, NFTNL_SET_ELEM_KEY,
				   (const char *)spec->keys + i * spec->key_size,
				   (uint32_t)spec->key_size);
		if (spec->ends)
			nftnl_set_elem_set(e, NFTNL_SET_ELEM_KEY_END,
					   (const char *)spec->ends + i * spec->key_size,
					   (uint32_t)spec->key_size);
		nftnl_set_elem_add(set, e);
	}
	nftnl_set_elems_nlmsg_build_payload(h, set);
	nftnl_set_free(set);
	done(nft);
}

static void add_all_elements(struct nft *nft, const struct nft_set *spec)
{
	for (size_t i = 0; i < spec->n; i += ELEMENTS_A_MESSAGE)
		add_elements(nft, spec, i,
			     spec->n - i < ELEMENTS_A_MESSAGE ? spec->n - i : ELEMENTS_A_MESSAGE);
}

static uint8_t type_size(enum nft_type type)
{
	switch (type) {
	case TYPE_ADDRESS:
		return 4;
	case TYPE_PROTOCOL:
		return 1;
	case TYPE_PORT:
		return 2;
	case TYPE_LINK:
		return 16;
	}
	abort();
}

/* The kernel has to know the size of each part, as it compares them one by one. */
static void describe_ranges(struct nftnl_set *set, const struct nft_set *spec)
{
	uint8_t sizes[5];
	uint32_t n = 0;

	for (; n < 5 && spec->types[n]; n++)
		sizes[n] = type_size(spec->types[n]);
	nftnl_set_set_u32(set, NFTNL_SET_FLAGS, NFT_SET_INTERVAL | NFT_SET_CONCAT);
	nftnl_set_set_data(set, NFTNL_SET_DESC_CONCAT, sizes, n);
}

void nft_add_set(struct nft *nft, const struct nft_set *spec)
{
	struct nftnl_set *set = new_set(spec->name);
	struct nlmsghdr *h = next(nft, NFT_MSG_NEWSET, NFPROTO_IPV4, NLM_F_CREATE,
				  arena_printf(&nft->arena, "add set %s", spec->name));
	uint32_t type = 0;

	/* nft(8) packs the types of a concatenation into one number, six bits each. */
	for (size_t i = 0; i < 5 && spec->types[i]; i++)
		type = type << 6 | spec->types[i];
	nftnl_set_set_u32(set, NFTNL_SET_ID, ++nft->set_id);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, type);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, (uint32_t)spec->key_size);
	if (spec->ends)
		describe_ranges(set, spec);
	/* A size known beforehand gives a plain hash table; it is replaced rather than grown. */
	else if (spec->n)
		nftnl_set_set_u32(set, NFTNL_SET_DESC_SIZE, (uint32_t)spec->n);
	nftnl_set_nlmsg_build_payload(h, set);
	nftnl_set_free(set);
	done(nft);
	add_all_elements(nft, spec);
}

/* A deletion that names a set and no element is of all of them. */
void nft_refill_set(struct nft *nft, const struct nft_set *spec)
{
	struct nftnl_set *set = new_set(spec->name);
	struct nlmsghdr *h = next(nft, NFT_MSG_DELSETELEM, NFPROTO_IPV4, 0,
				  arena_printf(&nft->arena, "flush set %s", spec->name));

	nftnl_set_nlmsg_build_payload(h, set);
	nftnl_set_free(set);
	done(nft);
	nft->set_id = 0;
	add_all_elements(nft, spec);
}
