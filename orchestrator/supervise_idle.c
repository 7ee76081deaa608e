/*
 * supervise_idle.c - environments without traffic fall asleep, and wake with the next connection
 *
 * Asleep is written in the record, before the processes are frozen; so a new supervisor knows. It is no state: what isn't frozen is awake. While it
 * sleeps the supervisor itself becomes orch-doze (runtime/doze.c), which has its lock and sockets and a hundredth of its memory.
 */
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "netplan/links.h"
#include "netplan/wake.h"
#include "orchestrator/busy.h"
#include "orchestrator/record.h"
#include "orchestrator/supervisor.h"
#include "runtime/cgroup.h"

#define DOZE_MS 200 /* clients come in quick succession */
#define SHORTEST_MS 100
#define LONGEST_MS 30000
#define BUSY_PERCENT \
	2 /* of a processor: a request that computes, a worker; servers that wait take a tenth of it */

struct idle {
	uv_timer_t timer;
	uv_poll_t *poll;
	int packets; /* wake_listen's; -1: awake */
	bool asleep;
	uint64_t after_ms; /* 0: never */
	uint64_t count;	   /* what the uplink had carried when it was last looked at */
	uint64_t cpu_us;   /* what its processes had taken then, ... */
	uint64_t look_ms;  /* ... and when that was */
	uint64_t since_ms; /* when it was last seen to do something */
};

static const char *group_of(struct arena *arena, const struct supervisor *s)
{
	return arena_printf(arena, "%s/%s", s->h->cgroups, s->id);
}

static int count(const struct supervisor *s, uint64_t *out, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };

	return links_uplink_packets(world_uplink(&arena, s->h, s->id), out, err);
}

static int open_router(const struct supervisor *s, int *out, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };

	return links_open_pinned(record_path(&arena, s->h, s->id, "router"), out, err);
}

/* count: of the uplink, for one who comes later and wasn't told. */
static int write_down(const struct supervisor *s, bool asleep, uint64_t packets, struct error *err)
{
	AUTO(json) struct json_t *record = record_load(s->h, s->id, err);

	if (!record)
		return -1;
	if (asleep)
		json_put_number(record, "asleep", (int64_t)packets);
	else
		json_drop(record, "asleep");
	return record_save(s->h, s->id, record, err);
}

bool idle_noted(const struct supervisor *s)
{
	struct error ignored;
	AUTO(json) struct json_t *record = record_load(s->h, s->id, &ignored);

	return json_get(record, "asleep") != NULL;
}

bool supervisor_asleep(const struct supervisor *s)
{
	return s->idle->asleep;
}

static void free_handle(uv_handle_t *handle)
{
	free(handle);
}

static void stop_listening(struct idle *idle)
{
	if (idle->poll)
		uv_close((uv_handle_t *)(void *)idle->poll, free_handle);
	idle->poll = NULL;
	auto_fd(&idle->packets);
}

static void look_later(struct supervisor *s);

int supervisor_wake(struct supervisor *s, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(fd) int router = -1;
	struct environment env;

	if (!s->idle->asleep)
		return 0;
	if (state_find(s->state, &arena, s->id, &env, err) < 0 ||
	    (!env.paused && cgroup_freeze(group_of(&arena, s), false, err) < 0) ||
	    write_down(s, false, 0, err) < 0)
		return -1;
	s->idle->asleep = false;
	stop_listening(s->idle);
	if (open_router(s, &router, err) < 0 || (router >= 0 && wake_forget(router, err) < 0))
		return -1;
	supervisor_tell(s, "awake", "", "", 0);
	s->idle->since_ms = uv_now(s->idle->timer.loop);
	look_later(s);
	return 0;
}

static void on_packet(uv_poll_t *poll, int status, int events)
{
	struct supervisor *s = poll->data;
	struct error err;

	(void)status;
	(void)events;
	if (supervisor_wake(s, &err) < 0)
		log_warn("%s", err.text);
}

static void listen_to(struct supervisor *s, int packets)
{
	struct idle *idle = s->idle;

	idle->packets = packets;
	idle->poll = calloc(1, sizeof(*idle->poll));
	if (!idle->poll || uv_poll_init(idle->timer.loop, idle->poll, packets) < 0)
		abort();
	idle->poll->data = s;
	uv_poll_start(idle->poll, UV_READABLE, on_packet);
}

/* Takes as long as there is memory to write off, which nobody waits for. */
static void give_memory_back(const struct supervisor *s)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *group = group_of(&arena, s);
	struct error ignored;

	if (fork() == 0) {
		(void)cgroup_reclaim(group, &ignored);
		_exit(0);
	}
}

/* From here on packets are told of; one that came before shows in the count. */
static int fall_asleep(struct supervisor *s, uint64_t seen, int *packets, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(fd) int router = -1;
	uint64_t now;

	if (open_router(s, &router, err) < 0)
		return -1;
	if (router < 0)
		return fail(err, ERROR_ABSENT, "%s isn't running: orch start", s->id);
	if (wake_listen(router, packets, err) < 0 || count(s, &now, err) < 0)
		return -1;
	if (now != seen)
		return fail(err, ERROR_CONFLICT, "%s is in use", s->id);
	if (write_down(s, true, now, err) < 0)
		return -1;
	return cgroup_freeze(group_of(&arena, s), true, err);
}

static int may_sleep(struct supervisor *s, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *record = record_load(s->h, s->id, err);
	const char *container;
	struct environment env;
	int r = state_find(s->state, &arena, s->id, &env, err);

	if (r != 0)
		return r < 0 ? -1 : fail(err, ERROR_ABSENT, "no environment %s", s->id);
	if (!env.wanted || env.paused || env.deleting || env.good != env.generation)
		return fail(err, ERROR_CONFLICT, "%s isn't running as it should: orch status",
			    env.name);
	if (!record || world_running_job(&s->world, &arena, record, &container, NULL))
		return record ? fail(err, ERROR_CONFLICT, "%s: a job runs in it", env.name) : -1;
	return 0;
}

int supervisor_sleep(struct supervisor *s, struct error *err)
{
	AUTO(fd) int alone = -1;
	AUTO(fd) int packets = -1;
	struct error ignored;
	uint64_t seen;
	int r;

	if (s->idle->asleep)
		return 0;
	r = busy_exclude(s->h, s->id, &alone, err);
	if (r == BUSY)
		return fail(err, ERROR_CONFLICT, "%s: a command is at work in it", s->id);
	if (r < 0 || may_sleep(s, err) < 0 || count(s, &seen, err) < 0)
		return -1;
	s->idle->asleep = true;
	if (fall_asleep(s, seen, &packets, err) < 0) {
		(void)supervisor_wake(s, &ignored);
		return -1;
	}
	listen_to(s, TAKE_FD(packets));
	give_memory_back(s);
	supervisor_tell(s, "asleep", "", "", 0);
	look_later(s);
	return 0;
}

/* Since the last look: packets through the uplink, or work. */
static bool is_active(struct supervisor *s)
{
	AUTO(arena) struct arena arena = { 0 };
	struct idle *idle = s->idle;
	uint64_t packets = 0, ms = uv_now(idle->timer.loop) - idle->look_ms;
	struct cgroup_usage usage = { 0 };
	struct error ignored;
	bool active;

	if (count(s, &packets, &ignored) < 0 ||
	    cgroup_usage(group_of(&arena, s), &usage, &ignored) < 0)
		return true;
	active = packets != idle->count ||
		usage.cpu_us - idle->cpu_us > ms * 1000 * BUSY_PERCENT / 100;
	idle->count = packets;
	idle->cpu_us = usage.cpu_us;
	idle->look_ms += ms;
	return active;
}

static void on_time(uv_timer_t *timer)
{
	struct supervisor *s = timer->data;
	struct idle *idle = s->idle;
	struct error err;

	if (idle->asleep) {
		doze(s, idle->packets);
		return;
	}
	if (is_active(s))
		idle->since_ms = uv_now(timer->loop);
	if (idle->after_ms && uv_now(timer->loop) - idle->since_ms >= idle->after_ms &&
	    supervisor_sleep(s, &err) < 0)
		idle->since_ms = uv_now(timer->loop);
	if (!idle->asleep)
		look_later(s);
}

static void look_later(struct supervisor *s)
{
	struct idle *idle = s->idle;
	uint64_t ms = idle->after_ms / 8;

	if (idle->asleep)
		ms = DOZE_MS;
	else if (!idle->after_ms)
		return;
	else if (ms < SHORTEST_MS)
		ms = SHORTEST_MS;
	else if (ms > LONGEST_MS)
		ms = LONGEST_MS;
	uv_timer_start(&idle->timer, on_time, ms, 0);
}

void supervisor_idle(struct supervisor *s)
{
	AUTO(arena) struct arena arena = { 0 };
	struct environment env;
	struct error ignored;

	if (state_find(s->state, &arena, s->id, &env, &ignored) == 0)
		s->idle->after_ms = (uint64_t)env.idle * 1000;
	uv_timer_stop(&s->idle->timer);
	look_later(s);
}

/* To go on sleeping: with all containers there, and nobody having wanted anything meanwhile. */
static int go_on_sleeping(struct supervisor *s, const struct json_t *record, int packets,
			  struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(fd) int own = packets;
	AUTO(fd) int router = -1;
	struct environment env;
	uint64_t now;

	if (state_find(s->state, &arena, s->id, &env, err) != 0 ||
	    !cgroup_frozen(group_of(&arena, s)) ||
	    world_open(&s->world, s->h, s->state, &env, record, err) < 0)
		return supervisor_wake(s, err);
	if (own < 0 &&
	    (open_router(s, &router, err) != 0 || wake_listen(router, &own, err) < 0 ||
	     count(s, &now, err) < 0 || now != (uint64_t)json_get_number(record, "asleep", 0)))
		return supervisor_wake(s, err);
	if (s->world.n != json_count(json_get(record, "containers")))
		return supervisor_wake(s, err);
	supervisor_watch(s);
	listen_to(s, TAKE_FD(own));
	look_later(s);
	return 0;
}

int idle_open(struct supervisor *s, struct uv_loop_s *loop, int packets, struct error *err)
{
	AUTO(json) struct json_t *record = record_load(s->h, s->id, err);
	struct idle *idle = calloc(1, sizeof(*idle));

	if (!idle)
		abort();
	s->idle = idle;
	idle->packets = -1;
	uv_timer_init(loop, &idle->timer);
	idle->timer.data = s;
	idle->since_ms = uv_now(loop);
	supervisor_idle(s);
	if (!record)
		return -1;
	idle->asleep = json_get(record, "asleep") != NULL;
	if (!idle->asleep)
		return 0;
	return go_on_sleeping(s, record, packets, err);
}

void idle_stop(struct supervisor *s)
{
	stop_listening(s->idle);
}

void idle_close(struct supervisor *s)
{
	free(s->idle);
	s->idle = NULL;
}
