/*
 * file.h - files and folders, as a whole or atomically
 *
 * Paths are resolved against dir (AT_FDCWD for the caller's own folder).
 */
#pragma once

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct arena;
struct error;

#define FILE_ABSENT 1

/*
 * The whole file, terminated by a NUL that size doesn't count; lives in the
 * arena. FILE_ABSENT when there is none (outputs untouched). More than max
 * bytes is a failure. size may be NULL.
 */
int file_read(struct arena *arena, int dir, const char *path, size_t max, char **out, size_t *size,
	      struct error *err);

/*
 * Replace by rename: readers see the old or the new content, never half. The
 * new file is written beside it, in the same folder. durable also syncs it.
 */
int file_write(int dir, const char *path, const void *data, size_t size, mode_t mode, bool durable,
	       struct error *err);

/* The folder and its parents; there already is success. */
int file_make_dirs(const char *path, mode_t mode, struct error *err);

/* The file or folder with all in it, without following links or leaving its file system. Gone is success. */
int file_remove(int dir, const char *path, struct error *err);

/* Give everything below path (and path) to uid and gid, links themselves included. */
int file_chown_tree(const char *path, uid_t uid, gid_t gid, struct error *err);

bool file_exists(const char *path);

/* Names in the folder, sorted, without "." and ".."; FILE_ABSENT when there is no folder. */
int file_list(struct arena *arena, const char *path, const char ***names, size_t *n,
	      struct error *err);

/*
 * openat(2) for what is somebody else's to fill: the path, "" for the folder itself, follows no link and leads neither out of the
 * folder nor into another mount. -1 with errno.
 */
int file_open_beneath(int folder, const char *path, int flags);

/*
 * Open (making it if need be) and lock. Released when the descriptor is closed.
 * wait: block; else FILE_LOCKED when somebody holds it.
 */
#define FILE_LOCKED 2
int file_lock(const char *path, bool wait, int *out, struct error *err);
