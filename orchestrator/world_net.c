/*
 * world_net.c - the environment's network and what is left when it goes
 */
#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "netplan/links.h"
#include "netplan/rules.h"
#include "orchestrator/lower.h"
#include "orchestrator/record.h"
#include "orchestrator/world.h"
#include "runtime/cgroup.h"

static void make_plan(struct world *w, struct arena *arena, const struct json_t *desired,
		      struct net_plan *out)
{
	*out = (struct net_plan){ .id = world_uplink(arena, &w->host, w->env.id),
				  .uplink = w->env.uplink };
	lower_network(arena, desired, w->resolvers, w->n_resolvers, out);
}

static int ensure_uplink_address(struct world *w, struct error *err)
{
	if (w->env.uplink)
		return 0;
	/* Remembered before it is used; another root on this host starts looking elsewhere. */
	w->env.uplink = links_free_uplink(NET_UPLINKS + 2, err);
	if (!w->env.uplink)
		return -1;
	return state_save(w->state, &w->env, err);
}

int world_network(void *ctx, const struct json_t *desired, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	struct world *w = ctx;
	const char *pin = record_path(&arena, &w->host, w->env.id, "router");
	struct net_plan plan;

	if (w->router < 0) {
		if (links_make_router(&w->router, err) < 0 || links_pin(w->router, pin, err) < 0)
			return -1;
	}
	if (ensure_uplink_address(w, err) < 0)
		return -1;
	make_plan(w, &arena, desired, &plan);
	if (net_plan_check(&plan, err) < 0)
		return -1;
	return links_ensure_uplink(w->router, &plan, err);
}

int world_rules(void *ctx, const struct json_t *desired, bool published, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	struct world *w = ctx;
	struct net_plan plan;

	make_plan(w, &arena, desired, &plan);
	if (!published)
		plan.n_publishes = 0;
	if (rules_ensure_router(w->router, &plan, err) < 0)
		return -1;
	return rules_ensure_host(&plan, err);
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
