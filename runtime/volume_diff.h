/*
 * volume_diff.h - which files of two volumes differ, when one is a copy of the other or both of a third
 *
 * btrfs stamps each inode with the generation of its last change, and a snapshot with that of its making. So only what changed since
 * they parted is looked at, however much there is. Of images (volume.h) all files are looked at, and none is read.
 */
#pragma once

#include <stddef.h>

struct arena;
struct error;

struct volume_change {
	char what; /* '~': in both, and not the same; '+': only in the second one; '-': only in the first one */
	const char *path; /* in the volume, without a leading '/' */
};

/* Names as in volume.h. Sorted by path; in the arena. VOLUME_UNRELATED: they have no common origin that is known. */
#define VOLUME_UNRELATED 1
/* They are folders of a file system that doesn't stamp: a copy has times of its own. */
#define VOLUME_UNSTAMPED 2
int volume_diff(struct arena *arena, const char *pool, const char *first, const char *second,
		struct volume_change **out, size_t *n, struct error *err);
