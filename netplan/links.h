/*
 * links.h - network namespaces, veths, addresses and routes (the only user of libnl)
 *
 * Single-threaded callers only: a namespace is entered by setns(2) to open a socket
 * there, and left again before the function returns. Links are never moved and
 * never deleted one by one (runtime.md): both ends are created where they
 * belong, and go when a namespace goes.
 */
#pragma once

#include <stdint.h>

#include "netplan/plan.h"

/* A new network namespace with lo up, IPv6 off, for a router that forwards once it has rules. The descriptor is the caller's. */
int links_make_router(int *netns, struct error *err);

/* Keep a namespace alive without a process: bind it to the file at path (made if need be), and back. */
int links_pin(int netns, const char *path, struct error *err);
#define LINKS_ABSENT 1
int links_open_pinned(const char *path, int *netns,
		      struct error *err);	      /* LINKS_ABSENT: nothing is pinned there */
int links_unpin(const char *path, struct error *err); /* gone is success */

/*
 * The container's veth: eth0 inside, lo up, address/32, route to NET_GATEWAY and default through
 * it, static neighbours both ways; cubic on the routes; in the router the other end, named
 * after the address ("c" and the last two bytes in hexadecimal), and the /32 route. IPv6 off inside,
 * ip_unprivileged_port_start=0, ping_group_range for all. There already (same namespaces): success.
 */
int links_ensure_member(int router, int netns, const struct net_member *member, struct error *err);

/*
 * The uplink between the caller's network namespace (the host) and the router: a veth named plan->id here, "uplink"
 * there; addresses NET_GATEWAY/32 and plan->uplink/32; default route of the router; ip_forward on the
 * host is set if it was not; route_localnet on this end only. LINKS_TAKEN: another link had the address first; this
 * one is of no use and is to be removed.
 */
#define LINKS_TAKEN 1
int links_ensure_uplink(int router, const struct net_plan *plan, struct error *err);

/* Packets that the uplink called id carried, both ways; 0 when there is none. */
int links_uplink_packets(const char *id, uint64_t *packets, struct error *err);

/* The link called id on the host, left by a crash; gone is success. */
int links_ensure_no_uplink(const char *id, struct error *err);

/* An address of NET_UPLINKS, at or after `wanted`, to which the host has no route yet; 0 when there is none left. */
uint32_t links_free_uplink(uint32_t wanted, struct error *err);

/* IPv4 DNS servers of the host that a container can reach: resolv.conf at `path`, leaving out loopback ones. */
size_t links_resolvers(const char *path, uint32_t *out, size_t max);
