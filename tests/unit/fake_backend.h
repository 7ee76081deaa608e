/*
 * fake_backend.h - a world for apply() that lives in JSON and fails on demand
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct error;
struct json_t;

/* A world of JSON: { NAME: { "alive", "released", "wanted", "knows", "looks" } } */
struct fake {
	struct json_t *world, *data, *saved; /* data: { NAME: which volume it is } */
	int64_t volumes;		     /* made so far */
	unsigned calls, fail_at;
	bool late; /* the call that fails has done its work */
	bool published;
	bool clone; /* apply_options.clone */
	bool clean; /* the clone hook ran */
	uint64_t now;
	struct text log;
};

void open_fake(struct fake *f);
void close_fake(struct fake *f);

/* Plan from what was saved, and apply; the log is of this run. 0, or -1 as apply() says. */
int run_fake(struct fake *f, const char *text, struct error *err);

/* What runs under that name, or NULL. */
struct json_t *one(const struct fake *f, const char *name);
/* What a service offers now; owned by the caller. */
struct json_t *opened_by(const struct fake *f, const char *name);

/* A document in C, with ' for "; owned by the caller. */
struct json_t *doc(const char *text);
