#include "orchestrator/converge.h"

#include <string.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "orchestrator/desired.h"
#include "orchestrator/group.h"
#include "orchestrator/plan.h"
#include "orchestrator/record.h"
#include "runtime/cgroup.h"
#include "runtime/volume.h"

/* The environment as the state has it now; it must exist. */
static int find(struct state *state, struct arena *arena, const char *id, struct environment *out,
		struct error *err)
{
	int r = state_find(state, arena, id, out, err);

	return r == STATE_ABSENT ? fail(err, ERROR_ABSENT, "no environment %s", id) : r;
}

static int reopen(struct world *w, const struct host *h, struct state *state,
		  const struct environment *env, const struct json_t *record,
		  const struct converge_options *options, struct error *err)
{
	world_close(w);
	if (world_open(w, h, state, env, record, err) < 0)
		return -1;
	w->event = options->event;
	w->event_ctx = options->ctx;
	w->cancel = options->cancel;
	w->door = options->door;
	w->knock = options->knock;
	return 0;
}

static int load_desired(struct state *state, const struct environment *env, struct json_t **out,
			struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	struct generation g;
	int r = state_find_generation(state, &arena, env->id, env->generation, &g, err);

	if (r < 0)
		return -1;
	if (r == STATE_ABSENT)
		return fail(err, ERROR_ABSENT, "%s has no generation %lld", env->id,
			    (long long)env->generation);
	*out = json_parse("generation", g.document, strlen(g.document), err);
	return *out ? 0 : -1;
}

/* To env->generation, without going back. */
static int pass(struct world *w, struct json_t *record, const struct environment *env,
		const struct converge_options *options, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *desired = NULL;
	const struct plan_view view = { .ctx = w, .alive = world_alive };
	const struct backend backend = world_backend(w);
	const struct apply_options apply_options = {
		.hooks = options->hooks,
		.clone = env->cloned,
		.timeout_ms = options->timeout_ms,
		.since_ms = backend.now_ms(w),
	};
	struct plan plan;
	int r;

	if (load_desired(w->state, env, &desired, err) < 0)
		return -1;
	plan_make(&arena, desired, record, &view, &plan);
	if (!plan.changes && env->good == env->generation)
		return 0;
	/* What has to be repaired can't wait for a job; a deploy can. */
	if (options->hooks && world_hold_jobs(w, record, options->timeout_ms, err) < 0)
		return -1;
	json_put_number(record, "generation", env->generation);
	w->desired = desired;
	r = apply(&plan, desired, record, &backend, &apply_options, err);
	w->desired = NULL;
	return r;
}

static int settle(struct state *state, struct environment *env, const char *result,
		  struct error *err)
{
	if (state_set_result(state, env->id, env->generation, result, err) < 0)
		return -1;
	return state_save(state, env, err);
}

static int stop_all(struct world *w, struct json_t *record, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *documents = json_new_map();
	struct json_t *list = json_put(documents, "containers", json_new_map());
	struct json_t *containers = json_get(record, "containers");
	const char **order;
	size_t n;

	order = json_keys(&arena, containers, &n);
	for (size_t i = 0; i < n; i++)
		json_put(list, order[i],
			 json_copy_deep(json_path(containers, order[i], "document", NULL)));
	order = desired_order(&arena, documents, &n);
	for (size_t i = n; i-- > 0;) {
		const struct backend b = world_backend(w);
		uint64_t since = b.now_ms(w);

		if (world_stop(w, order[i], err) < 0)
			return fail_in(err, "%s", order[i]);
		json_drop(containers, order[i]);
		if (b.save(w, record, err) < 0)
			return -1;
		b.event(w, "stop", order[i], "", b.now_ms(w) - since);
	}
	json_drop(record, "network");
	if (record_save(&w->host, w->env.id, record, err) < 0)
		return -1;
	return world_down(w, err);
}

static bool said(const char *text)
{
	return text && *text;
}

/* What they have written so far is kept already, and what they would write now is about to go. */
static int kill_all(struct world *w, struct json_t *record, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	struct json_t *containers = json_get(record, "containers");
	const char **names;
	size_t n;

	if (cgroup_kill(world_cgroup(&arena, w, NULL), err) < 0)
		return -1;
	names = json_keys(&arena, containers, &n);
	for (size_t i = 0; i < n; i++) {
		if (world_stop(w, names[i], err) < 0)
			return fail_in(err, "%s", names[i]);
		json_drop(containers, names[i]);
	}
	return record_save(&w->host, w->env.id, record, err);
}

/* Twice is once: until it is struck out, the snapshot is taken again. */
static int restore(struct world *w, struct json_t *record, struct environment *env,
		   struct error *err)
{
	const struct backend b = world_backend(w);
	uint64_t since = b.now_ms(w);

	if (!said(env->restoring))
		return 0;
	if (kill_all(w, record, err) < 0 || pool_ensure(w->host.pool, POOL_SIZE, err) < 0 ||
	    group_replace(&w->host, env->id, env->restoring, err) < 0)
		return fail_in(err, "restore");
	b.event(w, "restore", "", env->restoring, b.now_ms(w) - since);
	env->restoring = w->env.restoring = "";
	return state_set_data(w->state, env->id, env->cloned, "", env->fallback, err);
}

/* The failure in *err stands; what is said in addition goes behind it. */
static int go_back(struct world *w, struct json_t *record, struct environment *env,
		   const struct converge_options *options, struct error *err)
{
	const struct converge_options quiet = {
		.cancel = -1, .door = options->door, .event = options->event, .ctx = options->ctx
	};
	struct error why = *err, again;
	int64_t failed = env->generation;

	if (failed != env->good && settle(w->state, env, why.text, &again) < 0)
		goto broken;
	env->generation = env->good;
	env->wanted = env->good != 0;
	if (said(env->fallback)) {
		env->restoring = env->fallback;
		env->cloned = false;
	}
	env->fallback = "";
	if (state_save(w->state, env, &again) < 0)
		goto broken;
	w->cancel = -1;
	if (restore(w, record, env, &again) < 0 ||
	    (env->good ? pass(w, record, env, &quiet, &again) < 0
		       : stop_all(w, record, &again) < 0))
		goto broken;
	if (failed == env->good)
		fail(err, why.kind, "%s\nthe data of before is back", why.text);
	else if (env->good)
		fail(err, why.kind, "%s\ngeneration %lld failed; generation %lld is back", why.text,
		     (long long)failed, (long long)env->good);
	else
		fail(err, why.kind,
		     "%s\nnothing ran before, so everything was stopped; data and logs stay",
		     why.text);
	return -1;
broken:
	if (w->left)
		return fail(err, why.kind, "%s\nanother command took over while going back",
			    why.text);
	return fail(err, ERROR_BROKEN, "%s\ngoing back failed too: %s", why.text, again.text);
}

static int reach(struct world *w, struct json_t *record, const char *id,
		 const struct converge_options *options, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	struct converge_options now = *options;
	struct state *state = w->state;
	struct environment env;
	int64_t tried;

	if (find(state, &arena, id, &env, err) < 0)
		return -1;
	/* A deploy that was cut short is carried on, hooks and all. */
	now.hooks |= env.good != env.generation || said(env.restoring) || env.cloned;
	tried = env.generation;
	if (restore(w, record, &env, err) < 0 || pass(w, record, &env, &now, err) < 0) {
		/* Whoever wants another generation by now will ask for it. */
		if (!w->left && find(state, &arena, id, &env, &(struct error){ 0 }) == 0 &&
		    (env.good != env.generation || said(env.fallback)) && env.generation == tried)
			return go_back(w, record, &env, &now, err);
		return -1;
	}
	if (env.good == env.generation && !env.cloned && !said(env.fallback))
		return 0;
	if (find(state, &arena, id, &env, err) < 0)
		return -1;
	if (env.generation != tried)
		return fail(err, ERROR_CONFLICT, "another command took over");
	env.good = env.generation;
	env.cloned = false;
	env.fallback = "";
	return settle(state, &env, "ok", err);
}

int converge(struct world *w, const struct host *h, struct state *state, const char *id,
	     const struct converge_options *options, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *record = record_load(h, id, err);
	struct environment env;
	int r;

	if (!record || find(state, &arena, id, &env, err) < 0 ||
	    reopen(w, h, state, &env, record, options, err) < 0)
		return -1;
	r = reach(w, record, id, options, err);
	world_release_jobs(w, record);
	return r;
}

int converge_stop(struct world *w, const struct host *h, struct state *state, const char *id,
		  const struct converge_options *options, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *record = record_load(h, id, err);
	struct environment env;

	if (!record || find(state, &arena, id, &env, err) < 0 ||
	    reopen(w, h, state, &env, record, options, err) < 0)
		return -1;
	return stop_all(w, record, err);
}
