/*
 * rollout.h - the steps that every verb takes which gives an environment another generation or other data
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct environment;
struct error;
struct generation;
struct json_t;
struct plan;
struct progress;
struct session;

/* One change of the session's environment at a time; ERROR_CONFLICT when there is another. The caller's descriptor. */
int rollout_lock(struct session *s, int *lock, struct error *err);

/* Whether it has any. Where there is no pool yet, none is made. */
int rollout_has_volumes(struct session *s, const char *id, bool *out, struct error *err);

/* plan_json() without what stays as it is, printed: for generation.causes. In the arena. */
char *rollout_causes(struct arena *arena, const struct plan *plan);

/*
 * All volumes of the session's environment as the snapshot `tag`, told to people. One of that name is replaced. An environment without
 * volumes has no snapshots. keep_prefix: see group_prune().
 */
int rollout_snapshot(struct session *s, struct progress *progress, const char *tag,
		     const char *keep_prefix, struct error *err);

/*
 * The session's environment wants this generation from now on: g gets the next number, after a snapshot of the volumes as the
 * present one leaves them ("g<number>"; not with --no-snapshot). Everything else in s->env is saved along.
 */
int rollout_remember(struct session *s, struct progress *progress, struct generation *g,
		     struct error *err);

/* To what the state says, by its supervisor. */
int rollout_converge(struct session *s, struct progress *progress, struct error *err);

char *rollout_url(struct arena *arena, const struct environment *e);
uint64_t rollout_now_ms(void);
/* The end of a changing verb: seconds to standard error, the URL to standard output; or one JSON line. */
void rollout_end(struct session *s, const struct progress *progress, const char *what,
		 uint64_t since);
