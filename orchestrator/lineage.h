/*
 * lineage.h - which environment another one comes from, and with which data
 */
#pragma once

#include "orchestrator/state.h"

struct error;
struct session;

struct origin {
	struct environment env;
	int64_t generation;
	const char *
		snapshot; /* the data of that generation, where it is not the present one; NULL: as it is now */
};

/*
 * text: "ENV" or "ENV@GEN", a branch of the session's project or a machine name. NULL: the environment of the branch `here`, if that isn't NULL and has
 * one; of the branch that was left by the last switch; of the default branch. ERROR_ABSENT when there is nothing to clone.
 */
int origin_find(struct session *s, const char *text, const char *here, struct origin *out,
		struct error *err);

/* The origin's document made again for the session's environment: its names, its variables, a preview's sizes. Owned by the caller. */
struct json_t *lineage_document(struct session *s, const struct origin *from, struct error *err);

/* An environment of the session's project by branch or machine name; of any project by machine name. STATE_ABSENT. */
int lineage_find(struct session *s, const char *name, struct environment *out, struct error *err);

/*
 * The snapshot of e's volumes as they were when that generation was left: made before the deploy of the next one that came to be. ERROR_ABSENT
 * when it is not kept any more. Its folder is in the session's arena.
 */
int lineage_left(struct session *s, const struct environment *e, int64_t generation,
		 const char **folder, struct error *err);
