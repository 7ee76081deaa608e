/*
 * pool_space.c - sizes of the pool, of its file, and of the disk below
 */
#include <fcntl.h>
#include <limits.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
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
#include "runtime/btrfs.h"
#include "runtime/driver.h"
#include "runtime/loop.h"
#include "runtime/pool.h"
#include "runtime/volume.h"

#define DEVICE 1 /* btrfs's number of the only one that a pool's file has */

/* Room that the disk below must have beyond what is promised: others write to it as well. */
#define SLACK_MIN (UINT64_C(64) << 20)
#define SLACK_MAX (UINT64_C(1) << 30)

static const char *image_of(struct arena *arena, const char *path)
{
	return arena_printf(arena, "%s.img", path);
}

static int device_of(int fd, struct btrfs_ioctl_dev_info_args *out)
{
	*out = (struct btrfs_ioctl_dev_info_args){ .devid = DEVICE };
	return ioctl(fd, BTRFS_IOC_DEV_INFO, out);
}

static uint64_t slack_of(uint64_t size)
{
	uint64_t slack = size / 64;

	return slack < SLACK_MIN ? SLACK_MIN : slack > SLACK_MAX ? SLACK_MAX : slack;
}

static int of_file(const char *image, int pool, struct pool_space *out, struct error *err)
{
	struct btrfs_ioctl_dev_info_args device;
	struct statvfs disk;
	struct stat st;

	if (stat(image, &st) < 0)
		return 0;
	if (statvfs(image, &disk) < 0 || device_of(pool, &device) < 0)
		return fail_errno(err, "%s: look at its size", image);
	out->file = true;
	out->file_size = (uint64_t)st.st_size;
	out->file_taken = (uint64_t)st.st_blocks * 512;
	out->disk_free = (uint64_t)disk.f_bavail * disk.f_frsize;
	out->tight = out->disk_free < 16 * slack_of(out->file_size);
	out->held = device.total_bytes + (1u << 20) < out->file_size;
	return 0;
}

static int look(const struct volume_driver *driver, int fd, const char *path,
		struct pool_space *out, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	struct pool_mark mark = { .copy = false };
	struct statvfs fs;
	struct stat st;

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
	if (S_ISLNK(st.st_mode) || driver != &driver_btrfs)
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

/* btrfs-filesystem(8), "resize": "max", or bytes. */
static int resize(int pool, const char *size, struct error *err)
{
	struct btrfs_ioctl_vol_args args = { .fd = 0 };

	snprintf(args.name, sizeof(args.name), "%d:%s", DEVICE, size);
	return ioctl(pool, BTRFS_IOC_RESIZE, &args) < 0 ? fail_errno(err, "resize the pool") : 0;
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
	loop = loop_attach(image, device, err);
	if (loop < 0 || loop_resize(loop, err) < 0)
		return -1;
	if (pool < 0)
		return fail_errno(err, "open %s", path);
	return resize(pool, "max", err);
}

/* Where the last chunk ends on the device: btrfs_tree.h, DEV_EXTENT. */
static int end_of_chunks(int pool, uint64_t *out)
{
	struct btrfs_ioctl_search_args found;
	struct btrfs_ioctl_search_header head;
	struct btrfs_dev_extent extent;
	uint64_t from = 0;
	int r;

	*out = 0;
	while ((r = btrfs_first_item(pool, BTRFS_DEV_TREE_OBJECTID, DEVICE, BTRFS_DEV_EXTENT_KEY,
				     from, &found)) == 0) {
		memcpy(&head, found.buf, sizeof(head));
		memcpy(&extent, found.buf + sizeof(head), sizeof(extent));
		*out = head.offset + extent.length;
		from = head.offset + 1;
	}
	return r < 0 ? -1 : 0;
}

/* Blocks for all that is promised and a little to grow into, as far as there are any, and no promises beyond. */
static int hold(struct arena *arena, const char *image, int pool, uint64_t more, struct error *err)
{
	AUTO(fd) int file = open(image, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	uint64_t end;

	if (file < 0 || end_of_chunks(pool, &end) < 0)
		return fail_errno(err, "hold %s", image);
	if (end < POOL_SIZE_MIN)
		end = POOL_SIZE_MIN;
	if (fallocate(file, FALLOC_FL_KEEP_SIZE, 0, (off_t)(end + more)) == 0)
		end += more;
	return resize(pool, arena_printf(arena, "%llu", (unsigned long long)end), err);
}

int pool_guard(const char *path, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *image = image_of(&arena, path);
	AUTO(fd) int pool = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct btrfs_ioctl_dev_info_args device;
	struct pool_space s = { .file = false };
	uint64_t need;

	if (pool < 0 || driver_of(path) != &driver_btrfs || !file_exists(image))
		return 0;
	if (of_file(image, pool, &s, err) < 0 || device_of(pool, &device) < 0)
		return -1;
	need = slack_of(s.file_size);
	if (device.bytes_used > s.file_taken)
		need += device.bytes_used - s.file_taken;
	if (s.disk_free < need)
		return s.held ? 0 : hold(&arena, image, pool, slack_of(s.file_size) / 2, err);
	return s.held && s.disk_free > need + slack_of(s.file_size) ? resize(pool, "max", err) : 0;
}
