/*
 * look.h - what runs, as its record, its cgroups and its inits say: for reading verbs
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct host;
struct json_t;

struct seen {
	const char *name, *type, *kind;
	const char *
		state; /* "run", "starting", "failed", "stopped", "waiting", "stopping", "asleep" */
	const char *why; /* of a failure, or "" */
	bool alive, ready;
	int pid;
	int64_t since, generation; /* seconds since 1970 */
	uint64_t cpu_us, memory, memory_limit, pids;
	uint32_t restarts;
};

/* All containers of the record. Lives in the arena. */
void look(struct arena *arena, const struct host *h, const char *environment,
	  const struct json_t *record, struct seen **out, size_t *n);

/* For struct plan_view: ctx is the record. */
bool look_alive(void *record, const char *container);
