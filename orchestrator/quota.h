/*
 * quota.h - how full an environment's volumes are, and telling people before and when they are
 *
 * The supervisor looks now and then. What it found is in <run>/<environment>/quota.json for reading verbs, while there is anything to say; each change
 * for the worse is a line in the container's log, as of a process "quota".
 */
#pragma once

#include <stdint.h>

struct arena;
struct environment;
struct error;
struct host;
struct json_t;

/*
 * One look. *next_ms: when the next one is due: soon where a volume or the disk below the pool is nearly full, and never so often that looking is all it
 * does.
 */
int quota_look(const struct host *h, const char *environment, uint64_t *next_ms, struct error *err);

/* What reading verbs say of a container: "volume is full (300 MB of 300 MB)", or NULL. In the arena. */
const char *quota_why(struct arena *arena, const struct host *h, const char *environment,
		      const char *container);

/* The disk of a container in its document, in bytes; 0: none. */
uint64_t quota_disk(const struct json_t *document);
