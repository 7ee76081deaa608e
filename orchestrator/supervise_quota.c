/*
 * supervise_quota.c - the supervisor looks how full its volumes are
 */
#include <uv.h>

#include "base/error.h"
#include "base/log.h"
#include "orchestrator/quota.h"
#include "orchestrator/supervisor.h"

/* One supervisor a process. */
static uv_timer_t timer;

static void on_time(uv_timer_t *t)
{
	const struct supervisor *s = t->data;
	struct error err = { 0 };
	uint64_t next_ms;

	if (quota_look(s->h, s->id, &next_ms, &err) < 0)
		log_warn("%s", err.text);
	uv_timer_start(t, on_time, next_ms, 0);
}

void supervisor_watch_volumes(struct supervisor *s, struct uv_loop_s *loop)
{
	uv_timer_init(loop, &timer);
	timer.data = s;
	uv_timer_start(&timer, on_time, 1000, 0);
}
