/*
 * cmd_deploy.c - from the files to a running group
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "orchestrator/commands.h"
#include "orchestrator/control.h"
#include "orchestrator/deploy.h"
#include "orchestrator/look.h"
#include "orchestrator/progress.h"
#include "orchestrator/record.h"
#include "orchestrator/request.h"
#include "orchestrator/session.h"
#include "orchestrator/supervise.h"

struct deploy {
	struct session *s;
	struct request *q;
	struct progress *progress;
	struct json_t *previous, *record, *desired; /* owned */
	struct plan plan;
	int lock;
};

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int take_lock(struct deploy *d, struct error *err)
{
	struct session *s = d->s;
	int r;

	if (file_make_dirs(record_path(&s->arena, &s->host, s->env.id, ""), 0755, err) < 0)
		return -1;
	r = file_lock(record_path(&s->arena, &s->host, s->env.id, "lock"), false, &d->lock, err);
	return r == FILE_LOCKED
		? fail(err, ERROR_CONFLICT,
		       "another deploy of %s is at work; wait for it: orch status", s->env.name)
		: r;
}

/* The environment is remembered before anything is made for it. */
static int prepare(struct deploy *d, struct error *err)
{
	struct session *s = d->s;

	if (session_need_state(s, "deploy", err) < 0 || session_project(s, err) < 0 ||
	    take_lock(d, err) < 0 || session_project(s, err) < 0 || request_publish(s, err) < 0)
		return -1;
	if (!s->exists)
		s->env.made = (int64_t)time(NULL);
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

	json_put_text(request, "do", "converge");
	json_put_flag(request, "hooks", true);
	json_put_number(request, "timeout_ms", (int64_t)s->options->timeout_ms);
	return supervise_call(&s->host, s->env.id, request, progress_event, d->progress, err);
}

static const char *url_of(const struct session *s)
{
	static char url[64];

	snprintf(url, sizeof(url), "http://%s:%u/",
		 !strcmp(s->env.publish_address, "0.0.0.0") ? "127.0.0.1" : s->env.publish_address,
		 s->env.publish_port);
	return url;
}

static void say_end(const struct session *s, const struct progress *progress, bool changed,
		    uint64_t since)
{
	const char *what =
		changed ? "ready" : "nothing to do: everything is as the files say, checked";
	double seconds = (double)(now_ms() - since) / 1000;
	AUTO(json) struct json_t *end = NULL;
	AUTO(arena) struct arena arena = { 0 };

	if (!progress->json) {
		if (!progress->quiet)
			fprintf(stderr, "%s in %.2fs   ", what, seconds);
		fflush(stderr);
		printf("%s\n", url_of(s));
		return;
	}
	end = json_new_map();
	json_put_text(end, "event", "end");
	json_put_text(end, "result", what);
	json_put_text(end, "environment", s->env.name);
	json_put_number(end, "generation", s->env.generation);
	json_put_text(end, "url", url_of(s));
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
	if (!d->plan.changes && s->env.wanted && s->env.good == s->env.generation)
		return ping(s, err) < 0 ? -1 : DEPLOY_NOTHING;
	if (remember(d, err) < 0)
		return -1;
	if (!d->progress->json && !d->progress->quiet)
		fprintf(stderr, "%s -> generation %lld\n", s->env.name,
			(long long)s->env.generation);
	return converge_now(d, err);
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
	uint64_t since = now_ms();
	int r;

	if (options->dry_run)
		return cmd_plan(ctx, argc, argv, err);
	if (session_open(&s, options, err) < 0)
		return -1;
	r = deploy(&s, &q, &progress, err);
	if (r < 0)
		return -1;
	say_end(&s, &progress, r != DEPLOY_NOTHING, since);
	return 0;
}
