/*
 * apply.h - carry out a plan
 *
 * Record before world: what is about to be made is saved first, and struck out after it is gone. Every
 * backend call is an ensure, so that carrying on after a crash is planning again.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "orchestrator/plan.h"

struct error;
struct json_t;
struct text;

/*
 * Everything that apply() does to the world; the real one is world.c, the tests bring one that
 * fails on demand. name is a container's, entry its part of the record, wanted its document.
 */
struct backend {
	void *ctx;
	int (*save)(void *ctx, struct json_t *record, struct error *err);
	/* Processes stopped in order, then nothing of it is left but its data. */
	int (*stop)(void *ctx, const char *name, struct error *err);
	/* Its data to the trash. */
	int (*discard)(void *ctx, const char *name, struct error *err);
	/* The router and its uplink. */
	int (*network)(void *ctx, const struct json_t *desired, struct error *err);
	/* Namespaces, mounts and limits, up to PID 1, which `release` lets run. Writes pid and start_time to the entry. */
	int (*create)(void *ctx, const char *name, const struct json_t *wanted,
		      struct json_t *entry, struct error *err);
	int (*release)(void *ctx, const char *name, struct error *err);
	/* Who may reach whom; published says whether the host leads in. */
	int (*rules)(void *ctx, const struct json_t *desired, bool published, struct error *err);
	/* EFFECT_LIVE and EFFECT_SWAP, of the running container. */
	int (*change)(void *ctx, const char *name, const struct json_t *wanted, unsigned effects,
		      struct error *err);
	/* Configuration written, PID 1 told: "start", "reload", "swap" or "restart". */
	int (*activate)(void *ctx, const char *name, const struct json_t *desired,
			const struct json_t *record, const char *how, struct error *err);
	/* 1 ready, 0 not yet, -1 it won't be. */
	int (*ready)(void *ctx, const char *name, struct error *err);
	/* Why it isn't: what it wrote last is told as events; what was asked of it and the answer are added to *out, if there is any. */
	void (*explain)(void *ctx, const char *name, struct text *out);
	/* Sleep until some container's status changed, at most that long. */
	int (*wait)(void *ctx, unsigned ms, struct error *err);
	/* What it offers, asked of itself: { ENDPOINT: {...} }; owned by the caller. */
	struct json_t *(*open)(void *ctx, const char *name, struct error *err);
	/* The app's hook, if it has that one. "clone": in a container whose processes haven't been started. */
	int (*hook)(void *ctx, const char *name, const char *which, struct error *err);
	/* For people: what was done to whom, how long it took. detail may be "". */
	void (*event)(void *ctx, const char *what, const char *name, const char *detail,
		      uint64_t ms);
	uint64_t (*now_ms)(void *ctx);
};

struct apply_options {
	bool hooks; /* a deploy, not only a return to what should be: deploy and post_deploy hooks */
	bool clone; /* the data is another environment's: clone hooks, before their apps start */
	uint64_t timeout_ms; /* for all to be ready; 0: 5 min */
	uint64_t since_ms;   /* when planning began */
};

/*
 * Stops at the first failure. desired is what the plan was made for, record what it was made from: it is changed
 * along and saved. desired and its parts are copied into it.
 */
int apply(const struct plan *plan, const struct json_t *desired, struct json_t *record,
	  const struct backend *backend, const struct apply_options *options, struct error *err);
