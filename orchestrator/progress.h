/*
 * progress.h - what a long command is doing: lines for people on standard error, or JSON lines on
 * standard output
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct json_t;

struct progress {
	bool json, quiet, verbose;
	bool rewrite; /* standard error is a terminal: the running step's last line is rewritten */
	bool pending; /* such a line is there */
	/* Who else is told; or NULL. */
	void (*also)(void *ctx, const char *what, const char *name, const char *detail,
		     uint64_t ms);
	void *also_ctx;
};

struct options;
struct progress progress_of(const struct options *options);

/* As request.tell. */
void progress_tell(void *ctx, const char *what, const char *name, const char *detail, uint64_t ms);
/* A line of a program at work. */
void progress_line(void *ctx, const char *line);
/* As control_event. */
void progress_event(void *ctx, const struct json_t *event);
