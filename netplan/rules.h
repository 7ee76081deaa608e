/*
 * rules.h - nftables by libnftnl (its only user), one batch a change
 *
 * In the router's namespace, table ip orch, replaced as a whole and atomically:
 *	forward	policy drop; a packet must come from the link that its source address belongs to;
 *		replies of known connections; new ones when (source . destination .
 *		protocol . port) is in the set `allowed`; egress of members that have it through the uplink
 *		(TCP except port 25; UDP and TCP 53 to the resolvers; never to link-local addresses; of limited members only
 *		what is in the set `outbound`); what was published
 *		and came in by the uplink
 *	input, output	policy drop; nothing talks to the router itself
 *	nat	published ports to their container; egress masqueraded
 * An allowed path that is taken away ends at once also for open connections.
 *
 * On the host, table ip orch with base chains of this environment only, named by plan->id: published ports
 * (prerouting, output), masquerade of what comes from plan->uplink or goes to it from loopback,
 * and a forward chain that only ever restricts: into the uplink only replies and published ports.
 * Other tables are never touched.
 */
#pragma once

#include "netplan/plan.h"

int rules_ensure_router(int router, const struct net_plan *plan, struct error *err);

/* Only the set `outbound`, of a router that has its rules. */
int rules_ensure_outbound(int router, const struct net_plan *plan, struct error *err);

int rules_ensure_host(const struct net_plan *plan, struct error *err);
/* The chains of id; the table too when no chain is left in it. Gone is success. */
int rules_ensure_no_host(const char *id, struct error *err);

/* Ids that have chains on the host, of whatever root. In the arena. */
struct arena;
int rules_list_host(struct arena *arena, const char ***ids, size_t *n, struct error *err);

/* (source, destination, protocol, port) allowed by the kernel's set right now, at most max; returns how many or -1. */
int rules_list(int router, struct net_path *out, size_t max, struct error *err);
