/*
 * btrfs.h - what the files of the btrfs driver share
 */
#pragma once

#include <stdint.h>

struct btrfs_ioctl_search_args;
struct error;
struct volume_usage;

/* The first item of [objectid, type, from offset on] in a tree; BTRFS_ABSENT when there is none, -1 with errno. */
#define BTRFS_ABSENT 1
int btrfs_first_item(int fd, uint64_t tree, uint64_t objectid, uint32_t type, uint64_t offset,
		     struct btrfs_ioctl_search_args *args);
/* The subvolume fd is in. */
int btrfs_id_of(int fd, uint64_t *out, struct error *err);

/*
 * Full quota groups: a volume is charged for what it refers to, whoever else does. A database that rewrites itself under
 * snapshots stays the size that it is, and a clone is as full as what it was made from. Simple quotas would charge
 * extents to their first writer for as long as any snapshot holds them.
 */
int btrfs_quota_prepare(const char *path, struct error *err);
int btrfs_quota_limit(int fd, const char *name, uint64_t limit, uint64_t *used, struct error *err);
int btrfs_quota_usage(int fd, const char *name, struct volume_usage *out, struct error *err);
