/*
 * pool_trim.h - give the disk back what the pool's file no longer needs
 */
#pragma once

#include <stdint.h>

struct error;

#define POOL_NO_FILE \
	1 /* not mounted, or not in a file of ours: whose file system it is sees to it */
#define POOL_HELD \
	2 /* its blocks are kept on purpose: the disk below is nearly full (pool_guard()) */

/*
 * What isn't used any more becomes holes of the sparse file, FITRIM of ioctl_fs(2)'s kind. *given: by how much it takes less of the disk below. What was
 * deleted a moment ago may still be in use: btrfs removes snapshots in the background. Killed at any time, nothing is lost.
 */
int pool_trim(const char *path, uint64_t *given, struct error *err);
