/*
 * moment.h - a copy of an environment's volumes as of one moment, whatever it is doing
 *
 * While it runs its supervisor makes it, since only the supervisor may make its processes stand still. While it is stopped or
 * paused nobody writes, and the caller makes it, holding the supervisor's lock so that nobody starts it meanwhile.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct environment;
struct error;
struct host;
struct json_t;

struct moment {
	size_t volumes;
	uint64_t held_us; /* how long its processes stood still */
};

/* Folders as in group_copy(). `to` appears as a whole or not at all. */
int moment_take(const struct host *h, const struct environment *e, const char *to, bool read_only,
		struct moment *out, struct error *err);

/* What the supervisor does for it: {"do": "snapshot", "to": FOLDER, "read_only": FLAG}. */
int moment_make(const struct host *h, const struct environment *e, const char *to, bool read_only,
		struct moment *out, struct error *err);
