/*
 * pool_space.c - sizes of the pool, of its file, and of the disk below
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "runtime/driver.h"
#include "runtime/loop.h"
#include "runtime/pool.h"
#include "runtime/volume.h"

#define BALLAST \
	".ballast" /* a file of blocks that are kept back: never written, so the disk below doesn't have to give them */

#define SLACK_MIN (UINT64_C(64) << 20)
#define SLACK_MAX (UINT64_C(1) << 30)

static const char *image_of(struct arena *arena, const char *path)
{
	return arena_printf(arena, "%s.img", path);
}

uint64_t pool_slack(uint64_t size, uint64_t free)
{
	uint64_t slack = size / 64 < free / 4 ? size / 64 : free / 4;

	return slack < SLACK_MIN ? SLACK_MIN : slack > SLACK_MAX ? SLACK_MAX : slack;
}

static uint64_t ballast_of(int pool)
{
	struct stat st;

	return fstatat(pool, BALLAST, &st, AT_SYMLINK_NOFOLLOW) == 0 ? (uint64_t)st.st_blocks * 512
								     : 0;
}

static int of_file(const char *image, int pool, struct pool_space *out, struct error *err)
{
	struct statvfs disk;
	struct stat st;

	if (stat(image, &st) < 0)
		return 0;
	if (statvfs(image, &disk) < 0)
		return fail_errno(err, "%s: look at its size", image);
	out->file = true;
	out->file_size = (uint64_t)st.st_size;
	out->file_taken = (uint64_t)st.st_blocks * 512;
	out->disk_size = (uint64_t)disk.f_blocks * disk.f_frsize;
	out->disk_free = (uint64_t)disk.f_bavail * disk.f_frsize;
	out->tight |= out->disk_free < 16 * pool_slack(out->file_size, UINT64_MAX);
	out->held = ballast_of(pool) > 0;
	return 0;
}

static int look(const struct volume_driver *driver, int fd, const char *path,
		struct pool_space *out, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	struct pool_mark mark = { .copy = false };
	struct statvfs fs;
	struct stat st;
	uint64_t slack;

	if (fstatvfs(fd, &fs) < 0 || lstat(path, &st) < 0)
		return fail_errno(err, "look at %s", path);
	(void)pool_marked(fd, &mark);
	*out = (struct pool_space){
		.driver = driver->name,
		.constant = driver->constant,
		.limits = !mark.unlimited,
		.size = (uint64_t)fs.f_blocks * fs.f_frsize,
		.used = (uint64_t)(fs.f_blocks - fs.f_bfree) * fs.f_frsize,
		.free = (uint64_t)fs.f_bavail * fs.f_frsize,
	};
	if (driver != &driver_image)
		return 0;
	/* What volume_tend() leaves to files. */
	slack = pool_slack(out->size, out->free);
	out->tight = out->free < 16 * pool_slack(out->size, UINT64_MAX);
	out->free -= slack < out->free ? slack : out->free;
	if (S_ISLNK(st.st_mode))
		return 0;
	return of_file(image_of(&arena, path), fd, out, err);
}

int pool_room(const char *path, struct pool_space *out, struct error *err)
{
	const struct volume_driver *driver = driver_of(path);
	AUTO(fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || !driver)
		return fail(err, ERROR_SYSTEM, "%s isn't mounted", path);
	return look(driver, fd, path, out, err);
}

int pool_space(struct arena *arena, const char *path, struct pool_space *out, struct error *err)
{
	const struct volume_driver *driver = driver_of(path);
	AUTO(fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char target[PATH_MAX];
	ssize_t len = readlink(path, target, sizeof(target));

	if (fd < 0 || !driver)
		return POOL_ABSENT;
	/* Of a full one that fails, and what was committed before counts. */
	(void)syncfs(fd);
	if (look(driver, fd, path, out, err) < 0)
		return -1;
	out->target = len > 0 ? arena_strndup(arena, target, (size_t)len) : NULL;
	return 0;
}

/* linux/fs/xfs/libxfs/xfs_fs.h, XFS_IOC_FSGROWFSDATA: what xfs_growfs(8) does. */
struct growth {
	uint64_t blocks;
	uint32_t percent; /* for inodes, at most; as it is */
};
#define GROW _IOW('X', 110, struct growth)

/* linux/fs/xfs/libxfs/xfs_fs.h, XFS_IOC_FSGEOMETRY_V1: only what is needed of it has a name here. */
struct geometry {
	uint32_t block_size, other[6], percent;
	uint64_t more[10];
};
#define GEOMETRY _IOR('X', 100, struct geometry)

static int fill_file(int pool, uint64_t size, struct error *err)
{
	struct geometry now = { 0 };
	struct growth growth;

	if (ioctl(pool, GEOMETRY, &now) < 0 || !now.block_size)
		return fail_errno(err, "look at the pool");
	growth = (struct growth){ size / now.block_size, now.percent };
	return ioctl(pool, GROW, &growth) < 0 ? fail_errno(err, "grow the pool") : 0;
}

int pool_grow(const char *path, uint64_t size, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *image = image_of(&arena, path);
	AUTO(fd) int file = open(image, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	AUTO(fd) int pool = -1;
	AUTO(fd) int loop = -1;
	char device[LOOP_PATH];
	struct stat st;

	if (file < 0)
		return errno == ENOENT ? fail(err, ERROR_INPUT,
					      "the pool isn't in a file of orch's: orch pool show")
				       : fail_errno(err, "open %s", image);
	if (fstat(file, &st) < 0)
		return fail_errno(err, "look at %s", image);
	if (size < (uint64_t)st.st_size)
		return fail(err, ERROR_INPUT, "the pool's file is larger already; it can't shrink");
	if (ftruncate(file, (off_t)size) < 0)
		return fail_errno(err, "%s: set size", image);
	if (pool_ensure(path, 0, err) < 0)
		return -1;
	pool = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	loop = loop_find(file, device);
	if (pool < 0 || loop < 0)
		return fail_errno(err, "open %s", path);
	return loop_resize(loop, err) < 0 ? -1 : fill_file(pool, size, err);
}

static int keep_back(int pool, uint64_t bytes, struct error *err)
{
	AUTO(fd)
	int fd = openat(pool, BALLAST, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 || ftruncate(fd, (off_t)bytes) < 0 ||
	    (bytes && fallocate(fd, 0, 0, (off_t)bytes) < 0 && errno != ENOSPC))
		return fail_errno(err, "keep some of the pool back");
	if (!bytes && unlinkat(pool, BALLAST, 0) < 0)
		return fail_errno(err, "give the pool all of its file");
	return 0;
}

/*
 * All free blocks of the pool could be ones that its file doesn't have yet; those that it has, because
 * something was in them once, aren't told apart.
 */
int pool_guard(const char *path, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *image = image_of(&arena, path);
	AUTO(fd) int pool = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct pool_space s = { .file = false };
	uint64_t slack, may, free, now, want;
	struct statvfs fs;

	if (pool < 0 || driver_of(path) != &driver_image || !file_exists(image))
		return 0;
	if (of_file(image, pool, &s, err) < 0)
		return -1;
	if (fstatvfs(pool, &fs) < 0)
		return fail_errno(err, "look at %s", path);
	slack = pool_slack(s.file_size, s.disk_free);
	/* Of a tiny disk that would be most. */
	if (slack > s.disk_size / 16)
		slack = s.disk_size / 16;
	may = s.disk_free > slack ? s.disk_free - slack : 0;
	now = ballast_of(pool);
	free = (uint64_t)fs.f_bavail * fs.f_frsize + now;
	if (free <= may || !s.tight)
		return now ? keep_back(pool, 0, err) : 0;
	want = free - may;
	/* Not for every block that somebody writes. */
	if (now && want < now + slack / 4 && now < want + slack / 4)
		return 0;
	return keep_back(pool, want, err);
}
