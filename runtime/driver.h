/*
 * driver.h - what a file system does for volume.c: the difference between btrfs, XFS and a plain copy
 *
 * `folder` is the open folder that holds (or will hold) the volume `leaf`; fd is an open volume. `name` is for messages only.
 * The pool's file system decides which driver it is (driver_of); nothing else in orch asks.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct error;
struct volume_usage;

struct volume_driver {
	const char *name;
	bool constant; /* a snapshot takes as long for 1 byte as for 1 TB */
	/* The file system at path is ready for volumes: quotas on. Twice is once. */
	int (*prepare)(const char *path, struct error *err);
	bool (*is_volume)(int folder, const char *leaf);
	/* Empty, root's. */
	int (*create)(int folder, const char *leaf, const char *name, struct error *err);
	int (*remove)(int folder, const char *leaf, const char *name, struct error *err);
	/* leaf doesn't exist. What a failure leaves is removed by the next attempt at the same name. */
	int (*snapshot)(int from, int folder, const char *leaf, bool read_only, const char *name,
			struct error *err);
	/*
	 * Bytes that files in the volume may take; 0: any number. ERROR_HOST: this file system can't. *used: how many they do, or at least do;
	 * exact from half of the limit on.
	 */
	int (*limit)(int fd, const char *name, uint64_t limit, uint64_t *used, struct error *err);
	int (*usage)(int fd, const char *name, struct volume_usage *out, struct error *err);
};

extern const struct volume_driver driver_btrfs, driver_xfs, driver_copy;

/* Of the file system at path; NULL: none that can hold volumes. */
const struct volume_driver *driver_of(const char *path);
