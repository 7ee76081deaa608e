/*
 * outbound.c - a firewall's rules, in pieces that don't overlap: the kernel's sets of ranges refuse others
 */
#include <stdlib.h>

#include "base/arena.h"
#include "base/auto.h"
#include "netplan/plan.h"

struct range {
	uint32_t first, last;
};

static int by_port(const void *a, const void *b)
{
	const uint16_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int by_address(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

/* The networks that are allowed at these ports, which are one, or those between two that are named: port 0. */
static void add_networks(struct arena *arena, struct net_outbounds *list,
			 const struct net_outbound *ports, const struct net_allow *allows, size_t n,
			 uint16_t port)
{
	struct range *ranges = arena_array(arena, n, sizeof(*ranges));
	struct net_outbound *o = NULL;
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		const struct net_allow *a = &allows[i];
		uint32_t hosts = a->prefix < 32 ? UINT32_MAX >> a->prefix : 0;

		if (!a->port || a->port == port)
			ranges[found++] = (struct range){ a->address & ~hosts, a->address | hosts };
	}
	if (found)
		qsort(ranges, found, sizeof(*ranges), by_address);
	for (size_t i = 0; i < found; i++) {
		if (o && ranges[i].first <= o->last) {
			if (ranges[i].last > o->last)
				o->last = ranges[i].last;
			continue;
		}
		list->items =
			arena_grow(arena, list->items, list->n, &list->room, sizeof(*list->items));
		o = &list->items[list->n++];
		*o = *ports;
		o->first = ranges[i].first;
		o->last = ranges[i].last;
	}
}

void net_outbound_add(struct arena *arena, struct net_outbounds *list, uint32_t source,
		      const struct net_allow *allows, size_t n)
{
	uint16_t *ports = arena_array(arena, n + 1, sizeof(*ports));
	struct net_outbound piece = { .source = source };
	uint32_t next = 1;
	size_t named = 0;

	for (size_t i = 0; i < n; i++)
		if (allows[i].port)
			ports[named++] = allows[i].port;
	qsort(ports, named, sizeof(*ports), by_port);
	for (size_t i = 0; i <= named; i++) {
		uint32_t end = i < named ? ports[i] : UINT16_MAX + 1u;

		if (next < end) {
			piece.first_port = (uint16_t)next;
			piece.last_port = (uint16_t)(end - 1);
			add_networks(arena, list, &piece, allows, n, 0);
		}
		if (i < named && end >= next) {
			piece.first_port = piece.last_port = ports[i];
			add_networks(arena, list, &piece, allows, n, ports[i]);
		}
		next = end + 1 > next ? end + 1 : next;
	}
}
