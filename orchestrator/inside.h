/*
 * inside.h - run one of our own commands in a container and talk to it: hooks, `open`
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cgroup_entry;
struct container;
struct error;
struct text;

struct inside_spec {
	const struct container *c;
	const char *cgroup; /* group's name, or NULL */
	const char *const *argv;
	const char *const *env;
	const char *folder;
	uint32_t uid, gid;
	const char *input;   /* written to standard input; NULL: nothing */
	struct text *output; /* standard output, at most output_max bytes; NULL: with errors */
	size_t output_max;
	uint64_t timeout_ms; /* killed after it; 0: an hour */
	/* Each line of standard error, and of output when that is NULL. */
	void (*line)(void *ctx, const char *line);
	void *ctx;
	/* Asked now and then, as SIGINT is: true ends the command. NULL: nobody else cancels. */
	bool (*cancelled)(void *cancel_ctx);
	void *cancel_ctx;
};

/* What the command leaves running in the background is left alone, and not waited for. 0 when it exited with 0; else -1 and how it ended, with its last line. */
int inside_run(const struct inside_spec *spec, struct error *err);
