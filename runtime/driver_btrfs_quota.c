#include <endian.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "runtime/btrfs.h"
#include "runtime/files.h"
#include "runtime/volume.h"

/* linux/btrfs_tree.h of kernel 6.7: bytes are charged to the subvolume that wrote them. */
#define STATUS_FLAG_SIMPLE_MODE (1ULL << 3)

#define NEAR 65536 /* bytes: not worth a transaction */

int btrfs_first_item(int fd, uint64_t tree, uint64_t objectid, uint32_t type, uint64_t offset,
		     struct btrfs_ioctl_search_args *args)
{
	*args = (struct btrfs_ioctl_search_args){ .key = {
							  .tree_id = tree,
							  .min_objectid = objectid,
							  .max_objectid = objectid,
							  .min_type = type,
							  .max_type = type,
							  .min_offset = offset,
							  .max_offset = UINT64_MAX,
							  .max_transid = UINT64_MAX,
							  .nr_items = 1,
						  } };
	if (ioctl(fd, BTRFS_IOC_TREE_SEARCH, args) < 0)
		return -1;
	return args->key.nr_items ? 0 : BTRFS_ABSENT;
}

int btrfs_id_of(int fd, uint64_t *out, struct error *err)
{
	struct btrfs_ioctl_ino_lookup_args args = { .objectid = BTRFS_FIRST_FREE_OBJECTID };

	if (ioctl(fd, BTRFS_IOC_INO_LOOKUP, &args) < 0)
		return fail_errno(err, "find the number of a volume");
	*out = args.treeid;
	return 0;
}

/* An item of the quota tree, [0, type, id]: btrfs_tree.h. BTRFS_ABSENT when there is none, or no quota. */
static int quota_item(int fd, uint32_t type, uint64_t id, void *out, size_t size)
{
	struct btrfs_ioctl_search_args found;
	struct btrfs_ioctl_search_header head;
	int r = btrfs_first_item(fd, BTRFS_QUOTA_TREE_OBJECTID, 0, type, id, &found);

	if (r < 0)
		return errno == ENOENT ? BTRFS_ABSENT : -1;
	if (r > 0)
		return r;
	memcpy(&head, found.buf, sizeof(head));
	if (head.offset != id || head.len < size)
		return BTRFS_ABSENT;
	memcpy(out, found.buf + sizeof(head), size);
	return 0;
}

static int control(int fd, uint64_t cmd, const char *path, struct error *err)
{
	struct btrfs_ioctl_quota_ctl_args args = { .cmd = cmd };

	if (ioctl(fd, BTRFS_IOC_QUOTA_CTL, &args) < 0)
		return fail_errno(err, "%s: quotas", path);
	return 0;
}

/* Where counts are wrong (after a huge tree was dropped, or a crash) the kernel counts again, behind our back. */
static void recount(int fd, uint64_t flags)
{
	struct btrfs_ioctl_quota_rescan_args args = { 0 };

	if ((flags & BTRFS_QGROUP_STATUS_FLAG_INCONSISTENT) &&
	    !(flags & BTRFS_QGROUP_STATUS_FLAG_RESCAN))
		(void)ioctl(fd, BTRFS_IOC_QUOTA_RESCAN, &args);
}

int btrfs_quota_prepare(const char *path, struct error *err)
{
	AUTO(fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct btrfs_qgroup_status_item status = { 0 };
	uint64_t flags;
	int r;

	if (fd < 0)
		return fail_errno(err, "open %s", path);
	r = quota_item(fd, BTRFS_QGROUP_STATUS_KEY, 0, &status, sizeof(status));
	if (r < 0)
		return fail_errno(err, "%s: read quotas", path);
	flags = le64toh(status.flags);
	if (r == 0 && (flags & STATUS_FLAG_SIMPLE_MODE) &&
	    control(fd, BTRFS_QUOTA_CTL_DISABLE, path, err) < 0)
		return -1;
	recount(fd, flags);
	return control(fd, BTRFS_QUOTA_CTL_ENABLE, path, err);
}

/* What was written since the last commit, which the kernel's limit counts: /sys/fs/btrfs. 0 where that isn't told. */
static uint64_t reserved(int fd, uint64_t id)
{
	struct btrfs_ioctl_fs_info_args info = { 0 };
	char path[128], uuid[40], text[32] = "";
	const uint8_t *u = info.fsid;
	AUTO(fd) int file = -1;

	if (ioctl(fd, BTRFS_IOC_FS_INFO, &info) < 0)
		return 0;
	snprintf(uuid, sizeof(uuid),
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0], u[1],
		 u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14],
		 u[15]);
	snprintf(path, sizeof(path), "/sys/fs/btrfs/%s/qgroups/0_%llu/rsv_data", uuid,
		 (unsigned long long)id);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0 || read(file, text, sizeof(text) - 1) < 0)
		return 0;
	return strtoull(text, NULL, 10);
}

/*
 * What is charged without being in any file: an extent stays whole for as long as a byte of it is referred to, so files that
 * are written in place hold parts of old extents (btrfs(5), "bookend extents"). A database would run into a limit that
 * it is far from; so the kernel's limit is `disk` and that. It grows no faster than data is rewritten: whoever watches volumes sets the limit
 * again now and then.
 */
static int limit_with_rest(int fd, uint64_t id, uint64_t limit, uint64_t *out, uint64_t *used,
			   struct error *err)
{
	struct btrfs_qgroup_info_item info = { 0 };
	uint64_t charged;

	*out = limit;
	*used = 0;
	if (!limit)
		return 0;
	if (quota_item(fd, BTRFS_QGROUP_INFO_KEY, id, &info, sizeof(info)) < 0)
		return fail_errno(err, "read usage");
	charged = le64toh(info.rfer) + reserved(fd, id);
	*used = charged;
	if (charged < limit / 2)
		return 0;
	if (files_usage(fd, used, err) < 0)
		return -1;
	if (charged > *used)
		*out += charged - *used;
	return 0;
}

/*
 * Through the folder that holds the volume: what begins in a full volume fails for lack of room, and that is when it has to be
 * done. The limit that was asked for is noted as rsv_rfer, which the kernel keeps and doesn't act upon.
 */
static int set_limit(int fd, uint64_t id, uint64_t limit, uint64_t bytes)
{
	struct btrfs_ioctl_qgroup_limit_args args = {
		.qgroupid = id,
		.lim.flags = BTRFS_QGROUP_LIMIT_MAX_RFER | BTRFS_QGROUP_LIMIT_RSV_RFER,
		.lim.max_rfer = limit ? bytes : UINT64_MAX, /* takes it away */
		.lim.rsv_rfer = limit ? limit : UINT64_MAX,
	};
	AUTO(fd) int above = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return above < 0 ? -1 : ioctl(above, BTRFS_IOC_QGROUP_LIMIT, &args);
}

/* Setting one waits for a transaction; most looks find it as it should be, or nearly. */
static bool has_limit(int fd, uint64_t id, uint64_t limit, uint64_t bytes)
{
	struct btrfs_qgroup_limit_item item = { 0 };
	uint64_t now;

	if (quota_item(fd, BTRFS_QGROUP_LIMIT_KEY, id, &item, sizeof(item)) != 0 ||
	    !(le64toh(item.flags) & BTRFS_QGROUP_LIMIT_MAX_RFER))
		return false;
	now = le64toh(item.max_rfer);
	return le64toh(item.rsv_rfer) == limit && now >= bytes && now - bytes < NEAR;
}

int btrfs_quota_limit(int fd, const char *name, uint64_t limit, uint64_t *used, struct error *err)
{
	uint64_t bytes, id = 0;

	if (btrfs_id_of(fd, &id, err) < 0 || limit_with_rest(fd, id, limit, &bytes, used, err) < 0)
		return fail_in(err, "volume %s", name);
	if ((limit && has_limit(fd, id, limit, bytes)) || set_limit(fd, id, limit, bytes) == 0)
		return 0;
	if (errno != ENOTCONN)
		return fail_errno(err, "volume %s: set limit", name);
	if (limit)
		return fail(err, ERROR_HOST,
			    "volume %s: its btrfs has no quotas: btrfs quota enable", name);
	return 0;
}

int btrfs_quota_usage(int fd, const char *name, struct volume_usage *out, struct error *err)
{
	struct btrfs_qgroup_status_item status = { 0 };
	struct btrfs_qgroup_info_item info = { 0 };
	struct btrfs_qgroup_limit_item limit = { 0 };
	uint64_t id = 0;

	if (btrfs_id_of(fd, &id, err) < 0)
		return -1;
	if (quota_item(fd, BTRFS_QGROUP_STATUS_KEY, 0, &status, sizeof(status)) < 0 ||
	    quota_item(fd, BTRFS_QGROUP_INFO_KEY, id, &info, sizeof(info)) < 0 ||
	    quota_item(fd, BTRFS_QGROUP_LIMIT_KEY, id, &limit, sizeof(limit)) < 0)
		return fail_errno(err, "volume %s: read usage", name);
	recount(fd, le64toh(status.flags));
	*out = (struct volume_usage){
		.referenced = le64toh(info.rfer),
		.exclusive = le64toh(info.excl),
	};
	/* A snapshot inherits it. */
	if ((le64toh(limit.flags) & BTRFS_QGROUP_LIMIT_MAX_RFER) &&
	    (le64toh(limit.flags) & BTRFS_QGROUP_LIMIT_RSV_RFER) &&
	    le64toh(limit.max_rfer) != UINT64_MAX)
		out->limit = le64toh(limit.rsv_rfer);
	return files_usage(fd, &out->used, err) < 0 ? fail_in(err, "volume %s", name) : 0;
}
