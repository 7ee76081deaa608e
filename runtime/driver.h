/*
 * driver.h - what a file system does for volume.c: the difference between btrfs, image files on XFS, and a plain copy
 *
 * The pool's file system decides which driver it is (driver_of); nothing else in orch asks.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct error;
struct volume_usage;

/* Where a volume is or will be: a name in an open folder of the pool. */
struct volume_spot {
	int folder;
	const char *leaf;
	const char *name; /* for messages only */
};

struct volume_driver {
	const char *name;
	bool constant; /* a snapshot takes as long for 1 byte as for 1 TB */
	/* The file system at path is ready for volumes. Twice is once. */
	int (*prepare)(const char *path, struct error *err);
	bool (*is_volume)(int folder, const char *leaf);
	/* Empty, root's; and its top folder, as by open(). limit: what limit() will be told first. */
	int (*create)(const struct volume_spot *at, uint64_t limit, struct error *err);
	int (*remove)(const struct volume_spot *at, struct error *err);
	/*
	 * All that was written to from until now; nobody writes meanwhile where that matters. `to` doesn't exist. What a failure leaves is removed
	 * by the next attempt at the same name.
	 */
	int (*snapshot)(const struct volume_spot *from, const struct volume_spot *to,
			bool read_only, struct error *err);
	/* Its top folder, for as long as the descriptor is open. */
	int (*open)(const struct volume_spot *at, struct error *err);
	/* A detached mount of it (mounts.h), writable. */
	int (*tree)(const struct volume_spot *at, struct error *err);
	/* What was written to it is on the disk. */
	int (*sync)(const struct volume_spot *at, struct error *err);
	/* What its files don't need any more is the pool's again; NULL: it always is. */
	int (*trim)(const struct volume_spot *at, struct error *err);
	/*
	 * Bytes that files in the volume may take; 0: any number. fd: from open(). ERROR_HOST: this file system can't. *used: how many they do,
	 * or at least do; exact from half of the limit on.
	 */
	int (*limit)(const struct volume_spot *at, int fd, uint64_t limit, uint64_t *used,
		     struct error *err);
	int (*usage)(const struct volume_spot *at, struct volume_usage *out, struct error *err);
};

/* For drivers whose volumes are folders. */
int folder_open(const struct volume_spot *at, struct error *err);
int folder_tree(const struct volume_spot *at, struct error *err);
int folder_sync(const struct volume_spot *at, struct error *err);

extern const struct volume_driver driver_btrfs, driver_image, driver_copy;

/* Of the file system at path; NULL: none that can hold volumes. */
const struct volume_driver *driver_of(const char *path);
