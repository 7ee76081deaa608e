/*
 * driver_files.c - volumes that are plain folders, where a snapshot is a full copy
 *
 * It takes the time and the space of all bytes, and isn't of one moment unless
 * nobody writes meanwhile; group_copy() sees to that. A read-only one is made of files that can't be changed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "runtime/driver.h"
#include "runtime/files.h"
#include "runtime/pool.h"
#include "runtime/volume.h"

static bool is_folder(int folder, const char *leaf)
{
	struct stat st;

	return fstatat(folder, leaf, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

int folder_open(const struct volume_spot *at, struct error *err)
{
	int fd = openat(at->folder, at->leaf, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? fail_errno(err, "open volume %s", at->name) : fd;
}

int folder_tree(const struct volume_spot *at, struct error *err)
{
	int fd = (int)syscall(SYS_open_tree, at->folder, at->leaf,
			      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);

	return fd < 0 ? fail_errno(err, "clone mount of volume %s", at->name) : fd;
}

/* All of its file system: nothing less than that is to be had. */
int folder_sync(const struct volume_spot *at, struct error *err)
{
	return syncfs(at->folder) < 0 ? fail_errno(err, "sync volume %s", at->name) : 0;
}

static int create(const struct volume_spot *at, uint64_t limit, struct error *err)
{
	(void)limit;
	if (mkdirat(at->folder, at->leaf, 0700) < 0)
		return fail_errno(err, "create volume %s", at->name);
	return folder_open(at, err);
}

static int remove_folder(const struct volume_spot *at, struct error *err)
{
	AUTO(fd) int fd = folder_open(at, err);
	struct error ignored;

	if (fd < 0)
		return -1;
	if (file_remove(at->folder, at->leaf, &ignored) == 0)
		return 0;
	/* A read-only one, or what a crash left half frozen. */
	if (files_freeze(fd, false, err) < 0)
		return fail_in(err, "volume %s", at->name);
	return file_remove(at->folder, at->leaf, err);
}

static int snapshot(const struct volume_spot *from, const struct volume_spot *to, bool read_only,
		    struct error *err)
{
	char leaf[256];
	struct volume_spot fresh = { to->folder, leaf, from->name };
	AUTO(fd) int source = folder_open(from, err);
	AUTO(fd) int target = -1;

	snprintf(leaf, sizeof(leaf), ".%s.new", to->leaf);
	if (source < 0 || (is_folder(to->folder, leaf) && remove_folder(&fresh, err) < 0))
		return -1;
	target = create(&fresh, 0, err);
	if (target < 0)
		return -1;
	if (files_copy(source, target, err) < 0)
		return fail_in(err, "snapshot of volume %s", from->name);
	if (renameat2(to->folder, leaf, to->folder, to->leaf, RENAME_NOREPLACE) < 0)
		return fail_errno(err, "snapshot of volume %s", from->name);
	return read_only ? files_freeze(target, true, err) : 0;
}

static bool unlimited(int folder)
{
	struct pool_mark mark;
	AUTO(fd) int up = openat(folder, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return (pool_marked(up, &mark) && mark.unlimited) ||
		(pool_marked(folder, &mark) && mark.unlimited);
}

static int limit(const struct volume_spot *at, int fd, uint64_t bytes, uint64_t *used,
		 struct error *err)
{
	(void)fd;
	*used = 0;
	if (!bytes || unlimited(at->folder))
		return 0;
	return fail(err, ERROR_HOST,
		    "volume %s: its file system can't enforce \"disk\": orch pool use --unlimited",
		    at->name);
}

static int usage(const struct volume_spot *at, struct volume_usage *out, struct error *err)
{
	AUTO(fd) int fd = folder_open(at, err);
	uint64_t taken = 0;

	if (fd < 0)
		return -1;
	if (files_usage(fd, &taken, err) < 0)
		return fail_in(err, "volume %s", at->name);
	*out = (struct volume_usage){ .used = taken, .referenced = taken, .exclusive = taken };
	return 0;
}

/* What can't be limited is refused when it is chosen. */
static int prepare(const char *path, struct error *err)
{
	AUTO(fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct pool_mark mark = { .copy = false };

	if (fd < 0)
		return fail_errno(err, "open %s", path);
	if (pool_marked(fd, &mark) && mark.unlimited)
		return 0;
	return fail(err, ERROR_HOST,
		    "%s can't limit folders, so \"disk\" can't be enforced: accept that with "
		    "--unlimited, or choose a btrfs or an XFS",
		    path);
}

const struct volume_driver driver_copy = {
	.name = "copy",
	.prepare = prepare,
	.is_volume = is_folder,
	.create = create,
	.remove = remove_folder,
	.snapshot = snapshot,
	.open = folder_open,
	.tree = folder_tree,
	.sync = folder_sync,
	.limit = limit,
	.usage = usage,
};
