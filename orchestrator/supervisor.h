/*
 * supervisor.h - the supervisor's parts, for its own files: supervise.c (the loop) and supervise_request.c (what
 * clients ask for)
 */
#pragma once

#include <stdbool.h>

#include "orchestrator/world.h"

struct idle;
struct json_t;
struct uv_loop_s;

struct supervisor {
	const struct host *h;
	const char *id;
	struct state *state;
	struct world world;
	struct loop *loop; /* supervise.c's */
	struct idle *idle; /* supervise_idle.c's */
	int lock;
	int listen_fd;
	bool ending;
	int client; /* whose request is at work; -1: none */
	int next;   /* who knocked meanwhile; -1: none */
	struct json_t *next_request;
};

/* Volumes are looked at from now on. */
struct uv_loop_s;
void supervisor_watch_volumes(struct supervisor *s, struct uv_loop_s *loop);

/* Likewise host names that firewalls name. */
void supervisor_watch_names(struct supervisor *s, struct uv_loop_s *loop);

/* As world_event, with the supervisor as ctx: to the log, the events, and whoever asked for what is at work. */
void supervisor_tell(void *ctx, const char *what, const char *name, const char *detail,
		     uint64_t ms);
/* The world was opened anew: watch its containers' ends. */
void supervisor_watch(struct supervisor *s);
/* Stop that, and whatever would be tried again later. */
void supervisor_unwatch(struct supervisor *s);

/* Nobody else is let in. */
void supervisor_close_door(struct supervisor *s);

/* To the generation that is wanted. request may say "hooks" and "timeout_ms"; NULL: of nobody. */
int supervisor_converge(struct supervisor *s, const struct json_t *request, struct error *err);
/* Standing still when the state says paused, else not: also what a dead one left otherwise. */
int supervisor_keep(struct supervisor *s, struct error *err);
/* Who connected, if anybody: what he asked for is done, and he is told how it ended. */
void supervisor_serve(struct supervisor *s);
/* Those who connected while something was at work. */
void supervisor_serve_next(struct supervisor *s);
/* For people, and for the client whose request is at work. */
void supervisor_tell(void *ctx, const char *what, const char *name, const char *detail,
		     uint64_t ms);

/*
 * Frozen, its memory given back, until there is traffic or a request that needs it. ERROR_CONFLICT when somebody is at work in it, or
 * it isn't what it should be. Asleep or awake already: success.
 */
int supervisor_sleep(struct supervisor *s, struct error *err);
int supervisor_wake(struct supervisor *s, struct error *err);
bool supervisor_asleep(const struct supervisor *s);
/* The state may say otherwise by now when it is to sleep; and a client was here. */
void supervisor_idle(struct supervisor *s);

/* The record says that it sleeps. */
bool idle_noted(const struct supervisor *s);
/* With the loop, before anything else goes on in it. packets: of doze_take_over(), or -1. */
int idle_open(struct supervisor *s, struct uv_loop_s *loop, int packets, struct error *err);
/* Nothing of it may happen any more; and, once the loop is closed, free it. */
void idle_stop(struct supervisor *s);
void idle_close(struct supervisor *s);

/* To orch-doze, with the socket that tells of packets. Comes back where there is none: then it sleeps in more memory. */
void doze(const struct supervisor *s, int packets);
/* What orch-doze held: the lock, s->listen_fd and that socket. False when we aren't what it became. */
bool doze_take_over(struct supervisor *s, int *lock, int *packets);
