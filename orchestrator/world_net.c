/*
 * world_net.c - the environment's network and what is left when it goes
 */
#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "netplan/links.h"
#include "netplan/rules.h"
#include "orchestrator/lower.h"
#include "orchestrator/names.h"
#include "orchestrator/record.h"
#include "orchestrator/world.h"
#include "runtime/cgroup.h"

#define UPLINK_TRIES 16

static int make_plan(struct world *w, struct arena *arena, const struct json_t *desired,
		     struct net_plan *out, struct error *err)
{
	AUTO(json) struct json_t *names = names_know(&w->host, w->env.id, desired, err);

	if (!names)
		return -1;
	*out = (struct net_plan){ .id = world_uplink(arena, &w->host, w->env.id),
				  .uplink = w->env.uplink };
	lower_network(arena, desired, w->resolvers, w->n_resolvers, names, out);
	return 0;
}

/* What it had is anybody's while it doesn't run. */
static int ensure_uplink_address(struct world *w, bool fresh, struct error *err)
{
	uint32_t wanted = w->env.uplink ? w->env.uplink : NET_UPLINKS + 2, free;

	if (w->env.uplink && !fresh)
		return 0;
	free = links_free_uplink(wanted, err);
	if (!free && w->env.uplink)
		free = links_free_uplink(NET_UPLINKS + 2, err);
	if (!free)
		return -1;
	if (free == w->env.uplink)
		return 0;
	/* Remembered before it is used; another root on this host starts looking elsewhere. */
	w->env.uplink = free;
	return state_set_uplink(w->state, w->env.id, free, err);
}

/* Of two that start at the same time and find the same address free, one has to look again. */
static int ensure_uplink(struct world *w, const struct json_t *desired, bool fresh,
			 struct error *err)
{
	for (int tries = 0; tries < UPLINK_TRIES; tries++) {
		AUTO(arena) struct arena arena = { 0 };
		struct net_plan plan;
		int r;

		if (ensure_uplink_address(w, fresh, err) < 0)
			return -1;
		if (make_plan(w, &arena, desired, &plan, err) < 0 || net_plan_check(&plan, err) < 0)
			return -1;
		r = links_ensure_uplink(w->router, &plan, err);
		if (r != LINKS_TAKEN)
			return r;
		if (links_ensure_no_uplink(plan.id, err) < 0)
			return -1;
		fresh = true;
	}
	return fail(err, ERROR_CONFLICT, "others took each free address of an uplink; try again");
}

int world_network(void *ctx, const struct json_t *desired, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	struct world *w = ctx;
	const char *pin = record_path(&arena, &w->host, w->env.id, "router");
	bool fresh = w->router < 0;

	if (fresh && (links_make_router(&w->router, err) < 0 || links_pin(w->router, pin, err) < 0))
		return -1;
	return ensure_uplink(w, desired, fresh, err);
}

int world_rules(void *ctx, const struct json_t *desired, bool published, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	struct world *w = ctx;
	struct net_plan plan;

	if (make_plan(w, &arena, desired, &plan, err) < 0)
		return -1;
	if (!published)
		plan.n_publishes = 0;
	if (rules_ensure_router(w->router, &plan, err) < 0)
		return -1;
	return rules_ensure_host(&plan, err);
}

int world_outbound(struct world *w, const struct json_t *desired, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	struct net_plan plan;

	if (w->router < 0)
		return 0;
	if (make_plan(w, &arena, desired, &plan, err) < 0 || net_plan_check(&plan, err) < 0)
		return -1;
	return rules_ensure_outbound(w->router, &plan, err);
}

int world_down(struct world *w, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *id = world_uplink(&arena, &w->host, w->env.id);

	if (rules_ensure_no_host(id, err) < 0)
		return -1;
	auto_fd(&w->router);
	if (links_unpin(record_path(&arena, &w->host, w->env.id, "router"), err) < 0 ||
	    links_ensure_no_uplink(id, err) < 0)
		return -1;
	return cgroup_ensure_no(world_cgroup(&arena, w, NULL), err);
}
