/*
 * notice.h - what happens inside containers between two looks: processes that ended, memory that ran out
 *
 * Told as events by whoever supervises. The first look at a container only remembers.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "orchestrator/world.h"

struct error;

struct noticed {
	const char *container;
	uint32_t restarts; /* of all its processes */
	uint64_t oom_kills;
};

struct notice {
	struct arena arena;
	struct noticed *items;
	size_t n, room;
};

/* "1x: limit 64M, peak 64M, killed: php-fpm8.2 (51M)": of so many kills, the last one. first_id: of the container's range. In the arena. */
struct cgroup_usage;
struct init_status;
char *notice_oom(struct arena *arena, uint32_t first_id, const struct cgroup_usage *usage,
		 const struct init_status *status, uint64_t times);

/* Look at one container; what is new is told. */
void notice_look(struct notice *n, struct world *w, const struct live *l, world_event *tell,
		 void *ctx);
void notice_clear(struct notice *n);
