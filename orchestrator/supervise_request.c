#include <malloc.h>
#include <string.h>
#include <sys/socket.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "orchestrator/control.h"
#include "orchestrator/converge.h"
#include "orchestrator/group.h"
#include "orchestrator/moment.h"
#include "orchestrator/supervisor.h"
#include "runtime/cgroup.h"

void supervisor_tell(void *ctx, const char *what, const char *name, const char *detail, uint64_t ms)
{
	const struct supervisor *s = ctx;
	AUTO(json) struct json_t *event = json_new_map();
	struct error ignored;

	/* Lines of logs are in the logs. */
	if (strcmp(what, "log") != 0) {
		log_info("%s: %s%s%s (%llu ms)", *name ? name : s->id, what, *detail ? " " : "",
			 detail, (unsigned long long)ms);
		(void)state_add_event(s->state, s->id, what, name, detail, ms, &ignored);
	}
	if (s->client < 0)
		return;
	json_put_text(event, "event", what);
	json_put_text(event, "container", name);
	json_put_text(event, "detail", detail);
	json_put_number(event, "ms", (int64_t)ms);
	(void)control_send(s->client, event, &ignored);
}

/* Its request is NULL when it left without one. */
static int let_in(struct supervisor *s, struct json_t **request)
{
	const struct timeval patience = { .tv_sec = 10 };
	int client = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	struct error ignored;

	*request = NULL;
	if (client < 0)
		return -1;
	(void)setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	(void)setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	*request = control_receive(client, &ignored);
	return client;
}

static void serve(struct supervisor *s, int client, const struct json_t *request);

/*
 * A request while another one is at work: the newer one counts. Looking whether we are there is none, and a
 * snapshot disturbs nothing.
 */
static bool on_knock(void *ctx)
{
	struct supervisor *s = ctx;
	AUTO(json) struct json_t *request = NULL;
	AUTO(fd) int client = let_in(s, &request);

	if (!request)
		return false;
	if (!strcmp(json_get_text(request, "do", ""), "snapshot")) {
		serve(s, client, request);
		return false;
	}
	s->next = TAKE_FD(client);
	s->next_request = TAKE_PTR(request);
	return true;
}

static int find(struct supervisor *s, struct arena *arena, struct environment *env,
		struct error *err)
{
	int r = state_find(s->state, arena, s->id, env, err);

	return r == STATE_ABSENT ? fail(err, ERROR_ABSENT, "no environment %s", s->id) : r;
}

static int freeze(const struct supervisor *s, bool frozen, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };

	return cgroup_freeze(arena_printf(&arena, "%s/%s", s->h->cgroups, s->id), frozen, err);
}

/* One that is paused can't be made ready; whoever wants it to run says so in the state first. */
static int let_run(struct supervisor *s, struct environment *env, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };

	if (find(s, &arena, env, err) < 0)
		return -1;
	if (env->paused)
		return fail(err, ERROR_CONFLICT, "%s is paused: orch resume", env->name);
	return freeze(s, false, err);
}

/* Of what was wanted before: its numbers are used only. A return to what was reached once is no deploy. */
static void note_end(struct supervisor *s, const struct environment *before,
		     const struct error *failed)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *number = arena_printf(&arena, "generation %lld", (long long)before->generation);

	if (failed)
		supervisor_tell(s, "failed", "",
				arena_printf(&arena, "%s: %.*s", number,
					     (int)strcspn(failed->text, "\n"), failed->text),
				0);
	else if (before->good != before->generation)
		supervisor_tell(s, "deployed", "", number, 0);
}

int supervisor_keep(struct supervisor *s, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	struct environment env;
	int r = state_find(s->state, &arena, s->id, &env, err);

	if (r != 0)
		return r < 0 ? -1 : 0;
	return freeze(s, env.paused, err);
}

int supervisor_converge(struct supervisor *s, const struct json_t *request, struct error *err)
{
	const struct converge_options options = {
		.hooks = json_get_flag(request, "hooks", false),
		.timeout_ms = (uint64_t)json_get_number(request, "timeout_ms", 0),
		.cancel = s->client,
		.door = s->listen_fd,
		.knock = on_knock,
		.event = supervisor_tell,
		.ctx = s,
	};
	struct environment before;
	int r;

	if (supervisor_wake(s, err) < 0 || let_run(s, &before, err) < 0)
		return -1;
	supervisor_unwatch(s);
	r = converge(&s->world, s->h, s->state, s->id, &options, err);
	world_rest(&s->world);
	/* There is one of us for each environment, mostly with nothing to do. */
	(void)malloc_trim(0);
	supervisor_watch(s);
	note_end(s, &before, r < 0 ? err : NULL);
	return r;
}

static int run_stop(struct supervisor *s, struct error *err)
{
	const struct converge_options options = {
		.cancel = -1, .door = -1, .event = supervisor_tell, .ctx = s
	};
	int r;

	/* Who stands still can't end in order. */
	if (freeze(s, false, err) < 0)
		return -1;
	supervisor_unwatch(s);
	r = converge_stop(&s->world, s->h, s->state, s->id, &options, err);
	if (r == 0)
		s->ending = true;
	else
		supervisor_watch(s);
	return r;
}

/* {"do": "snapshot", "to": FOLDER, "read_only": FLAG}: of all volumes, while nobody writes. */
static int run_snapshot(struct supervisor *s, const struct json_t *request, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *event = json_new_map();
	const char *to = json_get_text(request, "to", "");
	struct environment env;
	struct error ignored;
	struct moment m;

	if (find(s, &arena, &env, err) < 0 ||
	    moment_make(s->h, &env, to, json_get_flag(request, "read_only", false), &m, err) < 0)
		return -1;
	log_info("%s: snapshot %s of %zu volumes, held %llu us", s->id, to, m.volumes,
		 (unsigned long long)m.held_us);
	json_put_text(event, "event", "snapshot");
	json_put_text(event, "detail", to);
	json_put_number(event, "volumes", (int64_t)m.volumes);
	json_put_number(event, "held_us", (int64_t)m.held_us);
	/* Whoever asked was killed meanwhile, and nobody knows of it. */
	if (control_send(s->client, event, &ignored) < 0)
		return group_remove(s->h, to, err);
	return 0;
}

static int run_keep(struct supervisor *s, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	struct environment env;

	if (supervisor_keep(s, err) < 0 || find(s, &arena, &env, err) < 0)
		return -1;
	supervisor_tell(s, env.paused ? "paused" : "resumed", "", "", 0);
	return 0;
}

static int answer(struct supervisor *s, const struct json_t *request, struct error *err)
{
	const char *what = json_get_text(request, "do", "");

	if (!strcmp(what, "ping"))
		return 0;
	if (!strcmp(what, "idle"))
		return 0; /* supervisor_idle() reads it, as after each request */
	if (!strcmp(what, "sleep"))
		return supervisor_sleep(s, err);
	/* The others are of one that is awake. */
	if (supervisor_wake(s, err) < 0)
		return -1;
	if (!strcmp(what, "wake"))
		return 0;
	if (!strcmp(what, "converge"))
		return supervisor_converge(s, request, err);
	if (!strcmp(what, "keep"))
		return run_keep(s, err);
	if (!strcmp(what, "stop"))
		return run_stop(s, err);
	if (!strcmp(what, "snapshot"))
		return run_snapshot(s, request, err);
	return fail(err, ERROR_INPUT, "unknown request \"%s\"", what);
}

static void reply(int client, const struct error *err)
{
	AUTO(json) struct json_t *reply = json_new_map();
	struct error ignored;

	json_put_flag(reply, "done", true);
	json_put_number(reply, "exit", err ? (int64_t)err->kind : 0);
	json_put_text(reply, "text", err ? err->text : "");
	(void)control_send(client, reply, &ignored);
}

static void serve(struct supervisor *s, int client, const struct json_t *request)
{
	struct error err = { 0 };
	int r, before = s->client;

	s->client = client;
	r = answer(s, request, &err);
	s->client = before;
	if (r < 0)
		log_warn("%s", err.text);
	/* Whoever comes from now on has to find nobody, and start another one. */
	if (s->ending)
		supervisor_close_door(s);
	reply(client, r < 0 ? &err : NULL);
	supervisor_idle(s);
}

void supervisor_serve_next(struct supervisor *s)
{
	while (s->next >= 0) {
		AUTO(fd) int client = TAKE_FD(s->next);
		AUTO(json) struct json_t *request = TAKE_PTR(s->next_request);

		serve(s, client, request);
	}
}

void supervisor_serve(struct supervisor *s)
{
	AUTO(json) struct json_t *request = NULL;
	AUTO(fd) int client = let_in(s, &request);

	if (!request)
		return;
	serve(s, client, request);
	supervisor_serve_next(s);
}
