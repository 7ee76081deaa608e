/*
 * fsck.h - does all that there is of this root belong to somebody, and is all there that should be?
 *
 * State, records, processes, cgroups, uplinks, rules, mounts, volumes, images, logs and backups are compared with each other. Environments that somebody is at
 * work on are left out. A link of another root can't be told from a lost one of this root, so links are only looked at where an environment says
 * that it has none; rules of a link that isn't there are nobody's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "orchestrator/state.h"

struct error;
struct session;

struct finding {
	const char *kind;   /* "leak", "missing", "wrong" */
	const char *object; /* "pool/fix-ab22cd3" */
	const char *text;
	const char *advice; /* what to do about it */
	bool repaired;
};

struct fsck {
	struct session *s;
	bool repair;
	struct environment *all; /* without those at work */
	size_t n;
	struct finding *found;
	size_t n_found, room;
	size_t left; /* that weren't repaired */
	size_t busy; /* environments left out */
};

/* Everything lives in the session's arena. -1: it could not look. */
int fsck_run(struct session *s, bool repair, struct fsck *out, struct error *err);

/* What fsck*.c share. repair may be NULL: a person has to; advice says how. name is what it is given. */
typedef int fsck_repair(struct session *s, const char *name, struct error *err);
void fsck_found(struct fsck *f, const char *kind, const char *object, const char *text,
		fsck_repair *repair, const char *name, const char *advice);
/* Right now: an environment is in the state before there is anything else of it. */
bool fsck_is_known(struct fsck *f, const char *id);
/* Of f->all. NULL: unknown, or somebody is at work on it. */
struct environment *fsck_find(struct fsck *f, const char *id);

int fsck_host(struct fsck *f, struct error *err); /* processes, cgroups, network, mounts */
int fsck_disk(struct fsck *f, struct error *err); /* volumes, images, logs, backups */
