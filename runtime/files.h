/*
 * files.h - trees of files, for drivers whose volumes are plain folders
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct error;

enum files_how {
	FILES_REFLINK, /* content shared until one of both is written to: ioctl_ficlonerange(2) */
	FILES_COPY,
};

/*
 * Everything in the open folder `from` again in `to`, with owners, modes, times, extended attributes, hard links and
 * holes; sockets are left out. Then `to` itself gets from's.
 */
int files_clone(int from, int to, enum files_how how, struct error *err);

/* Nothing below the open folder, nor it, can be changed or removed any more, or again: chattr(1), "i". */
int files_freeze(int folder, bool frozen, struct error *err);

/* Bytes of the blocks of everything below the folder; *shared: those that others share, where the file system tells. shared may be NULL. */
int files_usage(int folder, uint64_t *taken, uint64_t *shared, struct error *err);
