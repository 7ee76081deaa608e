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

static int create(const struct volume_spot *at, uint64_t limit, struct error *err)
{
	struct btrfs_ioctl_vol_args_v2 args = { 0 };

	(void)limit;
	snprintf(args.name, sizeof(args.name), "%s", at->leaf);
	if (ioctl(at->folder, BTRFS_IOC_SUBVOL_CREATE_V2, &args) < 0)
		return fail_errno(err, "create volume %s", at->name);
	return folder_open(at, err);
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

static int remove_volume(const struct volume_spot *at, struct error *err)
{
	AUTO(fd) int fd = folder_open(at, err);
	uint64_t id = 0;

	if (fd < 0)
		return -1;
	if (btrfs_id_of(fd, &id, err) < 0 || destroy(at->folder, id, err) < 0)
		return fail_in(err, "volume %s", at->name);
	return 0;
}

static int snapshot(const struct volume_spot *from, const struct volume_spot *to, bool read_only,
		    struct error *err)
{
	AUTO(fd) int fd = folder_open(from, err);
	struct btrfs_ioctl_vol_args_v2 args = {
		.fd = fd,
		.flags = read_only ? BTRFS_SUBVOL_RDONLY : 0,
	};

	if (fd < 0)
		return -1;
	snprintf(args.name, sizeof(args.name), "%s", to->leaf);
	if (ioctl(to->folder, BTRFS_IOC_SNAP_CREATE_V2, &args) < 0)
		return fail_errno(err, "snapshot of volume %s", from->name);
	return 0;
}

static int limit(const struct volume_spot *at, int fd, uint64_t bytes, uint64_t *used,
		 struct error *err)
{
	return btrfs_quota_limit(fd, at->name, bytes, used, err);
}

static int usage(const struct volume_spot *at, struct volume_usage *out, struct error *err)
{
	AUTO(fd) int fd = folder_open(at, err);

	return fd < 0 ? -1 : btrfs_quota_usage(fd, at->name, out, err);
}

const struct volume_driver driver_btrfs = {
	.name = "btrfs",
	.constant = true,
	.prepare = btrfs_quota_prepare,
	.is_volume = is_subvolume,
	.create = create,
	.remove = remove_volume,
	.snapshot = snapshot,
	.open = folder_open,
	.tree = folder_tree,
	.sync = folder_sync,
	.limit = limit,
	.usage = usage,
};
