/*
 * plan.h - the network of one environment, as data
 *
 * One router namespace an environment. Each container has one veth into it,
 * a /32 address and a default route through 169.254.1.1; the router forwards
 * what `paths` allows and drops the rest. One uplink joins router and host:
 * egress and published ports go through it.
 *
 * Addresses are 32-bit numbers in host byte order. All of them are
 * link-local (RFC 3927), which no router outside forwards and no site
 * uses for hosts, so an environment can't collide with a network that exists:
 *
 *	169.254.1.1		the router as its containers see it, and the host's end of every uplink
 *	169.254.16.0/20		containers, the same in every environment
 *	169.254.64.0/18		routers' uplink addresses, each once a host
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct text;

#define NET_IP(a, b, c, d) \
	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))
#define NET_GATEWAY NET_IP(169, 254, 1, 1)
#define NET_CONTAINERS NET_IP(169, 254, 16, 0)
#define NET_CONTAINERS_N 4096u
#define NET_UPLINKS NET_IP(169, 254, 64, 0)
#define NET_UPLINKS_N 16384u

struct net_member {
	const char *name; /* of the container */
	uint32_t address; /* in NET_CONTAINERS */
	bool egress; /* may open TCP connections to the outside (never to port 25), and ask the resolvers */
	bool limited; /* with egress: connections only to where one of the plan's outbounds says */
};

/* source may open connections to that port of destination; nothing follows for the other direction. */
struct net_path {
	uint32_t source, destination;
	uint8_t protocol; /* IPPROTO_TCP or IPPROTO_UDP */
	uint16_t port;
};

/* host_address:host_port on the host leads to destination:port. 0.0.0.0: every address of the host. */
struct net_publish {
	uint32_t host_address;
	uint16_t host_port;
	uint32_t destination;
	uint16_t port;
	bool ending; /* only for the connections that are open: the host port leads elsewhere by now */
};

/* source may open TCP connections to these addresses outside, at these ports; both ends are included. */
struct net_outbound {
	uint32_t source;
	uint32_t first, last;
	uint16_t first_port, last_port;
};

struct net_plan {
	const char *
		id; /* the uplink's name on the host and the prefix of its chains: at most 15 of [a-z0-9] */
	uint32_t uplink; /* the router's address on it, in NET_UPLINKS */
	const struct net_member *members;
	size_t n_members;
	const struct net_path *paths;
	size_t n_paths;
	const struct net_publish *publishes;
	size_t n_publishes;
	const struct net_outbound *outbounds; /* no two overlap: net_outbound_add */
	size_t n_outbounds;
	const uint32_t *resolvers; /* DNS servers that members with egress may ask */
	size_t n_resolvers;
};

/* Is it sound: names, ranges, no address twice, paths between members, no host port twice. Pure. */
int net_plan_check(const struct net_plan *plan, struct error *err);

/* A network and a port that may be reached; prefix 0: everything, port 0: all ports. */
struct net_allow {
	uint32_t address;
	unsigned prefix;
	uint16_t port;
};
struct net_outbounds {
	struct net_outbound *items;
	size_t n, room;
};
struct arena;
/* What any of the n allows, for the source, in pieces that don't overlap. Pure. */
void net_outbound_add(struct arena *arena, struct net_outbounds *list, uint32_t source,
		      const struct net_allow *allows, size_t n);

/* A free address for a new container: the lowest of NET_CONTAINERS + 2.. that is not taken; 0 when none is left. */
uint32_t net_free_address(const uint32_t *taken, size_t n);

/* "169.254.16.2"; buf holds at least 16 bytes; returned. */
char *net_print(char *buf, uint32_t address);
int net_parse(const char *text, uint32_t *out);
/* "192.0.2.0/24"; the port stays. */
int net_parse_network(const char *text, struct net_allow *out);
