#include "orchestrator/supervise.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <uv.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "orchestrator/control.h"
#include "orchestrator/converge.h"
#include "orchestrator/record.h"

#define FIRST_DELAY_MS 100
#define LAST_DELAY_MS 30000
#define DEFER_MS 10000
#define LOCK_TRIES 100
#define STEADY_MS 60000 /* after this long without an end, the next one is answered quickly again */

struct watch {
	uv_poll_t poll;
	struct supervisor *s;
};

struct supervisor {
	const struct host *h;
	const char *id;
	struct state *state;
	struct world world;
	uv_loop_t loop;
	uv_poll_t listener;
	uv_signal_t term, interrupt, child;
	uv_timer_t retry;
	int listen_fd;
	struct watch *watches; /* one a container, on its pidfd */
	size_t n_watches;
	uint64_t delay_ms, last_end_ms;
	bool ending;
	int client; /* whose request is at work; -1: none */
	int next;   /* who knocked meanwhile; -1: none */
	struct json_t *next_request;
};

static void tell_client(void *ctx, const char *what, const char *name, const char *detail,
			uint64_t ms)
{
	const struct supervisor *s = ctx;
	AUTO(json) struct json_t *event = json_new_map();
	struct error ignored;

	log_info("%s: %s%s%s (%llu ms)", *name ? name : s->id, what, *detail ? " " : "", detail,
		 (unsigned long long)ms);
	if (s->client < 0)
		return;
	json_put_text(event, "event", what);
	json_put_text(event, "container", name);
	json_put_text(event, "detail", detail);
	json_put_number(event, "ms", (int64_t)ms);
	(void)control_send(s->client, event, &ignored);
}

static void on_end(uv_poll_t *poll, int status, int events);

static void free_watches(uv_handle_t *handle)
{
	free(handle->data);
}

/* All watches share one allocation, freed when the last handle is closed. */
static void drop_watches(struct supervisor *s)
{
	for (size_t i = 0; i < s->n_watches; i++) {
		uv_handle_t *handle = (uv_handle_t *)(void *)&s->watches[i].poll;
		bool last = i + 1 == s->n_watches;

		handle->data = last ? s->watches : NULL;
		uv_close(handle, last ? free_watches : NULL);
	}
	s->watches = NULL;
	s->n_watches = 0;
}

/* The world was opened anew: watch its containers' ends. */
static void watch_all(struct supervisor *s)
{
	const struct world *w = &s->world;

	drop_watches(s);
	if (!w->n)
		return;
	s->watches = calloc(w->n, sizeof(*s->watches));
	if (!s->watches)
		abort();
	for (size_t i = 0; i < w->n; i++) {
		struct watch *watch = &s->watches[s->n_watches];

		if (w->lives[i].c.pidfd < 0 ||
		    uv_poll_init(&s->loop, &watch->poll, w->lives[i].c.pidfd) < 0)
			continue;
		watch->s = s;
		watch->poll.data = watch;
		uv_poll_start(&watch->poll, UV_READABLE, on_end);
		s->n_watches++;
	}
	if (!s->n_watches) {
		free(s->watches);
		s->watches = NULL;
	}
}

static bool wanted(struct supervisor *s)
{
	AUTO(arena) struct arena arena = { 0 };
	struct environment env;
	struct error ignored;

	return state_find(s->state, &arena, s->id, &env, &ignored) == 0 && env.wanted;
}

static void on_retry(uv_timer_t *timer);
static void serve_next(struct supervisor *s);

static void retry_later(struct supervisor *s)
{
	s->delay_ms = s->delay_ms ? s->delay_ms * 2 : FIRST_DELAY_MS;
	if (s->delay_ms > LAST_DELAY_MS)
		s->delay_ms = LAST_DELAY_MS;
	uv_timer_start(&s->retry, on_retry, s->delay_ms, 0);
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

/* A request while another one is at work: the newer one counts. Looking whether we are there is none. */
static bool on_knock(void *ctx)
{
	struct supervisor *s = ctx;
	AUTO(json) struct json_t *request = NULL;
	AUTO(fd) int client = let_in(s, &request);

	if (!request)
		return false;
	s->next = TAKE_FD(client);
	s->next_request = TAKE_PTR(request);
	return true;
}

static int run_converge(struct supervisor *s, const struct json_t *request, struct error *err)
{
	const struct converge_options options = {
		.hooks = json_get_flag(request, "hooks", false),
		.timeout_ms = (uint64_t)json_get_number(request, "timeout_ms", 0),
		.cancel = s->client,
		.door = s->listen_fd,
		.knock = on_knock,
		.event = tell_client,
		.ctx = s,
	};
	int r;

	uv_timer_stop(&s->retry);
	drop_watches(s);
	r = converge(&s->world, s->h, s->state, s->id, &options, err);
	watch_all(s);
	return r;
}

static int run_stop(struct supervisor *s, struct error *err)
{
	const struct converge_options options = {
		.cancel = -1, .door = -1, .event = tell_client, .ctx = s
	};
	int r;

	uv_timer_stop(&s->retry);
	drop_watches(s);
	r = converge_stop(&s->world, s->h, s->state, s->id, &options, err);
	if (r == 0)
		s->ending = true;
	else
		watch_all(s);
	return r;
}

static void on_retry(uv_timer_t *timer)
{
	struct supervisor *s = timer->data;
	struct error err;

	if (!wanted(s))
		return;
	if (run_converge(s, NULL, &err) < 0) {
		log_warn("%s", err.text);
		retry_later(s);
	}
	serve_next(s);
}

/* One of the containers ended without being told to. */
static void on_end(uv_poll_t *poll, int status, int events)
{
	const struct watch *watch = poll->data;
	struct supervisor *s = watch->s;

	(void)status;
	(void)events;
	if (uv_now(&s->loop) - s->last_end_ms > STEADY_MS)
		s->delay_ms = 0;
	s->last_end_ms = uv_now(&s->loop);
	log_info("%s: a container ended; starting it again", s->id);
	drop_watches(s);
	retry_later(s);
}

/* Orphans of containers end up here; our own containers are waited for by pidfd. */
static void on_child(uv_signal_t *handle, int signum)
{
	(void)handle;
	(void)signum;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static void on_term(uv_signal_t *handle, int signum)
{
	struct supervisor *s = handle->data;

	(void)signum;
	s->ending = true;
	uv_stop(&s->loop);
}

static int answer(struct supervisor *s, const struct json_t *request, struct error *err)
{
	const char *what = json_get_text(request, "do", "");

	if (!strcmp(what, "converge"))
		return run_converge(s, request, err);
	if (!strcmp(what, "stop"))
		return run_stop(s, err);
	if (!strcmp(what, "ping"))
		return 0;
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
	int r;

	s->client = client;
	r = answer(s, request, &err);
	s->client = -1;
	if (r < 0)
		log_warn("%s", err.text);
	/* Whoever comes from now on has to find nobody, and start another one. */
	if (s->ending) {
		uv_poll_stop(&s->listener);
		auto_fd(&s->listen_fd);
	}
	reply(client, r < 0 ? &err : NULL);
	if (s->ending)
		uv_stop(&s->loop);
}

/* Those who knocked while a request was at work. */
static void serve_next(struct supervisor *s)
{
	while (s->next >= 0) {
		AUTO(fd) int client = TAKE_FD(s->next);
		AUTO(json) struct json_t *request = TAKE_PTR(s->next_request);

		serve(s, client, request);
	}
}

static void on_client(uv_poll_t *poll, int status, int events)
{
	struct supervisor *s = poll->data;
	AUTO(json) struct json_t *request = NULL;
	AUTO(fd) int client = let_in(s, &request);

	(void)status;
	(void)events;
	if (!request)
		return;
	serve(s, client, request);
	serve_next(s);
}

static void close_handle(uv_handle_t *handle, void *ctx)
{
	(void)ctx;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static int start_loop(struct supervisor *s, bool deferred, struct error *err)
{
	if (uv_loop_init(&s->loop) < 0)
		return fail(err, ERROR_SYSTEM, "cannot make an event loop");
	if (control_listen(s->h, s->id, &s->listen_fd, err) < 0)
		return -1;
	s->listener.data = s->term.data = s->interrupt.data = s->child.data = s->retry.data = s;
	uv_poll_init(&s->loop, &s->listener, s->listen_fd);
	uv_poll_start(&s->listener, UV_READABLE, on_client);
	uv_signal_init(&s->loop, &s->term);
	uv_signal_start(&s->term, on_term, SIGTERM);
	uv_signal_init(&s->loop, &s->interrupt);
	uv_signal_start(&s->interrupt, on_term, SIGINT);
	uv_signal_init(&s->loop, &s->child);
	uv_signal_start(&s->child, on_child, SIGCHLD);
	uv_timer_init(&s->loop, &s->retry);
	uv_timer_start(&s->retry, on_retry, deferred ? DEFER_MS : 0, 0);
	return 0;
}

/* One that was just told to end may still have it. */
static int take_lock(const struct host *h, const char *environment, int *out, struct error *err)
{
	const struct timespec step = { .tv_nsec = 20 * 1000000L };
	AUTO(arena) struct arena arena = { 0 };
	int r;

	if (file_make_dirs(record_path(&arena, h, environment, ""), 0755, err) < 0)
		return -1;
	for (int i = 0; i < LOCK_TRIES; i++) {
		r = file_lock(record_path(&arena, h, environment, "supervisor.lock"), false, out,
			      err);
		if (r != FILE_LOCKED)
			return r;
		(void)nanosleep(&step, NULL);
	}
	return fail(err, ERROR_CONFLICT, "%s is supervised already", environment);
}

int supervise(const struct host *h, const char *environment, bool deferred, struct error *err)
{
	AUTO(state) struct state *state = NULL;
	struct supervisor s = { .h = h,
				.id = environment,
				.world = WORLD_NONE,
				.listen_fd = -1,
				.client = -1,
				.next = -1 };
	AUTO(fd) int lock = -1;

	if (take_lock(h, environment, &lock, err) < 0 || state_open(h, false, &state, err) < 0)
		return -1;
	s.state = state;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (start_loop(&s, deferred, err) < 0)
		return -1;
	while (!s.ending)
		uv_run(&s.loop, UV_RUN_DEFAULT);
	drop_watches(&s);
	uv_walk(&s.loop, close_handle, NULL);
	uv_run(&s.loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&s.loop);
	auto_fd(&s.listen_fd);
	world_close(&s.world);
	return 0;
}
