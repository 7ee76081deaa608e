/*
 * walk.h - every file below a folder, links not followed, other file systems left out
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

struct error;

struct walk {
	int folder; /* open, with `name` in it */
	const char *name;
	const char *path; /* from the top */
	struct stat st;
	bool after; /* a folder for the second time: all in it has been seen */
	void *ctx;
};

/* Until one returns -1. At most WALK_DEPTH folders deep. */
#define WALK_DEPTH 256
int walk(int top, int (*one)(const struct walk *w, struct error *err), void *ctx,
	 struct error *err);

/* The folder that holds path (as walk() says it), below another top; -1 with errno. */
int walk_parent(int top, const char *path);
