/*
 * activate.h - the part of apply() in which processes start, in relationship order
 */
#pragma once

#include "orchestrator/apply.h"

struct applier {
	const struct plan *plan;
	const struct json_t *desired;
	struct json_t *record;
	const struct backend *backend;
	const struct apply_options *options;
};

/*
 * Each container that the plan creates or changes is told what to do once all that it relates to is ready; those
 * that don't wait for each other go side by side. When a service comes back with other endpoints (a new password),
 * who relates to it is restarted. Returns when all are ready.
 */
int activate_all(const struct applier *p, struct error *err);
