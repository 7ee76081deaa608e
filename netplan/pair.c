#include "netplan/pair.h"

#include <string.h>

#include "base/auto.h"
#include "base/error.h"
#include "netplan/netlink.h"

#define PAIR_AGAIN 1
#define PAIR_TRIES 4

void pair_mac(uint8_t mac[6], enum pair_side side, uint32_t address)
{
	const uint8_t made[6] = { (uint8_t)side,
				  0x6f,
				  (uint8_t)(address >> 24),
				  (uint8_t)(address >> 16),
				  (uint8_t)(address >> 8),
				  (uint8_t)address };

	memcpy(mac, made, sizeof(made));
}

static int try_once(struct pair *p, struct error *err)
{
	AUTO(burst) struct burst b = { 0 };
	struct link_found found;

	message_veth(&b, &p->near, &p->far, p->far_netns);
	if (burst_send(p->near_nl, &b, err) < 0 ||
	    link_find(p->near_nl, p->near.name, p->far_netns, &found, err) < 0)
		return -1;
	if (found.index && !found.veth)
		return fail(err, ERROR_CONFLICT, "link %s is there and is not orch's",
			    p->near.name);
	if (found.index && found.peer_there && !memcmp(found.mac, p->near.mac, sizeof(found.mac))) {
		p->near_index = found.index;
		p->far_index = found.peer;
		return 0;
	}
	/* In the way is this end of an old pair, or else the far end of one. */
	if (found.index ? link_ensure_none(p->near_nl, p->near.name, err)
			: link_ensure_none(p->far_nl, p->far.name, err))
		return -1;
	return PAIR_AGAIN;
}

int pair_ensure(struct pair *p, struct error *err)
{
	for (int i = 0; i < PAIR_TRIES; i++) {
		int r = try_once(p, err);

		if (r != PAIR_AGAIN)
			return r;
	}
	return fail(err, ERROR_SYSTEM, "make link %s: something takes its name again and again",
		    p->near.name);
}

static int settle(struct nl_sock *nl, const char *name, struct error *err)
{
	AUTO(burst) struct burst b = { 0 };

	message_find_link(&b, name);
	return burst_send(nl, &b, err);
}

int pair_settle(const struct pair *p, struct error *err)
{
	return settle(p->near_nl, p->near.name, err) < 0 ? -1 : settle(p->far_nl, p->far.name, err);
}
