/*
 * supervisor.h - the supervisor's parts, for its own files: supervise.c (the loop) and supervise_request.c (what
 * clients ask for)
 */
#pragma once

#include <stdbool.h>

#include "orchestrator/world.h"

struct json_t;

struct supervisor {
	const struct host *h;
	const char *id;
	struct state *state;
	struct world world;
	struct loop *loop; /* supervise.c's */
	int listen_fd;
	bool ending;
	int client; /* whose request is at work; -1: none */
	int next;   /* who knocked meanwhile; -1: none */
	struct json_t *next_request;
};

/* Volumes are looked at from now on. */
struct uv_loop_s;
void supervisor_watch_volumes(struct supervisor *s, struct uv_loop_s *loop);

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
