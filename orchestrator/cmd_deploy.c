/*
 * cmd_deploy.c - from the files to a running group
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "orchestrator/commands.h"
#include "orchestrator/control.h"
#include "orchestrator/look.h"
#include "orchestrator/progress.h"
#include "orchestrator/record.h"
#include "orchestrator/request.h"
#include "orchestrator/say.h"
#include "orchestrator/session.h"
#include "orchestrator/supervise.h"
#include "orchestrator/ttl.h"

struct deploy {
	struct session *s;
	struct request *q;
	struct progress *progress;
	struct json_t *previous, *record, *desired; /* owned */
	struct plan plan;
	uint64_t since;
	int lock;
};

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Whoever deploys wants it to run. Before anything is built: a build belongs to the environment, and would stand still with it. */
static int resume(struct deploy *d, struct error *err)
{
	struct session *s = d->s;
	AUTO(json) struct json_t *request = json_new_map();
	AUTO(fd) int fd = -1;

	if (!s->env.paused)
		return 0;
	if (state_set_paused(s->state, s->env.id, false, err) < 0 ||
	    supervise_connect(&s->host, s->env.id, true, &fd, err) < 0)
		return -1;
	s->env.paused = false;
	json_put_text(request, "do", "keep");
	return control_call(fd, request, progress_event, d->progress, err);
}

/* The environment is remembered before anything is made for it. */
static int prepare(struct deploy *d, struct error *err)
{
	struct session *s = d->s;

	if (session_need_state(s, "deploy", err) < 0 || session_project(s, err) < 0 ||
	    session_lock(s, &d->lock, err) < 0 || session_project(s, err) < 0 ||
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
		.number = s->env.generation + 1,
		.made = (int64_t)time(NULL),
		.commit = s->project.commit,
		.subject = s->project.subject,
		.result = "",
		.summary = plan_summary(&s->arena, &d->plan),
		.document = json_print(&s->arena, d->desired, FORM_CANONICAL),
	};
	struct generation *list;
	size_t n;

	/* Failed ones keep their numbers. */
	if (state_list_generations(s->state, &s->arena, s->env.id, &list, &n, err) < 0)
		return -1;
	if (n && list[0].number >= g.number)
		g.number = list[0].number + 1;
	s->env.wanted = true;
	if (!d->previous || !json_same(d->previous, d->desired)) {
		if (state_add_generation(s->state, s->env.id, &g, err) < 0)
			return -1;
		s->env.generation = g.number;
	}
	return state_save(s->state, &s->env, err);
}

static int converge_now(struct deploy *d, struct error *err)
{
	struct session *s = d->s;
	AUTO(json) struct json_t *request = json_new_map();
	AUTO(fd) int fd = -1;

	if (supervise_connect(&s->host, s->env.id, true, &fd, err) < 0)
		return -1;
	json_put_text(request, "do", "converge");
	json_put_flag(request, "hooks", true);
	json_put_number(request, "timeout_ms", (int64_t)s->options->timeout_ms);
	return control_call(fd, request, progress_event, d->progress, err);
}

static void say_end(const struct deploy *d, const char *what)
{
	double seconds = (double)(now_ms() - d->since) / 1000;
	AUTO(json) struct json_t *end = NULL;
	AUTO(arena) struct arena arena = { 0 };

	if (!d->progress->json) {
		if (!d->progress->quiet)
			fprintf(stderr, "%s in %.2fs   ", what, seconds);
		fflush(stderr);
		printf("%s\n", say_url(&arena, &d->s->env));
		return;
	}
	end = json_new_map();
	json_put_text(end, "event", "end");
	json_put_text(end, "result", what);
	json_put_text(end, "environment", d->s->env.name);
	json_put_number(end, "generation", d->s->env.generation);
	json_put_text(end, "url", say_url(&arena, &d->s->env));
	printf("%s\n", json_print(&arena, end, FORM_COMPACT));
}

static int ping(struct session *s, struct error *err)
{
	AUTO(fd) int fd = -1;

	return supervise_connect(&s->host, s->env.id, false, &fd, err);
}

static int run(struct deploy *d, struct error *err)
{
	struct plan_view view = { .alive = look_alive };
	struct session *s = d->s;

	if (prepare(d, err) < 0)
		return -1;
	view.ctx = d->record;
	plan_make(&s->arena, d->desired, d->record, &view, &d->plan);
	if (!d->plan.changes && s->env.wanted && s->env.good == s->env.generation) {
		if (ping(s, err) < 0)
			return -1;
		say_end(d, "nothing to do: everything is as the files say, checked");
		return 0;
	}
	if (remember(d, err) < 0)
		return -1;
	if (!d->progress->json && !d->progress->quiet)
		fprintf(stderr, "%s -> generation %lld\n", s->env.name,
			(long long)s->env.generation);
	if (converge_now(d, err) < 0)
		return -1;
	say_end(d, "ready");
	return 0;
}

int cmd_deploy(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	AUTO(request) struct request q = { 0 };
	const struct options *options = ctx;
	struct progress progress = progress_of(options);
	struct deploy d = {
		.s = &s, .q = &q, .progress = &progress, .since = now_ms(), .lock = -1
	};
	int r;

	if (options->dry_run)
		return cmd_plan(ctx, argc, argv, err);
	if (session_open(&s, options, err) < 0 || request_open(&s, &q, err) < 0)
		return -1;
	q.tell = progress_tell;
	q.line = progress_line;
	q.ctx = &progress;
	r = run(&d, err);
	json_free(d.previous);
	json_free(d.record);
	json_free(d.desired);
	auto_fd(&d.lock);
	return r;
}
