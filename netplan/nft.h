/*
 * nft.h - one atomic change of table `ip orch`
 *
 *	AUTO(nft) struct nft *nft = nft_begin();
 *	nft_add_table(nft); ...
 *	return nft_commit(nft, netns, 0, err);
 *
 * All of a batch takes effect, or nothing of it. What is added may be there
 * already, unless it differs.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct mnl_socket;
struct nft;
struct nftnl_rule;

#define NFT_TABLE_NAME "orch"

struct nft *nft_begin(void); /* never NULL */
void nft_end(struct nft **nft);
#define auto_nft nft_end

/*
 * Send to the kernel for the namespace (-1: the caller's). accepts: an errno of
 * the kernel that is no failure and gives NFT_REFUSED; or 0.
 */
#define NFT_REFUSED 1
int nft_commit(struct nft *nft, int netns, int accepts, struct error *err);

/* A socket of nfnetlink in the namespace. */
int nft_open(int netns, struct mnl_socket **out, struct error *err);
void nft_close(struct mnl_socket **nl);
#define auto_nft_socket nft_close

void nft_add_table(struct nft *nft);
void nft_add_new_table(struct nft *nft);      /* EEXIST when there is one */
void nft_delete_table(struct nft *nft);	      /* with all in it; it must be there */
void nft_delete_empty_table(struct nft *nft); /* EBUSY when something is in it */

/* A base chain: what it hooks into, and what happens to packets that none of its rules decides on. */
struct nft_chain {
	const char *name;
	const char *type; /* "filter" or "nat" */
	uint32_t hook;	  /* NF_INET_FORWARD ... */
	int32_t priority; /* smaller is earlier; nft(8), "chains" */
	bool drop;	  /* else accept */
};
void nft_add_chain(struct nft *nft, const struct nft_chain *spec);
void nft_flush_chain(struct nft *nft, const char *name);
void nft_delete_chain(struct nft *nft, const char *name);

/* Type numbers of nft(8), which it needs to print a set; a key is a concatenation of at most five. */
enum nft_type { TYPE_ADDRESS = 7, TYPE_PROTOCOL = 12, TYPE_PORT = 13, TYPE_LINK = 41 };

struct nft_set {
	const char *name;
	enum nft_type types[5]; /* ends with 0 */
	const void *keys;	/* n keys, one after the other; each part padded to 4 bytes */
	const void *
		ends; /* of ranges, which don't overlap: their last keys; NULL: keys are single ones */
	size_t n;
	size_t key_size; /* bytes */
};
void nft_add_set(struct nft *nft, const struct nft_set *spec);
/* Other members for one that is there. */
void nft_refill_set(struct nft *nft, const struct nft_set *spec);

/* A rule for the end of that chain; filled by match.h, then given back by nft_add_rule. */
struct nftnl_rule *nft_new_rule(const char *chain);
void nft_add_rule(struct nft *nft, struct nftnl_rule *rule);
