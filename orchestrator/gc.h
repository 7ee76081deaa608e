/*
 * gc.h - what nobody needs any more: the decision, apart from the doing
 *
 * Pure: from facts to a list that is printed (--dry-run) or carried out. Whatever is in doubt is kept, and the reason is said: facts
 * that could not be found out are doubt.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct environment;

/* Of an environment's, in its repository. */
enum gc_branch { BRANCH_UNKNOWN, BRANCH_THERE, BRANCH_GONE };

enum gc_kind { GC_ENVIRONMENT, GC_IMAGE, GC_CACHE, GC_SCRATCH };

struct gc_environment {
	const struct environment *e;
	bool busy;	       /* somebody holds its lock: a deploy is at work */
	enum gc_branch branch; /* asked now */
	const char *unknown;   /* BRANCH_UNKNOWN: why: "its folder is gone" */
};

struct gc_image {
	const char *digest;
	const char *name; /* one of its names; NULL: none */
	uint64_t bytes;
	int64_t made;
	bool referred; /* by a generation, a variable of a running container, a backup */
};

/* A folder: a build's cache, or what a build left. */
struct gc_folder {
	const char *name, *path;
	int64_t used; /* seconds since 1970 */
	bool busy;    /* a deploy of its environment or project is at work */
};

struct gc_input {
	int64_t now;
	bool expired_only;
	int64_t cache_age; /* seconds */
	const struct gc_environment *environments;
	const struct gc_image *images;
	const struct gc_folder *caches, *scratch;
	size_t n_environments, n_images, n_caches, n_scratch;
};

struct gc_item {
	enum gc_kind kind;
	const char *name;  /* machine name, digest, folder's name */
	const char *shown; /* for people */
	const char *path;  /* folders */
	const char *why;
	uint64_t bytes; /* images */
	bool remove;
};

/* One item for each input, in order; in the arena. expired_only: environments alone, and only those that have ended or soon do. */
struct gc_item *gc_decide(struct arena *arena, const struct gc_input *in, size_t *n);

const char *gc_kind_name(enum gc_kind kind);
