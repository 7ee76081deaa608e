#include "orchestrator/supervise.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "orchestrator/control.h"
#include "orchestrator/group.h"
#include "orchestrator/notice.h"
#include "orchestrator/record.h"
#include "orchestrator/supervisor.h"
#include "orchestrator/ttl.h"
#include "runtime/volume.h"

#define FIRST_DELAY_MS 100
#define LAST_DELAY_MS 30000
#define DEFER_MS 10000
#define LOCK_TRIES 100
#define STEADY_MS 60000 /* after this long without an end, the next one is answered quickly again */

struct watch {
	uv_poll_t poll;
	struct supervisor *s;
	size_t live;
	struct watch *next;
};

struct loop {
	uv_loop_t loop;
	uv_poll_t listener;
	uv_signal_t term, interrupt, child;
	uv_timer_t retry, end;
	struct watch *watches; /* one a container, on its pidfd */
	uint64_t delay_ms, last_end_ms;
	struct notice notice;
};

static void on_end(uv_poll_t *poll, int status, int events);

static void free_watch(uv_handle_t *handle)
{
	free(handle->data);
}

void supervisor_unwatch(struct supervisor *s)
{
	struct loop *l = s->loop;

	uv_timer_stop(&l->retry);
	while (l->watches) {
		struct watch *watch = l->watches;

		l->watches = watch->next;
		uv_close((uv_handle_t *)(void *)&watch->poll, free_watch);
	}
}

static void add_watch(struct supervisor *s, size_t live, int fd, uv_poll_cb then)
{
	struct loop *l = s->loop;
	struct watch *watch;

	if (fd < 0)
		return;
	watch = calloc(1, sizeof(*watch));
	if (!watch || uv_poll_init(&l->loop, &watch->poll, fd) < 0)
		abort();
	watch->s = s;
	watch->live = live;
	watch->next = l->watches;
	watch->poll.data = watch;
	uv_poll_start(&watch->poll, UV_READABLE, then);
	l->watches = watch;
}

void supervisor_watch(struct supervisor *s)
{
	struct world *w = &s->world;
	struct loop *l = s->loop;

	supervisor_unwatch(s);
	notice_clear(&l->notice);
	for (size_t i = 0; i < w->n; i++) {
		add_watch(s, i, w->lives[i].c.pidfd, on_end);
		notice_look(&l->notice, w, &w->lives[i], supervisor_tell, s);
	}
}

static bool wanted(struct supervisor *s)
{
	AUTO(arena) struct arena arena = { 0 };
	struct environment env;
	struct error ignored;

	return state_find(s->state, &arena, s->id, &env, &ignored) == 0 && env.wanted &&
		!env.paused && !env.deleting;
}

/* Started by a command that was killed before it asked for anything, or that another one has overtaken. */
static void end_unneeded(struct supervisor *s)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *record = NULL;
	struct environment env;
	struct error ignored;
	int r = state_find(s->state, &arena, s->id, &env, &ignored);

	if (r < 0 || (r == 0 && env.wanted && !env.deleting))
		return;
	record = record_load(s->h, s->id, &ignored);
	if (!record || json_count(json_get(record, "containers")))
		return;
	s->ending = true;
	uv_stop(&s->loop->loop);
}

static void on_retry(uv_timer_t *timer);

static void retry_later(struct supervisor *s)
{
	struct loop *l = s->loop;

	l->delay_ms = l->delay_ms ? l->delay_ms * 2 : FIRST_DELAY_MS;
	if (l->delay_ms > LAST_DELAY_MS)
		l->delay_ms = LAST_DELAY_MS;
	uv_timer_start(&l->retry, on_retry, l->delay_ms, 0);
}

static void on_retry(uv_timer_t *timer)
{
	struct supervisor *s = timer->data;
	struct error err;

	if (!wanted(s)) {
		end_unneeded(s);
		return;
	}
	if (supervisor_converge(s, NULL, &err) < 0) {
		log_warn("%s", err.text);
		retry_later(s);
	}
	supervisor_serve_next(s);
	if (s->ending)
		uv_stop(&s->loop->loop);
}

/* One of the containers ended without being told to. */
static void on_end(uv_poll_t *poll, int status, int events)
{
	const struct watch *watch = poll->data;
	struct supervisor *s = watch->s;
	struct loop *l = s->loop;

	(void)status;
	(void)events;
	if (uv_now(&l->loop) - l->last_end_ms > STEADY_MS)
		l->delay_ms = 0;
	l->last_end_ms = uv_now(&l->loop);
	notice_look(&l->notice, &s->world, &s->world.lives[watch->live], supervisor_tell, s);
	supervisor_tell(s, "ended", s->world.lives[watch->live].name,
			"the container; it is started again", 0);
	supervisor_unwatch(s);
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
	uv_stop(&s->loop->loop);
}

/* Looked at again at least that often: the clock may be set, the state be changed. */
#define END_MAX_MS 5000
#define END_AGAIN_MS 5000

static void on_time(uv_timer_t *timer);

static void watch_end(struct supervisor *s)
{
	AUTO(arena) struct arena arena = { 0 };
	uint64_t wait = END_MAX_MS;
	struct environment env;
	struct error ignored;
	int64_t left;

	if (state_find(s->state, &arena, s->id, &env, &ignored) == 0 && env.expires) {
		left = env.expires - (int64_t)time(NULL);
		if (left <= 0)
			ttl_remove(s->h, s->id);
		wait = left <= 0 ? END_AGAIN_MS : (uint64_t)left * 1000;
	}
	uv_timer_start(&s->loop->end, on_time, wait < END_MAX_MS ? wait : END_MAX_MS, 0);
}

/* Looked at, not watched: a user has 128 inotify instances, and there is one of us for each environment. */
static void on_time(uv_timer_t *timer)
{
	struct supervisor *s = timer->data;

	for (size_t i = 0; s->loop->watches && i < s->world.n; i++)
		notice_look(&s->loop->notice, &s->world, &s->world.lives[i], supervisor_tell, s);
	watch_end(s);
}

void supervisor_close_door(struct supervisor *s)
{
	uv_poll_stop(&s->loop->listener);
	auto_fd(&s->listen_fd);
}

static void on_client(uv_poll_t *poll, int status, int events)
{
	struct supervisor *s = poll->data;

	(void)status;
	(void)events;
	supervisor_serve(s);
	if (s->ending)
		uv_stop(&s->loop->loop);
	else
		watch_end(s);
}

static void close_handle(uv_handle_t *handle, void *ctx)
{
	(void)ctx;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static int start_loop(struct supervisor *s, bool deferred, int packets, struct error *err)
{
	struct loop *l = s->loop;

	if (uv_loop_init(&l->loop) < 0)
		return fail(err, ERROR_SYSTEM, "cannot make an event loop");
	if (s->listen_fd < 0 && control_listen(s->h, s->id, &s->listen_fd, err) < 0)
		return -1;
	l->listener.data = l->term.data = l->interrupt.data = l->child.data = l->retry.data =
		l->end.data = s;
	uv_poll_init(&l->loop, &l->listener, s->listen_fd);
	uv_poll_start(&l->listener, UV_READABLE, on_client);
	uv_signal_init(&l->loop, &l->term);
	uv_signal_start(&l->term, on_term, SIGTERM);
	uv_signal_init(&l->loop, &l->interrupt);
	uv_signal_start(&l->interrupt, on_term, SIGINT);
	uv_signal_init(&l->loop, &l->child);
	uv_signal_start(&l->child, on_child, SIGCHLD);
	uv_timer_init(&l->loop, &l->retry);
	if (idle_open(s, &l->loop, packets, err) < 0)
		return -1;
	if (!supervisor_asleep(s))
		uv_timer_start(&l->retry, on_retry, deferred ? DEFER_MS : 0, 0);
	supervisor_watch_volumes(s, &l->loop);
	supervisor_watch_names(s, &l->loop);
	uv_timer_init(&l->loop, &l->end);
	watch_end(s);
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

/* A snapshot that a killed one was making has a name that nobody makes again. */
static void clear_unfinished(const struct host *h, const char *environment)
{
	struct error why;

	if (pool_mounted(h->pool) && group_remove_unfinished(h, environment, &why) < 0)
		log_warn("%s: %s", environment, why.text);
}

int supervise(const struct host *h, const char *environment, bool deferred, bool resume,
	      struct error *err)
{
	AUTO(state) struct state *state = NULL;
	struct loop loop = { 0 };
	struct supervisor s = { .h = h,
				.id = environment,
				.world = WORLD_NONE,
				.loop = &loop,
				.listen_fd = -1,
				.client = -1,
				.next = -1 };
	AUTO(fd) int lock = -1;
	int packets = -1;
	bool resumed = resume && doze_take_over(&s, &lock, &packets);

	if ((!resumed && take_lock(h, environment, &lock, err) < 0) ||
	    state_open(h, false, &state, err) < 0)
		return -1;
	s.state = state;
	s.lock = lock;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (!resumed)
		clear_unfinished(h, environment);
	if ((!idle_noted(&s) && supervisor_keep(&s, err) < 0) ||
	    start_loop(&s, deferred, packets, err) < 0)
		return -1;
	while (!s.ending)
		uv_run(&loop.loop, UV_RUN_DEFAULT);
	supervisor_unwatch(&s);
	notice_clear(&loop.notice);
	idle_stop(&s);
	uv_walk(&loop.loop, close_handle, NULL);
	uv_run(&loop.loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&loop.loop);
	idle_close(&s);
	auto_fd(&s.listen_fd);
	world_close(&s.world);
	return 0;
}
