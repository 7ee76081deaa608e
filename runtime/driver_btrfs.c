/*
 * driver_btrfs.c - a volume is a subvolume, a snapshot takes the same time whatever is in it
 */
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/error.h"
#include "runtime/btrfs.h"
#include "runtime/driver.h"
#include "runtime/volume.h"

/* The root folder of each subvolume has this inode number, and no other folder has. */
static bool is_subvolume(int folder, const char *leaf)
{
	struct stat st;

	return fstatat(folder, leaf, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode) &&
		st.st_ino == BTRFS_FIRST_FREE_OBJECTID;
}

static int create(int folder, const char *leaf, const char *name, struct error *err)
{
	struct btrfs_ioctl_vol_args_v2 args = { 0 };

	snprintf(args.name, sizeof(args.name), "%s", leaf);
	if (ioctl(folder, BTRFS_IOC_SUBVOL_CREATE_V2, &args) < 0)
		return fail_errno(err, "create volume %s", name);
	return 0;
}

/* A container may make subvolumes in its volumes. The innermost one first, until id itself is gone. */
static int destroy(int folder, uint64_t id, struct error *err)
{
	struct btrfs_ioctl_vol_args_v2 args;
	struct btrfs_ioctl_search_args found;
	struct btrfs_ioctl_search_header head;
	uint64_t inner;

	do {
		int r;

		inner = id;
		while ((r = btrfs_first_item(folder, BTRFS_ROOT_TREE_OBJECTID, inner,
					     BTRFS_ROOT_REF_KEY, 0, &found)) == 0) {
			memcpy(&head, found.buf, sizeof(head));
			inner = head.offset;
		}
		if (r < 0)
			return fail_errno(err, "look for inner subvolumes");
		args = (struct btrfs_ioctl_vol_args_v2){ .flags = BTRFS_SUBVOL_SPEC_BY_ID,
							 .subvolid = inner };
		if (ioctl(folder, BTRFS_IOC_SNAP_DESTROY_V2, &args) < 0)
			return fail_errno(err, "delete subvolume %llu", (unsigned long long)inner);
	} while (inner != id);
	return 0;
}

static int remove_volume(int folder, const char *leaf, const char *name, struct error *err)
{
	AUTO(fd)
	int fd = openat(folder, leaf, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	uint64_t id = 0;

	if (fd < 0)
		return fail_errno(err, "open volume %s", name);
	if (btrfs_id_of(fd, &id, err) < 0 || destroy(folder, id, err) < 0)
		return fail_in(err, "volume %s", name);
	return 0;
}

static int snapshot(int from, int folder, const char *leaf, bool read_only, const char *name,
		    struct error *err)
{
	struct btrfs_ioctl_vol_args_v2 args = {
		.fd = from,
		.flags = read_only ? BTRFS_SUBVOL_RDONLY : 0,
	};

	snprintf(args.name, sizeof(args.name), "%s", leaf);
	if (ioctl(folder, BTRFS_IOC_SNAP_CREATE_V2, &args) < 0)
		return fail_errno(err, "snapshot of volume %s", name);
	return 0;
}

const struct volume_driver driver_btrfs = {
	.name = "btrfs",
	.constant = true,
	.prepare = btrfs_quota_prepare,
	.is_volume = is_subvolume,
	.create = create,
	.remove = remove_volume,
	.snapshot = snapshot,
	.limit = btrfs_quota_limit,
	.usage = btrfs_quota_usage,
};
