/*
 * driver_files.c - volumes that are plain folders: XFS shares their files' content, elsewhere it is copied
 *
 * A snapshot takes as long as there are files (and pieces of them that were written since an earlier snapshot), and isn't of one moment unless
 * nobody writes meanwhile; group_copy() sees to that. A read-only one is made of files that can't be changed.
 * XFS limits a volume by a project of its own, which counts what its files refer to, shared or not.
 */
#include <fcntl.h>
#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/quota.h>
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

#define QUOTA_BLOCK 512 /* bytes: linux/dqblk_xfs.h */
#ifndef PRJQUOTA
#define PRJQUOTA 2
#endif

static bool is_folder(int folder, const char *leaf)
{
	struct stat st;

	return fstatat(folder, leaf, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static int open_folder(int folder, const char *leaf, const char *name, struct error *err)
{
	int fd = openat(folder, leaf, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? fail_errno(err, "open volume %s", name) : fd;
}

/* Of the folder's own inode: nothing else in the file system has it, now or while the volume lives. */
static uint32_t project_of(int fd)
{
	struct stat st = { 0 };

	(void)fstat(fd, &st);
	return (uint32_t)(st.st_ino ^ (st.st_ino >> 32)) | 1u << 31;
}

/* What is made in the folder from now on belongs to its project. Where there are no projects there are no limits. */
static void set_project(int fd)
{
	struct fsxattr x;

	if (ioctl(fd, FS_IOC_FSGETXATTR, &x) < 0)
		return;
	x.fsx_projid = project_of(fd);
	x.fsx_xflags |= FS_XFLAG_PROJINHERIT;
	(void)ioctl(fd, FS_IOC_FSSETXATTR, &x);
}

static int create(int folder, const char *leaf, const char *name, struct error *err)
{
	AUTO(fd) int fd = -1;

	if (mkdirat(folder, leaf, 0700) < 0)
		return fail_errno(err, "create volume %s", name);
	fd = open_folder(folder, leaf, name, err);
	if (fd < 0)
		return -1;
	set_project(fd);
	return 0;
}

static int remove_folder(int folder, const char *leaf, const char *name, struct error *err)
{
	AUTO(fd) int fd = open_folder(folder, leaf, name, err);
	struct error ignored;

	if (fd < 0)
		return -1;
	if (file_remove(folder, leaf, &ignored) == 0)
		return 0;
	/* A read-only one, or what a crash left half frozen. */
	if (files_freeze(fd, false, err) < 0)
		return fail_in(err, "volume %s", name);
	return file_remove(folder, leaf, err);
}

static int snapshot_as(enum files_how how, int from, int folder, const char *leaf, bool read_only,
		       const char *name, struct error *err)
{
	char fresh[256];
	AUTO(fd) int to = -1;

	snprintf(fresh, sizeof(fresh), ".%s.new", leaf);
	if (is_folder(folder, fresh) && remove_folder(folder, fresh, name, err) < 0)
		return -1;
	if (create(folder, fresh, name, err) < 0)
		return -1;
	to = open_folder(folder, fresh, name, err);
	if (to < 0)
		return -1;
	if (files_clone(from, to, how, err) < 0)
		return fail_in(err, "snapshot of volume %s", name);
	if (renameat2(folder, fresh, folder, leaf, RENAME_NOREPLACE) < 0)
		return fail_errno(err, "snapshot of volume %s", name);
	return read_only ? files_freeze(to, true, err) : 0;
}

static int snapshot_shared(int from, int folder, const char *leaf, bool read_only, const char *name,
			   struct error *err)
{
	return snapshot_as(FILES_REFLINK, from, folder, leaf, read_only, name, err);
}

static int snapshot_copied(int from, int folder, const char *leaf, bool read_only, const char *name,
			   struct error *err)
{
	return snapshot_as(FILES_COPY, from, folder, leaf, read_only, name, err);
}

/* quotactl_fd(2), of XFS's projects. */
static int project_quota(int fd, int cmd, struct fs_disk_quota *q)
{
	return (int)syscall(SYS_quotactl_fd, fd, QCMD(cmd, PRJQUOTA), project_of(fd), q);
}

static bool unlimited(int fd)
{
	struct pool_mark mark;
	AUTO(fd) int up = openat(fd, "../..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO(fd) int near = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return (pool_marked(up, &mark) && mark.unlimited) ||
		(pool_marked(near, &mark) && mark.unlimited);
}

static int limit(int fd, const char *name, uint64_t bytes, uint64_t *used, struct error *err)
{
	struct fs_disk_quota q = {
		.d_version = FS_DQUOT_VERSION,
		.d_flags = FS_PROJ_QUOTA,
		.d_id = project_of(fd),
		.d_fieldmask = FS_DQ_BHARD | FS_DQ_BSOFT,
		.d_blk_hardlimit = bytes / QUOTA_BLOCK,
		.d_blk_softlimit = bytes / QUOTA_BLOCK,
	};

	struct fs_disk_quota now = { 0 };

	*used = project_quota(fd, Q_XGETQUOTA, &now) == 0 ? now.d_bcount * QUOTA_BLOCK : 0;
	if (project_quota(fd, Q_XSETQLIM, &q) == 0 || !bytes || unlimited(fd))
		return 0;
	return fail(err, ERROR_HOST,
		    "volume %s: its file system has no project quotas, so \"disk\" can't be "
		    "enforced: mount it with prjquota, or orch pool use --unlimited",
		    name);
}

static int usage(int fd, const char *name, struct volume_usage *out, struct error *err)
{
	struct fs_disk_quota q = { 0 };
	uint64_t taken = 0, shared = 0;

	if (files_usage(fd, &taken, &shared, err) < 0)
		return fail_in(err, "volume %s", name);
	*out = (struct volume_usage){ .used = taken,
				      .referenced = taken,
				      .exclusive = taken - shared };
	if (project_quota(fd, Q_XGETQUOTA, &q) == 0) {
		out->used = out->referenced = q.d_bcount * QUOTA_BLOCK;
		out->limit = q.d_blk_hardlimit * QUOTA_BLOCK;
	}
	return 0;
}

/* Quotas have to be mounted with. Tried on a volume of no name: what can't be limited is refused when it is chosen. */
static int prepare(const char *path, struct error *err)
{
	AUTO(fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct pool_mark mark = { .copy = false };
	struct fs_quota_statv state = { .qs_version = FS_QSTATV_VERSION1 };

	if (fd < 0)
		return fail_errno(err, "open %s", path);
	if ((pool_marked(fd, &mark) && mark.unlimited) ||
	    (syscall(SYS_quotactl_fd, fd, QCMD(Q_XGETQSTATV, PRJQUOTA), 0, &state) == 0 &&
	     (state.qs_flags & FS_QUOTA_PDQ_ENFD)))
		return 0;
	return fail(err, ERROR_HOST,
		    "%s has no project quotas, so \"disk\" can't be enforced: mount it with "
		    "prjquota, or accept that with --unlimited",
		    path);
}

const struct volume_driver driver_xfs = {
	.name = "xfs",
	.prepare = prepare,
	.is_volume = is_folder,
	.create = create,
	.remove = remove_folder,
	.snapshot = snapshot_shared,
	.limit = limit,
	.usage = usage,
};

const struct volume_driver driver_copy = {
	.name = "copy",
	.prepare = prepare,
	.is_volume = is_folder,
	.create = create,
	.remove = remove_folder,
	.snapshot = snapshot_copied,
	.limit = limit,
	.usage = usage,
};
