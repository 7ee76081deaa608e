/*
 * driver_image.c - a volume is a file with an ext4 in it, on an XFS, which shares what a snapshot of the file has in common with it
 *
 * A database writes its blocks in place; only the first write to one that a snapshot has as well costs more
 * (tests/bench/databases.sh). A snapshot takes one call whatever is in it; the call takes longer with the pieces the file is in,
 * not with its size.
 * The limit is the file system's size, so a full volume is a full disk. Mounts are detached (ext4.h).
 */
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "runtime/driver.h"
#include "runtime/ext4.h"
#include "runtime/pool.h"
#include "runtime/volume.h"

#define EXTENTS 256 /* asked for at once */
#define UNLIMITED     \
	(UINT64_C(16) \
	 << 30) /* bytes of one without a limit, at least; and at most all of the pool */

static bool is_image(int folder, const char *leaf)
{
	struct stat st;

	return fstatat(folder, leaf, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

/* Whoever mounts it waits for whoever is at it: one device for one file, and none that comes while it is shared. */
static int hold(const struct volume_spot *at, struct error *err)
{
	AUTO(fd) int fd = openat(at->folder, at->leaf, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 || TEMP_FAILURE_RETRY(flock(fd, LOCK_EX)) < 0)
		return fail_errno(err, "open volume %s", at->name);
	return TAKE_FD(fd);
}

/* A read-only one has no write permission, which root doesn't need to open it. */
static bool is_read_only(int image)
{
	struct stat st;

	return fstat(image, &st) == 0 && !(st.st_mode & S_IWUSR);
}

static uint64_t pool_size(int folder)
{
	struct statvfs fs;

	return fstatvfs(folder, &fs) < 0 ? UNLIMITED : (uint64_t)fs.f_blocks * fs.f_frsize;
}

/* A descriptor for reading; the mount lives as long as it is open. */
static int top_of(int tree, const struct volume_spot *at, struct error *err)
{
	int fd = openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? fail_errno(err, "open volume %s", at->name) : fd;
}

static int create(const struct volume_spot *at, uint64_t limit, struct error *err)
{
	AUTO(fd)
	int tree = ext4_format(at->folder, at->leaf, limit ? limit : pool_size(at->folder), err);

	return tree < 0 ? fail_in(err, "create volume %s", at->name) : top_of(tree, at, err);
}

static int remove_image(const struct volume_spot *at, struct error *err)
{
	return unlinkat(at->folder, at->leaf, 0) < 0 ? fail_errno(err, "remove volume %s", at->name)
						     : 0;
}

static int mount_at(const struct volume_spot *at, struct error *err)
{
	AUTO(fd) int image = hold(at, err);
	int tree;

	if (image < 0)
		return -1;
	tree = ext4_mount(image, is_read_only(image), err);
	return tree < 0 ? fail_in(err, "volume %s", at->name) : tree;
}

static int open_top(const struct volume_spot *at, struct error *err)
{
	AUTO(fd) int tree = mount_at(at, err);

	return tree < 0 ? -1 : top_of(tree, at, err);
}

static int sync_image(int image, const struct volume_spot *at, struct error *err)
{
	AUTO(fd) int tree = -1;
	AUTO(fd) int top = -1;

	if (is_read_only(image) || !ext4_mounted(image))
		return 0;
	tree = ext4_mount(image, false, err);
	if (tree < 0)
		return fail_in(err, "volume %s", at->name);
	top = top_of(tree, at, err);
	if (top < 0)
		return -1;
	return syncfs(top) < 0 ? fail_errno(err, "sync volume %s", at->name) : 0;
}

static int sync_at(const struct volume_spot *at, struct error *err)
{
	AUTO(fd) int image = hold(at, err);

	return image < 0 ? -1 : sync_image(image, at, err);
}

/* ioctl_ficlone(2) of what is synced: as after a crash just then, which the journal makes whole when it is mounted. */
static int snapshot(const struct volume_spot *from, const struct volume_spot *to, bool read_only,
		    struct error *err)
{
	char leaf[256];
	AUTO(fd) int source = hold(from, err);
	AUTO(fd) int target = -1;

	snprintf(leaf, sizeof(leaf), ".%s.new", to->leaf);
	if (source < 0 || sync_image(source, from, err) < 0)
		return -1;
	(void)unlinkat(to->folder, leaf, 0);
	target = openat(to->folder, leaf, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (target < 0 || ioctl(target, FICLONE, source) < 0 ||
	    fchmod(target, read_only ? 0400 : 0600) < 0 ||
	    renameat2(to->folder, leaf, to->folder, to->leaf, RENAME_NOREPLACE) < 0 ||
	    fsync(to->folder) < 0)
		return fail_errno(err, "snapshot of volume %s", from->name);
	return 0;
}

/* What the pool can still give to files that grow; *slack: what it has beside, for blocks that are written again and were shared. */
static uint64_t room_of(int folder, uint64_t *slack)
{
	struct statvfs fs;
	uint64_t kept, free;

	*slack = 0;
	if (fstatvfs(folder, &fs) < 0)
		return 0;
	free = (uint64_t)fs.f_bavail * fs.f_frsize;
	*slack = pool_slack((uint64_t)fs.f_blocks * fs.f_frsize, free);
	kept = *slack + ext4_unwritten(folder);
	return free > kept ? free - kept : 0;
}

/* Where the pool has less than the volume has free: what was removed in the volume is the pool's, and then the volume's, again. */
static uint64_t room_for(int folder, int top)
{
	struct fstrim_range all = { .len = UINT64_MAX };
	uint64_t slack, room = room_of(folder, &slack);
	bool tight = room < slack;
	struct statvfs fs;

	if (fstatvfs(top, &fs) < 0 || (uint64_t)fs.f_bfree * fs.f_frsize <= room)
		return room;
	/* It is free once that is on the disk: in the volume, then in the pool. */
	if (tight)
		(void)syncfs(top);
	if (ioctl(top, FITRIM, &all) < 0)
		return room;
	if (tight)
		(void)syncfs(folder);
	return room_of(folder, &slack);
}

static int limit(const struct volume_spot *at, int fd, uint64_t bytes, uint64_t *used,
		 struct error *err)
{
	AUTO(fd) int image = openat(at->folder, at->leaf, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	if (image < 0)
		return fail_errno(err, "open volume %s", at->name);
	if (is_read_only(image))
		return ext4_used(image, used, err);
	return ext4_limit(image, fd, bytes, room_for(at->folder, fd), used, err) < 0
		? fail_in(err, "volume %s", at->name)
		: 0;
}

/* Blocks of removed files: fstrim(8). Of one that nobody has mounted that can wait until somebody has. */
static int trim(const struct volume_spot *at, struct error *err)
{
	struct fstrim_range all = { .len = UINT64_MAX };
	AUTO(fd) int image = hold(at, err);
	AUTO(fd) int tree = -1;
	AUTO(fd) int top = -1;

	if (image < 0)
		return -1;
	if (is_read_only(image) || !ext4_mounted(image))
		return 0;
	tree = ext4_mount(image, false, err);
	top = tree < 0 ? -1 : top_of(tree, at, err);
	if (top < 0)
		return -1;
	/* What was removed is free once that is on the disk. */
	if (syncfs(top) < 0 || ioctl(top, FITRIM, &all) < 0)
		return fail_errno(err, "trim volume %s", at->name);
	return 0;
}

/* Documentation/filesystems/fiemap.rst */
static uint64_t shared_bytes(int fd)
{
	union {
		struct fiemap map;
		char room[sizeof(struct fiemap) + EXTENTS * sizeof(struct fiemap_extent)];
	} u;
	uint64_t shared = 0, at = 0;

	for (;;) {
		const struct fiemap_extent *e = NULL;

		memset(&u.map, 0, sizeof(u.map));
		u.map.fm_start = at;
		u.map.fm_length = FIEMAP_MAX_OFFSET - at;
		u.map.fm_extent_count = EXTENTS;
		if (ioctl(fd, FS_IOC_FIEMAP, &u.map) < 0 || !u.map.fm_mapped_extents)
			return shared;
		for (uint32_t i = 0; i < u.map.fm_mapped_extents; i++) {
			e = &u.map.fm_extents[i];
			if (e->fe_flags & FIEMAP_EXTENT_SHARED)
				shared += e->fe_length;
		}
		if (e->fe_flags & FIEMAP_EXTENT_LAST)
			return shared;
		at = e->fe_logical + e->fe_length;
	}
}

static int usage(const struct volume_spot *at, struct volume_usage *out, struct error *err)
{
	AUTO(fd) int image = hold(at, err);
	struct stat st;
	uint64_t shared;

	if (image < 0)
		return -1;
	if (sync_image(image, at, err) < 0 || ext4_used(image, &out->used, err) < 0)
		return fail_in(err, "volume %s", at->name);
	if (fstat(image, &st) < 0)
		return fail_errno(err, "look at volume %s", at->name);
	shared = shared_bytes(image);
	out->referenced = (uint64_t)st.st_blocks * 512;
	out->exclusive = out->referenced > shared ? out->referenced - shared : 0;
	out->limit = 0;
	return 0;
}

/* Of XFS only those that were made with reflink=1 share: tried with two files that have no name. */
static int prepare(const char *path, struct error *err)
{
	AUTO(fd) int from = open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	AUTO(fd) int to = open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (from < 0 || to < 0)
		return fail_errno(err, "open %s", path);
	if (ioctl(to, FICLONE, from) == 0)
		return 0;
	return errno == EOPNOTSUPP
		? fail(err, ERROR_HOST, "%s: its XFS was made without reflink=1", path)
		: fail_errno(err, "%s: share a file", path);
}

const struct volume_driver driver_image = {
	.name = "image",
	.constant = true,
	.prepare = prepare,
	.is_volume = is_image,
	.create = create,
	.remove = remove_image,
	.snapshot = snapshot,
	.open = open_top,
	.tree = mount_at,
	.sync = sync_at,
	.trim = trim,
	.limit = limit,
	.usage = usage,
};
