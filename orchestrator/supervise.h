/*
 * supervise.h - the process that an environment's containers belong to (the only user of libuv)
 *
 * It holds the containers' descriptors, starts again what ends, and does what clients ask over the control
 * socket. It can be killed at any time: containers go on, and the next one takes them up from the record.
 */
#pragma once

#include <stdbool.h>

#include "orchestrator/control.h"

/*
 * Until "stop" was asked for, or SIGTERM/SIGINT (then the containers stay). deferred: don't converge before the first request, which is about
 * to come. resume: orch-doze becomes it again (runtime/doze.c). Somebody else supervising already is ERROR_CONFLICT.
 */
int supervise(const struct host *h, const char *environment, bool deferred, bool resume,
	      struct error *err);

/*
 * A connection to the environment's supervisor, which is started if there is none: as a process of its own session, writing to
 * <log>/<environment>/supervisor.log.
 */
int supervise_connect(const struct host *h, const char *environment, bool deferred, int *out,
		      struct error *err);

/* That there is one. It isn't spoken to: it may be at work for long, and knocks that it doesn't answer fill its queue. */
int supervise_ensure(const struct host *h, const char *environment, struct error *err);

/* control_call() to it; where it ends before it has answered, another one is started and asked again. */
int supervise_call(const struct host *h, const char *environment, const struct json_t *request,
		   control_event *event, void *ctx, struct error *err);

/*
 * To be sure that nobody supervises it, for as long as the lock is held. Whoever does is asked to stop everything and end: also one
 * that a killed command had started, and that came to it only now. *out is the caller's.
 */
int supervise_lock(const struct host *h, const char *environment, int *out, struct error *err);
