/*
 * plan.h - what has to be done, as a list that is printed or carried out
 *
 * Pure: from the document that should be (desired.h) and the record of what is (record.h). `orch plan`
 * prints the list, `orch deploy` hands the same one to apply().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "orchestrator/effects.h"

struct arena;
struct json_t;

enum action_kind { ACTION_KEEP, ACTION_CREATE, ACTION_CHANGE, ACTION_REMOVE, ACTION_NETWORK };

struct cause {
	const char *const *path; /* below the container's document */
	size_t n;
	unsigned effect;
	const struct json_t *before, *after; /* NULL: not there */
	const char *where;		     /* "app.yaml:22:18", or NULL */
};

struct action {
	enum action_kind kind;
	const char *container; /* "network" for ACTION_NETWORK */
	unsigned effects;      /* ACTION_CHANGE: of all causes together */
	const char *
		why; /* "new", "stopped", "left unfinished", "dropped from the manifest"; NULL: see the causes */
	struct cause *causes;
	size_t n;
	const struct json_t *wanted; /* the container's document; NULL: ACTION_REMOVE */
	bool data; /* its volume goes to the trash: it is removed, or has no disk any more */
};

struct plan {
	struct action *actions; /* removals first, then containers by name, the network last */
	size_t n;
	size_t changes; /* actions that are not ACTION_KEEP */
};

/* Which of the recorded containers is alive, and where in the manifest a key is. Either may be NULL. */
struct plan_view {
	void *ctx;
	bool (*alive)(void *ctx, const char *container);
	const char *(*where)(void *ctx, struct arena *arena, const char *container,
			     const char *const *path, size_t n);
};

/* desired NULL: nothing should run. The plan refers to both documents, and lives in the arena. */
void plan_make(struct arena *arena, const struct json_t *desired, const struct json_t *record,
	       const struct plan_view *view, struct plan *out);

/* For people, as in cli.md; the heading and footing are the caller's. */
void plan_print(const struct plan *plan, FILE *to);
/* Owned by the caller. */
struct json_t *plan_json(const struct plan *plan);
/* "swap app, create search", at most a line: for the history. */
char *plan_summary(struct arena *arena, const struct plan *plan);
