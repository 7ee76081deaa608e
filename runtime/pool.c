#include "runtime/pool.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "runtime/driver.h"
#include "runtime/loop.h"
#include "runtime/volume.h"

#define MARK ".orch-pool"

static int path_beside(char out[PATH_MAX], const char *path, const char *suffix, struct error *err)
{
	if (snprintf(out, PATH_MAX, "%s%s", path, suffix) >= PATH_MAX)
		return fail(err, ERROR_INPUT, "%s: path too long", path);
	return 0;
}

bool pool_marked(int folder, struct pool_mark *out)
{
	AUTO(fd) int fd = openat(folder, MARK, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char text[64] = "";

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		return false;
	*out = (struct pool_mark){ .copy = strstr(text, "copy") != NULL,
				   .unlimited = strstr(text, "unlimited") != NULL };
	return true;
}

const struct volume_driver *driver_of(const char *path)
{
	AUTO(fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct pool_mark mark;
	struct statfs fs;

	if (fd < 0 || fstatfs(fd, &fs) < 0)
		return NULL;
	if (fs.f_type == BTRFS_SUPER_MAGIC)
		return &driver_btrfs;
	/* Others only by choice: the pool's own folder on an ext4 is where its file is mounted. */
	if (!pool_marked(fd, &mark))
		return NULL;
	if (fs.f_type == XFS_SUPER_MAGIC)
		return &driver_image;
	return mark.copy ? &driver_copy : NULL;
}

bool pool_mounted(const char *path)
{
	return driver_of(path) != NULL;
}

static void swallow(void *ctx, const char *line)
{
	(void)ctx;
	(void)line;
}

static int write_mark(const char *folder, const char *text, struct error *err)
{
	AUTO(fd) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return fail_errno(err, "open %s", folder);
	return file_write(fd, MARK, text, strlen(text), 0600, true, err);
}

/* Blocks shared between files, and sectors no smaller than what the disk below writes at once. */
static int format(const char *file, struct error *err)
{
	const char *const argv[] = { "mkfs.xfs",  "-q", "-f",	"-m", "reflink=1", "-s",
				     "size=4096", "-L", "orch", file, NULL };
	const struct process_spec spec = { .argv = argv, .line = swallow };

	return process_run(&spec, err);
}

/* Formatted under another name first: <path>.img is a file system or isn't there. */
static int make_image(const char *image, uint64_t size, struct error *err)
{
	char fresh[PATH_MAX];
	AUTO(fd) int fd = -1;

	if (path_beside(fresh, image, ".new", err) < 0)
		return -1;
	fd = open(fresh, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fail_errno(err, "create %s", fresh);
	if (ftruncate(fd, (off_t)size) < 0)
		return fail_errno(err, "%s: set size", fresh);
	if (format(fresh, err) < 0)
		goto fail;
	if (fsync(fd) < 0 || rename(fresh, image) < 0) {
		fail_errno(err, "rename %s", fresh);
		goto fail;
	}
	return 0;
fail:
	(void)unlink(fresh);
	return -1;
}

static bool is_link(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

/*
 * xfs(5). lazytime: else each sync of a volume's file would write the time of its last change as well.
 * A log written in larger pieces: each block that ceases to be shared is noted there.
 */
static int mount_image(const char *image, const char *path, struct error *err)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOATIME | MS_LAZYTIME;
	AUTO(fd) int file = open(image, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	AUTO(fd) int loop = -1;
	char device[LOOP_PATH];

	if (file < 0)
		return fail_errno(err, "open %s", image);
	loop = loop_attach(file, device, err);
	if (loop < 0)
		return fail_in(err, "%s", image);
	if (mount(device, path, "xfs", flags, "logbsize=256k") < 0)
		return fail_errno(err, "mount %s at %s", image, path);
	/* Ids on disk are inner ids: 0 is root to the host, which has no business in there. */
	if (chmod(path, 0700) < 0)
		return fail_errno(err, "set mode of %s", path);
	return write_mark(path, "orch\n", err);
}

int pool_ensure(const char *path, uint64_t size, struct error *err)
{
	char image[PATH_MAX], lock_path[PATH_MAX];
	AUTO(fd) int lock = -1;

	if (pool_mounted(path))
		return 0;
	/* A pool of ours made beside the one that is meant would hide its volumes. */
	if (is_link(path))
		return fail(err, ERROR_HOST, "the pool %s isn't there: mount its file system",
			    path);
	if (path_beside(image, path, ".img", err) < 0 ||
	    path_beside(lock_path, path, ".lock", err) < 0 || file_make_dirs(path, 0700, err) < 0)
		return -1;
	if (file_lock(lock_path, true, &lock, err) < 0)
		return -1;
	if (pool_mounted(path))
		return 0;
	if (!file_exists(image) && make_image(image, size ? size : POOL_SIZE, err) < 0)
		return fail_in(err, "volumes");
	if (mount_image(image, path, err) < 0)
		return fail_in(err, "volumes");
	return 0;
}

int pool_close(const char *path, struct error *err)
{
	char image[PATH_MAX];

	if (path_beside(image, path, ".img", err) < 0)
		return -1;
	/* Without the file it is the host's own btrfs, which isn't ours to unmount. */
	if (!file_exists(image) || !pool_mounted(path))
		return 0;
	if (umount2(path, UMOUNT_NOFOLLOW) < 0 && errno != EINVAL && errno != ENOENT)
		return fail_errno(err, "unmount %s", path);
	return 0;
}

/* Marked, then tried, then linked to: only the last step makes it the pool. */
int pool_use(const char *path, const struct pool_choice *choice, struct error *err)
{
	char fresh[PATH_MAX], image[PATH_MAX], mark[64];
	const struct volume_driver *driver;

	snprintf(mark, sizeof(mark), "orch%s%s\n", choice->copy ? " copy" : "",
		 choice->unlimited ? " unlimited" : "");
	if (path_beside(fresh, path, ".new", err) < 0 ||
	    path_beside(image, path, ".img", err) < 0 || write_mark(choice->folder, mark, err) < 0)
		return -1;
	driver = driver_of(choice->folder);
	if (!driver)
		return fail(err, ERROR_INPUT,
			    "%s is neither btrfs nor XFS: each snapshot would be a full copy, "
			    "which takes the time and the space of all its bytes; "
			    "with --allow-copy it may",
			    choice->folder);
	if (driver->prepare(choice->folder, err) < 0 || pool_close(path, err) < 0)
		return -1;
	(void)unlink(fresh);
	if (symlink(choice->folder, fresh) < 0)
		return fail_errno(err, "link %s", fresh);
	if (rmdir(path) < 0 && errno != ENOENT && errno != ENOTDIR)
		return fail_errno(err, "%s", path);
	if (rename(fresh, path) < 0)
		return fail_errno(err, "rename %s", fresh);
	(void)unlink(image); /* was empty */
	return chmod(path, 0700) < 0 ? fail_errno(err, "set mode of %s", path) : 0;
}
