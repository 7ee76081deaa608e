/*
 * jobs.h - what orch-init runs in an app by name: crons, at times, and operations, when asked
 */
#pragma once

#include <stdbool.h>

#include "runtime/init.h"

struct live;
struct options;
struct session;

struct job_kind {
	const char *verb, *key, *schema; /* of the command line; of the manifest; of --json */
	bool operation;
};
extern const struct job_kind jobs_crons, jobs_operations;

/* orch cron ls, orch operation ls. */
int jobs_list(const struct options *options, const struct job_kind *kind, struct error *err);

/* "APP:NAME", or NAME where one app alone has it. *name is part of text, *container in the session's arena. */
int jobs_choose(struct session *s, const struct job_kind *kind, const char *text,
		const char **container, const char **name, struct error *err);

/* How it is; out->name lives in the arena. */
int jobs_look(struct arena *arena, const struct live *l, const struct job_kind *kind,
	      const char *name, struct init_cron_status *out, struct error *err);
