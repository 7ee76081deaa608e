/* Before the kernel's headers, which then leave out what libc defines. */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netfilter_ipv4.h>

#include "base/auto.h"
#include "base/error.h"
#include "netplan/match.h"
#include "netplan/nft.h"
#include "netplan/wake.h"

#define CHAIN "wake"
#define UPLINK "uplink"
#define GROUP 1 /* of this namespace: nobody else listens in it */

static const struct nft_chain chain = { CHAIN, "filter", NF_INET_FORWARD, NF_IP_PRI_FILTER - 1 };

static void add_chain(struct nft *nft)
{
	nft_add_table(nft);
	nft_add_chain(nft, &chain);
	nft_flush_chain(nft, CHAIN);
}

static int add_rules(int router, struct error *err)
{
	AUTO(nft) struct nft *nft = nft_begin();
	struct nftnl_rule *r = nft_new_rule(CHAIN);

	add_chain(nft);
	match_link(r, FIELD_IN, IS, UPLINK);
	match_protocol(r, IPPROTO_TCP);
	match_tcp_flags(r, TH_SYN | TH_PUSH);
	rule_log(r, GROUP);
	nft_add_rule(nft, r);
	return nft_commit(nft, router, 0, err);
}

static struct nlmsghdr *begin(char *buf)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *g;

	h->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	g = mnl_nlmsg_put_extra_header(h, sizeof(*g));
	g->nfgen_family = AF_INET;
	g->version = NFNETLINK_V0;
	g->res_id = htons(GROUP);
	return h;
}

static int send_one(struct mnl_socket *nl, const struct nlmsghdr *h, struct error *err)
{
	_Alignas(struct nlmsghdr) char buf[8192];
	ssize_t got;

	if (mnl_socket_sendto(nl, h, h->nlmsg_len) < 0)
		return fail_errno(err, "write to nfnetlink_log");
	got = mnl_socket_recvfrom(nl, buf, sizeof(buf));
	if (got < 0 || mnl_cb_run(buf, (size_t)got, 0, mnl_socket_get_portid(nl), NULL, NULL) < 0)
		return fail_errno(err, "nfnetlink_log");
	return 0;
}

/* Told of the first packet at once, not of a hundred after a second; and of none's content. */
static int bind_group(struct mnl_socket *nl, struct error *err)
{
	const struct nfulnl_msg_config_cmd command = { NFULNL_CFG_CMD_BIND };
	const struct nfulnl_msg_config_mode mode = { .copy_mode = NFULNL_COPY_NONE };
	_Alignas(struct nlmsghdr) char buf[256];
	struct nlmsghdr *h = begin(buf);

	mnl_attr_put(h, NFULA_CFG_CMD, sizeof(command), &command);
	if (send_one(nl, h, err) < 0)
		return -1;
	h = begin(buf);
	mnl_attr_put(h, NFULA_CFG_MODE, sizeof(mode), &mode);
	mnl_attr_put_u32(h, NFULA_CFG_QTHRESH, htonl(1));
	return send_one(nl, h, err);
}

int wake_listen(int router, int *fd, struct error *err)
{
	AUTO(nft_socket) struct mnl_socket *nl = NULL;
	AUTO(fd) int own = -1;

	if (nft_open(router, &nl, err) < 0 || bind_group(nl, err) < 0)
		return fail_in(err, "wake");
	/* libmnl's handle can't be taken apart from its descriptor. */
	own = fcntl(mnl_socket_get_fd(nl), F_DUPFD_CLOEXEC, 0);
	if (own < 0 || fcntl(own, F_SETFL, O_NONBLOCK) < 0)
		return fail_errno(err, "wake");
	if (add_rules(router, err) < 0)
		return fail_in(err, "wake");
	*fd = TAKE_FD(own);
	return 0;
}

int wake_forget(int router, struct error *err)
{
	AUTO(nft) struct nft *nft = nft_begin();

	add_chain(nft);
	nft_delete_chain(nft, CHAIN);
	return nft_commit(nft, router, 0, err) < 0 ? fail_in(err, "wake") : 0;
}
