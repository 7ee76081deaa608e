/*
 * files.h - the files of a project, and never one outside of it
 *
 * Paths are relative to the project's folder and have neither ".." nor a slash in front. Links that lead out are followed by
 * nobody. Functions, so that a test or a fuzzer brings its own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct error;
struct node;
struct problems;

struct files {
	/* The whole file, or FILE_ABSENT, as file_read(). */
	int (*read)(void *ctx, struct arena *arena, const char *path, char **out, size_t *size,
		    struct error *err);
	/* A folder as a gzipped tar, FILE_ABSENT. */
	int (*pack)(void *ctx, struct arena *arena, const char *path, char **out, size_t *size,
		    struct error *err);
	void *ctx;
};

/* Those below the folder, whose descriptor the caller keeps open. */
struct files files_of(const int *folder);

/* "a/b" and "../c/./d" make "a/c/d". NULL when it leaves the project. path may start with a slash: that is the project. */
const char *files_join(struct arena *arena, const char *folder, const char *path);
/* "a/b/c" gives "a/b", "c" gives "". */
const char *files_folder(struct arena *arena, const char *path);

/*
 * What is left to do when a file is parsed: its !include and !archive are carried out, in place, and keys that start with a dot
 * dropped. base: where an include is looked for that isn't beside the including file. False: an included file can't be read.
 */
bool files_resolve(struct problems *p, const struct files *files, struct node *root,
		   const char *base);

/* Standard base64 with padding. */
char *base64_encode(struct arena *arena, const void *data, size_t size);
/* The folder packed, as in struct files. */
int archive_pack(struct arena *arena, int folder, char **out, size_t *size, struct error *err);
