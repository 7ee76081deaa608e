/*
 * cmd_life.c - stop, start, pause, resume: all of an environment's processes; its data stays
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
#include "orchestrator/destroy.h"
#include "orchestrator/progress.h"
#include "orchestrator/record.h"
#include "orchestrator/rollout.h"
#include "orchestrator/session.h"
#include "orchestrator/supervise.h"
#include "orchestrator/urls.h"

static int ask(struct session *s, const struct environment *e, const char *what, struct error *err)
{
	struct progress progress = progress_of(s->options);
	AUTO(json) struct json_t *request = json_new_map();

	json_put_text(request, "do", what);
	json_put_number(request, "timeout_ms", (int64_t)s->options->timeout_ms);
	return supervise_call(&s->host, e->id, request, progress_event, &progress, err);
}

/* Whether anything of it is there since this boot. */
static bool has_run(struct session *s, const struct environment *e)
{
	return file_exists(record_path(&s->arena, &s->host, e->id, "record.json"));
}

/* At shutdown it stays wanted (or paused), so that it comes back. */
static int stop_one(struct session *s, struct environment *e, struct error *err)
{
	if (!s->options->shutdown && e->wanted) {
		e->wanted = e->paused = false;
		if (state_save(s->state, e, err) < 0)
			return -1;
	}
	if (!has_run(s, e))
		return 0;
	if (ask(s, e, "stop", err) < 0)
		return fail_in(err, "%s", e->name);
	return 0;
}

static int start_one(struct session *s, struct environment *e, struct error *err)
{
	if (!e->generation)
		return fail(err, ERROR_ABSENT, "%s was never deployed: orch deploy", e->name);
	if (!e->wanted || e->paused) {
		e->wanted = true;
		e->paused = false;
		if (state_save(s->state, e, err) < 0)
			return -1;
	}
	if (ask(s, e, "converge", err) < 0)
		return fail_in(err, "%s", e->name);
	return 0;
}

/* After a boot: what was paused stays so, and what has ended isn't started once more. */
static int start_again(struct session *s, struct environment *e, struct error *err)
{
	if (e->paused || (e->expires && e->expires <= (int64_t)time(NULL)))
		return 0;
	return start_one(s, e, err);
}

/* Recorded first: whoever supervises it from now on keeps it so. */
static int pause_one(struct session *s, struct environment *e, struct error *err)
{
	AUTO(fd) int lock = -1;
	struct error ignored;

	if (e->deleting || !e->wanted || !e->generation)
		return fail(err, ERROR_ABSENT, "%s doesn't run, so it can't be paused: orch start",
			    e->name);
	s->env = *e;
	if (rollout_lock(s, &lock, err) < 0 || state_set_paused(s->state, e->id, true, err) < 0)
		return -1;
	if (ask(s, e, "keep", err) == 0)
		return 0;
	(void)state_set_paused(s->state, e->id, false, &ignored);
	return fail_in(err, "%s", e->name);
}

static int pause_running(struct session *s, struct environment *e, struct error *err)
{
	return e->generation && !e->deleting ? pause_one(s, e, err) : 0;
}

static int resume_one(struct session *s, struct environment *e, struct error *err)
{
	if (!e->paused)
		return 0;
	if (state_set_paused(s->state, e->id, false, err) < 0)
		return -1;
	e->paused = false;
	return start_one(s, e, err);
}

int cmd_stop(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	const struct options *options = ctx;

	(void)argc;
	(void)argv;
	if (session_open(&s, options, err) < 0 || session_need_state(&s, "stop", err) < 0)
		return -1;
	if (options->all)
		return session_each(&s, stop_one, false, err);
	if (session_environment(&s, err) < 0 || stop_one(&s, &s.env, err) < 0)
		return -1;
	if (!options->quiet)
		fprintf(stderr, "%s is stopped; its data stays. Again: orch start\n", s.env.name);
	return 0;
}

int cmd_start(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	const struct options *options = ctx;

	(void)argc;
	(void)argv;
	if (session_open(&s, options, err) < 0 || session_need_state(&s, "start", err) < 0)
		return -1;
	if (options->all)
		return destroy_finish_all(&s, err) < 0 ? -1
						       : session_each(&s, start_again, true, err);
	if (session_environment(&s, err) < 0 || start_one(&s, &s.env, err) < 0)
		return -1;
	if (!options->quiet)
		fprintf(stderr, "%s runs: %s\n", s.env.name, url_of(&s, &s.env));
	return 0;
}

int cmd_pause(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	const struct options *options = ctx;

	(void)argc;
	(void)argv;
	if (session_open(&s, options, err) < 0 || session_need_state(&s, "pause", err) < 0)
		return -1;
	if (options->all)
		return session_each(&s, pause_running, true, err);
	if (session_environment(&s, err) < 0 || pause_one(&s, &s.env, err) < 0)
		return -1;
	if (!options->quiet)
		fprintf(stderr, "%s stands still, its memory is kept. Go on: orch resume\n",
			s.env.name);
	return 0;
}

int cmd_resume(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	const struct options *options = ctx;

	(void)argc;
	(void)argv;
	if (session_open(&s, options, err) < 0 || session_need_state(&s, "resume", err) < 0)
		return -1;
	if (options->all)
		return session_each(&s, resume_one, true, err);
	if (session_environment(&s, err) < 0)
		return -1;
	if (!s.env.paused)
		return fail(err, ERROR_CONFLICT, "%s isn't paused: orch status", s.env.name);
	if (resume_one(&s, &s.env, err) < 0)
		return -1;
	if (!options->quiet)
		fprintf(stderr, "%s goes on: %s\n", s.env.name, url_of(&s, &s.env));
	return 0;
}
