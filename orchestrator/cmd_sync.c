/*
 * cmd_sync.c - what moves between an environment and its parent: data and code downward, code alone upward
 */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "orchestrator/commands.h"
#include "orchestrator/git_branch.h"
#include "orchestrator/group.h"
#include "orchestrator/lineage.h"
#include "orchestrator/moment.h"
#include "orchestrator/progress.h"
#include "orchestrator/rollout.h"
#include "orchestrator/session.h"
#include "orchestrator/supervise.h"
#include "runtime/volume.h"

struct sync {
	struct session *s;
	struct progress progress;
	struct origin from;
	uint64_t since;
	int lock;
};

static int find_origin(struct sync *y, struct error *err)
{
	struct session *s = y->s;
	const char *from = s->options->from ? s->options->from : s->env.parent;

	if (!*from)
		return fail(err, ERROR_INPUT, "\"%s\" has no parent; name what to take: --from ENV",
			    s->env.name);
	if (origin_find(s, from, NULL, &y->from, err) < 0)
		return -1;
	if (!strcmp(y->from.env.id, s->env.id))
		return fail(err, ERROR_INPUT, "\"%s\" can't be synced from itself", s->env.name);
	return 0;
}

static int check_direction(struct sync *y, struct error *err)
{
	struct session *s = y->s;
	struct environment above = y->from.env;

	if (!strcmp(s->env.type, "production"))
		return fail(err, ERROR_INPUT,
			    "\"%s\" is the production environment: data never moves upward",
			    s->env.name);
	for (int i = 0; i < 100 && *above.parent; i++) {
		int r;

		if (!strcmp(above.parent, s->env.id))
			return fail(err, ERROR_INPUT,
				    "\"%s\" comes from \"%s\": data never moves upward",
				    y->from.env.name, s->env.name);
		r = state_find(s->state, &s->arena, above.parent, &above, err);
		if (r != 0)
			return r < 0 ? -1 : 0;
	}
	return 0;
}

/*
 * Of one that doesn't run the volumes change places at once, so that whatever looks at them sees these. They aren't fit for its apps before hooks.clone
 * ran, which the next start sees to; if that doesn't end well, it falls back.
 */
static int replace_stopped(struct session *s, const char *incoming, const char *fallback,
			   struct error *err)
{
	AUTO(fd) int lock = -1;

	if (supervise_lock(&s->host, s->env.id, &lock, err) < 0 ||
	    group_replace(&s->host, s->env.id, incoming, err) < 0)
		return -1;
	return state_set_data(s->state, s->env.id, true, "", fallback, err);
}

/* The supervisor makes them take the place of the present ones, and puts those back if that doesn't end well. */
static int replace(struct sync *y, bool runs, const char *incoming, const char *fallback,
		   struct error *err)
{
	struct session *s = y->s;

	if (state_set_data(s->state, s->env.id, true, incoming, fallback, err) < 0)
		return -1;
	if (!runs)
		return replace_stopped(s, incoming, fallback, err);
	/* Its processes are made anew: none of those that stand still goes on. */
	if (s->env.paused && state_set_paused(s->state, s->env.id, false, err) < 0)
		return -1;
	return rollout_converge(s, &y->progress, err);
}

static void say_end(struct sync *y, bool runs, const char *kept)
{
	struct session *s = y->s;
	bool quiet = y->progress.json || y->progress.quiet;

	if (!quiet && *kept)
		fprintf(stderr, "the data of before is kept as %s\n", kept);
	if (!quiet && s->env.paused)
		fprintf(stderr, "\"%s\" was paused and runs again\n", s->env.name);
	if (!quiet && !runs)
		fprintf(stderr, "\"%s\" is stopped; start it: orch start -e %s\n", s->env.name,
			s->env.name);
	rollout_end(s, &y->progress, runs ? "ready" : "synced", y->since);
}

static int sync_data(struct sync *y, struct error *err)
{
	struct session *s = y->s;
	const char *incoming = group_snapshot_name(&s->arena, s->env.id, GROUP_SYNCED);
	bool runs = s->env.wanted && s->env.good, any;
	struct moment m = { 0 };
	const char *kept;
	int r;

	if (find_origin(y, err) < 0 || check_direction(y, err) < 0 ||
	    rollout_has_volumes(s, y->from.env.id, &any, err) < 0)
		return -1;
	if (!any)
		return fail(err, ERROR_ABSENT, "\"%s\" has no data", y->from.env.name);
	if (rollout_keep(s, &y->progress, "before-sync-", &kept, err) < 0 ||
	    group_remove(&s->host, incoming, err) < 0)
		return -1;
	r = y->from.snapshot
		? group_copy(&s->host, y->from.snapshot, incoming, true, NULL, NULL, err)
		: moment_take(&s->host, &y->from.env, incoming, true, &m, err);
	/* What isn't cleaned yet is nothing to fall back on. */
	if (r < 0 || replace(y, runs, incoming, s->env.cloned ? s->env.fallback : kept, err) < 0)
		return -1;
	say_end(y, runs, kept);
	return 0;
}

/* Code is merged in the worktree that stands on the environment's branch. */
static int need_branch(struct session *s, const char *what, struct error *err)
{
	const struct project *p = &s->project;
	const char *here;

	if (!p->folder || !p->git)
		return fail(err, ERROR_INPUT,
			    "%s needs git: without it, environments share the same files", what);
	here = git_branch_here(&s->arena, p);
	if (here && !strcmp(here, s->env.name) && !strcmp(p->id, s->env.project_id))
		return 0;
	return fail(err, ERROR_CONFLICT, "%s stands on %s; first: git switch %s", p->folder,
		    here ? here : "no branch", s->env.name);
}

/* Another verb of ours, for the environment of that branch. */
static int deploy_as(const struct options *options, const char *branch, const char *folder,
		     struct error *err)
{
	struct options own = *options;

	own.environment = branch;
	if (folder)
		own.folder = folder;
	return cmd_deploy(&own, 0, NULL, err);
}

static int sync_code(struct sync *y, struct error *err)
{
	struct session *s = y->s;

	if (need_branch(s, "sync code", err) < 0 || find_origin(y, err) < 0 ||
	    git_branch_merge(&s->arena, &s->project, y->from.env.name, err) < 0)
		return -1;
	if (!y->progress.json && !y->progress.quiet)
		fprintf(stderr, "\"%s\" has the commits of \"%s\"\n", s->env.name,
			y->from.env.name);
	auto_fd(&y->lock);
	return s->env.wanted ? deploy_as(s->options, s->env.name, s->project.folder, err) : 0;
}

int cmd_sync(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	struct sync y = { .s = &s, .progress = progress_of(ctx), .since = clock_ms(), .lock = -1 };
	bool data = !strcmp(argv[0], "data");
	int r;

	(void)argc;
	if (!data && strcmp(argv[0], "code") != 0)
		return fail(err, ERROR_INPUT, "sync what? orch sync data, or orch sync code");
	if (session_open(&s, ctx, err) < 0 || session_need_state(&s, "sync", err) < 0 ||
	    session_environment(&s, err) < 0 || rollout_lock(&s, &y.lock, err) < 0 ||
	    session_environment(&s, err) < 0)
		return -1;
	r = data ? sync_data(&y, err) : sync_code(&y, err);
	auto_fd(&y.lock);
	return r;
}

int cmd_promote(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	struct sync y = { .s = &s, .progress = progress_of(ctx) };
	const char *to, *folder;

	(void)argc;
	(void)argv;
	if (session_open(&s, ctx, err) < 0 || session_need_state(&s, "promote", err) < 0 ||
	    session_environment(&s, err) < 0 || need_branch(&s, "promote", err) < 0 ||
	    find_origin(&y, err) < 0)
		return -1;
	to = y.from.env.name;
	if (git_need_clean(&s.arena, &s.project, s.project.folder, "promote", err) < 0 ||
	    git_branch_forward(&s.arena, &s.project, to, err) < 0)
		return -1;
	if (!y.progress.json && !y.progress.quiet)
		fprintf(stderr, "\"%s\" is at %.7s \"%s\"; data stays where it is\n", to,
			s.project.commit, s.project.subject);
	folder = git_branch_worktree(&s.arena, &s.project, to);
	return deploy_as(s.options, to,
			 folder ? arena_printf(&s.arena, "%s/%s", folder, s.project.prefix)
				: s.project.folder,
			 err);
}
