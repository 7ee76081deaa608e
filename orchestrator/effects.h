/*
 * effects.h - what a change of each key of a container's document makes necessary
 *
 * One table. A key that it doesn't know recreates the container: better needless than stale.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct json_t;

/* A set: what one change needs, or all changes of a container together. Greater means more. */
enum effect {
	EFFECT_NONE = 0,
	EFFECT_LIVE = 1,      /* kernel state updated in place */
	EFFECT_RELOAD = 2,    /* configuration made again, processes told */
	EFFECT_SWAP = 4,      /* another image under /app */
	EFFECT_RESTART = 8,   /* processes stopped and started in the same container */
	EFFECT_RECREATE = 16, /* other namespaces; volumes stay */
};

/*
 * path holds n keys, outermost first, as in { "app", "variables", "php", "memory_limit" }. A NULL or
 * null before or after means that the key is not there on that side. For a key that has others in it: all they need together.
 */
unsigned effect_of(const char *const *path, size_t n, const struct json_t *before,
		   const struct json_t *after);

/*
 * Of a key of the manifest, as format_each() spells it: "app", "web.locations.*.root". file: app, services, routes. *presence: when it comes
 * or goes.
 */
unsigned effect_of_key(const char *file, const char *key, unsigned *presence);

/* The table tells apart what is below that key. */
bool effect_in_parts(const char *const *path, size_t n);

/* "swap"; of the greatest in the set; "none" for 0. */
const char *effect_name(unsigned effects);
