/*
 * message.h - the requests of rtnetlink(7) that orch makes, one function each
 *
 * Each adds one request to a burst. All but the making of a veth may be repeated.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct burst;

struct veth_end {
	const char *name;
	uint8_t mac[6];
	bool up; /* at once; the near end only: the far one is made before it has a peer (ENOTCONN) */
};

/* Both ends where they belong: near in the socket's namespace, far in netns. EEXIST is accepted. */
void message_veth(struct burst *b, const struct veth_end *near, const struct veth_end *far,
		  int netns);
void message_up(struct burst *b, int index, const char *name);
void message_delete_link(struct burst *b, const char *name); /* gone is success */

/* For link_find. No such link is no failure. */
/* With its counters. */
void message_count_link(struct burst *b, const char *name);
void message_find_link(struct burst *b, const char *name);
void message_find_nsid(struct burst *b, int netns);

/* address/32 on the link. */
void message_address(struct burst *b, int index, uint32_t address);
/* A permanent neighbour: nobody has to ask or answer ARP. */
void message_neighbour(struct burst *b, int index, uint32_t address, const uint8_t mac[6]);

struct route {
	int index;
	uint32_t destination; /* 0: the default route */
	uint32_t gateway;     /* 0: directly on the link */
	bool cubic;	      /* the congestion control of connections that use it */
	bool unique;	      /* fail with EEXIST rather than replace */
};
void message_route(struct burst *b, const struct route *route);
/* Every IPv4 route, to the burst's answer function. */
void message_all_routes(struct burst *b);
