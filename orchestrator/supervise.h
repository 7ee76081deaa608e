/*
 * supervise.h - the process that an environment's containers belong to (the only user of libuv)
 *
 * It holds the containers' descriptors, starts again what ends, and does what clients ask over the control
 * socket. It can be killed at any time: containers go on, and the next one takes them up from the record.
 */
#pragma once

#include <stdbool.h>

struct error;
struct host;

/*
 * Until "stop" was asked for, or SIGTERM/SIGINT (then the containers stay). deferred: don't converge before the first request, which is about
 * to come. Somebody else supervising already is ERROR_CONFLICT.
 */
int supervise(const struct host *h, const char *environment, bool deferred, struct error *err);

/*
 * A connection to the environment's supervisor, which is started if there is none: as a process of its own session, writing to
 * <log>/<environment>/supervisor.log.
 */
int supervise_connect(const struct host *h, const char *environment, bool deferred, int *out,
		      struct error *err);

struct json_t;
/*
 * control_call over such a connection; if the supervisor ends before it answers, as one does that somebody told to stop, the next one is asked. For
 * requests that can be made twice.
 */
int supervise_call(const struct host *h, const char *environment, const struct json_t *request,
		   void (*event)(void *ctx, const struct json_t *event), void *ctx,
		   struct error *err);
