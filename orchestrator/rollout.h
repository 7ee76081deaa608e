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

/* All images of a document are in the store still. */
int rollout_check_images(struct session *s, const struct json_t *document, struct error *err);

/* All volumes as they are, as the snapshot `tag`; one of that name is replaced. None where there are no volumes. */
int rollout_snapshot(struct session *s, struct progress *progress, const char *tag,
		     struct error *err);

/* All volumes as they are, as the snapshot "<prefix><seconds since 1970>"; *folder is "" when there are none. In the session's arena. */
int rollout_keep(struct session *s, struct progress *progress, const char *prefix,
		 const char **folder, struct error *err);

/*
 * The session's environment wants this generation from now on: g gets the next number, after a snapshot of the volumes as the
 * present one leaves them ("g<number>"; not with --no-snapshot). Everything else in s->env is saved along.
 */
int rollout_remember(struct session *s, struct progress *progress, struct generation *g,
		     struct error *err);

/* To what the state says, by its supervisor. Then snapshots beyond those that the environment keeps of a kind are removed. */
int rollout_converge(struct session *s, struct progress *progress, struct error *err);

/* The end of a changing verb: seconds to standard error, the URL to standard output; or one JSON line. */
void rollout_end(struct session *s, const struct progress *progress, const char *what,
		 uint64_t since);
