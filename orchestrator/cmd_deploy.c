/*
 * cmd_deploy.c - from the files to a running group
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "orchestrator/commands.h"
#include "orchestrator/deploy.h"
#include "orchestrator/destroy.h"
#include "orchestrator/look.h"
#include "orchestrator/progress.h"
#include "orchestrator/record.h"
#include "orchestrator/request.h"
#include "orchestrator/rollout.h"
#include "orchestrator/session.h"
#include "orchestrator/storage.h"
#include "orchestrator/supervise.h"
#include "orchestrator/ttl.h"

struct deploy {
	struct session *s;
	struct request *q;
	struct progress *progress;
	struct json_t *previous, *record, *desired; /* owned */
	struct plan plan;
	int lock;
};

/* Whoever deploys wants it to run. Before anything is built: a build belongs to the environment, and would stand still with it. */
static int resume(struct deploy *d, struct error *err)
{
	struct session *s = d->s;
	AUTO(json) struct json_t *request = json_new_map();

	if (!s->env.paused)
		return 0;
	if (state_set_paused(s->state, s->env.id, false, err) < 0)
		return -1;
	s->env.paused = false;
	json_put_text(request, "do", "keep");
	return supervise_call(&s->host, s->env.id, request, progress_event, d->progress, err);
}

/*
 * The environment is remembered before anything is made for it. The project is as request_open found it: one commit from
 * end to end, and git asked once.
 */
static int prepare(struct deploy *d, struct error *err)
{
	struct session *s = d->s;
	const char *name = s->project.branch;

	if (session_need_state(s, "deploy", err) < 0 || destroy_finish_all(s, err) < 0 ||
	    storage_first_use(s, err) < 0 || session_select(s, name, err) < 0 ||
	    rollout_lock(s, &d->lock, err) < 0 || session_select(s, name, err) < 0 ||
	    request_publish(s, err) < 0)
		return -1;
	if (!s->exists)
		s->env.made = (int64_t)time(NULL);
	if (resume(d, err) < 0)
		return -1;
	if (s->options->ttl && ttl_set(&s->env, s->options->ttl, err) < 0)
		return -1;
	if (state_save(s->state, &s->env, err) < 0)
		return -1;
	if (s->env.generation) {
		d->previous = session_document(s, 0, err);
		if (!d->previous)
			return -1;
	}
	if (request_images(d->q, true, d->previous, &d->desired, err) < 0)
		return -1;
	d->record = record_load(&s->host, s->env.id, err);
	return d->record ? 0 : -1;
}

/* A generation of its own for each document; the same one again when it only has to be returned to. */
static int remember(struct deploy *d, struct error *err)
{
	struct session *s = d->s;
	struct generation g = {
		.commit = s->project.commit,
		.subject = s->project.subject,
		.summary = plan_summary(&s->arena, &d->plan),
		.causes = rollout_causes(&s->arena, &d->plan),
		.document = json_print(&s->arena, d->desired, FORM_CANONICAL),
	};

	if (!d->previous || !json_same(d->previous, d->desired))
		return rollout_remember(s, d->progress, &g, err);
	s->env.wanted = true;
	return state_save(s->state, &s->env, err);
}

static int run(struct deploy *d, struct error *err)
{
	struct plan_view view = { .alive = look_alive };
	struct session *s = d->s;

	if (prepare(d, err) < 0)
		return -1;
	view.ctx = d->record;
	plan_make(&s->arena, d->desired, d->record, &view, &d->plan);
	request_add_places(d->q, &d->plan);
	if (!d->plan.changes && s->env.wanted && s->env.good == s->env.generation)
		return supervise_ensure(&s->host, s->env.id, err) < 0 ? -1 : DEPLOY_NOTHING;
	if (remember(d, err) < 0)
		return -1;
	if (!d->progress->json && !d->progress->quiet)
		fprintf(stderr, "%s -> generation %lld\n", s->env.name,
			(long long)s->env.generation);
	return rollout_converge(s, d->progress, err);
}

int deploy(struct session *s, struct request *q, struct progress *progress, struct error *err)
{
	struct deploy d = { .s = s, .q = q, .progress = progress, .lock = -1 };
	int r = -1;

	q->tell = progress_tell;
	q->line = progress_line;
	q->ctx = progress;
	if (request_open(s, q, err) == 0)
		r = run(&d, err);
	json_free(d.previous);
	json_free(d.record);
	json_free(d.desired);
	auto_fd(&d.lock);
	return r;
}

int cmd_deploy(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	AUTO(request) struct request q = { 0 };
	const struct options *options = ctx;
	struct progress progress = progress_of(options);
	uint64_t since = clock_ms();
	int r;

	if (options->dry_run)
		return cmd_plan(ctx, argc, argv, err);
	if (session_open(&s, options, err) < 0)
		return -1;
	r = deploy(&s, &q, &progress, err);
	if (r < 0)
		return -1;
	rollout_end(&s, &progress,
		    r == DEPLOY_NOTHING ? "nothing to do: everything is as the files say, checked"
					: "ready",
		    since);
	return 0;
}
