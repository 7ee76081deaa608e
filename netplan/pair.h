/*
 * pair.h - a veth with its ends in two namespaces, whatever a crash left there
 */
#pragma once

#include "netplan/message.h"

struct error;
struct nl_sock;

struct pair {
	struct nl_sock *near_nl, *far_nl;
	int far_netns;
	struct veth_end near, far;
	int near_index, far_index; /* set by pair_ensure */
};

/* The fixed hardware addresses of a link's two ends: locally administered, made from an IPv4 address. */
enum pair_side { SIDE_INNER = 0x02, SIDE_OUTER = 0x06 };
void pair_mac(uint8_t mac[6], enum pair_side side, uint32_t address);

/*
 * The pair exists. A veth of that name that leads elsewhere (to a namespace that is
 * being dropped, or one of before a crash) is replaced; any other kind of link is a failure.
 */
int pair_ensure(struct pair *p, struct error *err);

/*
 * Once both ends are up: they carry packets from now on. Which end came up first learns of it in the
 * background, and drops what it is given until then; TCP would try again only after a second.
 * The kernel catches up when it is asked for the link (linkwatch_sync_dev, Linux 6.8).
 */
int pair_settle(const struct pair *p, struct error *err);
