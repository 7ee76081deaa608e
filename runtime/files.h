/*
 * files.h - trees of files, for drivers whose volumes are plain folders
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct error;

/*
 * Everything in the open folder `from` again in `to`, with owners, modes, times, extended attributes, hard links and
 * holes; sockets are left out. Then `to` itself gets from's.
 */
int files_copy(int from, int to, struct error *err);

/* Nothing below the open folder, nor it, can be changed or removed any more, or again: chattr(1), "i". */
int files_freeze(int folder, bool frozen, struct error *err);

/* Bytes of the blocks of everything below the folder. */
int files_usage(int folder, uint64_t *taken, struct error *err);
