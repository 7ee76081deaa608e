#include "runtime/volume.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/btrfs.h>
#include <linux/loop.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/process.h"

#define LOOP_MAJOR 7 /* Documentation/admin-guide/devices.txt */
#define LOOP_TRIES 64

/* linux/btrfs.h of kernel 6.7: bytes are charged to the subvolume that wrote them, at no cost. */
#define QUOTA_ENABLE_SIMPLE 4

static int path_beside(char out[PATH_MAX], const char *path, const char *suffix, struct error *err)
{
	if (snprintf(out, PATH_MAX, "%s%s", path, suffix) >= PATH_MAX)
		return fail(err, ERROR_INPUT, "%s: path too long", path);
	return 0;
}

bool pool_mounted(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == BTRFS_SUPER_MAGIC;
}

static void swallow(void *ctx, const char *line)
{
	(void)ctx;
	(void)line;
}

/*
 * One copy of the metadata: it lies in a file of a file system that has its own ideas of
 * redundancy, and a second one would double what each fsync writes.
 */
static int format(const char *file, struct error *err)
{
	const char *const argv[] = { "mkfs.btrfs", "-q",   "-f", "-m", "single",
				     "-L",	   "orch", file, NULL };
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

static int open_loop(unsigned n, char path[32])
{
	int fd;

	snprintf(path, 32, "/dev/loop%u", n);
	fd = open(path, O_RDWR | O_CLOEXEC);
	/* A /dev that isn't a devtmpfs doesn't get the nodes of new devices. */
	if (fd < 0 && errno == ENOENT && mknod(path, S_IFBLK | 0600, makedev(LOOP_MAJOR, n)) == 0)
		fd = open(path, O_RDWR | O_CLOEXEC);
	return fd;
}

/*
 * The device that already has the image, or -1. One that is unmounted here may still be held by
 * a mount in another namespace; btrfs must never see the same file through two devices.
 */
static int find_loop(int image, char path[32])
{
	AUTO(dir) DIR *dir = opendir("/sys/block");
	struct stat st;
	const struct dirent *e;

	if (!dir || fstat(image, &st) < 0)
		return -1;
	while ((e = readdir(dir))) {
		struct loop_info64 info;
		unsigned n;
		AUTO(fd) int fd = -1;

		if (sscanf(e->d_name, "loop%u", &n) != 1)
			continue;
		fd = open_loop(n, path);
		if (fd >= 0 && ioctl(fd, LOOP_GET_STATUS64, &info) == 0 &&
		    info.lo_device == st.st_dev && info.lo_inode == st.st_ino)
			return TAKE_FD(fd);
	}
	return -1;
}

/* loop(4). Autoclear: the device is free again when nobody has it open or mounted. */
static int attach(const char *image, char path[32], struct error *err)
{
	AUTO(fd) int file = open(image, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	AUTO(fd) int control = -1;
	struct loop_config config = { .info.lo_flags = LO_FLAGS_AUTOCLEAR };
	int fd;

	if (file < 0)
		return fail_errno(err, "open %s", image);
	fd = find_loop(file, path);
	if (fd >= 0)
		return fd;
	control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	if (control < 0)
		return fail_errno(err, "open /dev/loop-control");
	config.fd = (uint32_t)file;
	for (int i = 0; i < LOOP_TRIES; i++) {
		int n = ioctl(control, LOOP_CTL_GET_FREE);
		AUTO(fd) int loop = -1;

		if (n < 0)
			return fail_errno(err, "find a free loop device");
		loop = open_loop((unsigned)n, path);
		if (loop < 0)
			return fail_errno(err, "open %s", path);
		if (ioctl(loop, LOOP_CONFIGURE, &config) == 0)
			return TAKE_FD(loop);
		if (errno != EBUSY) /* else somebody was faster */
			return fail_errno(err, "attach %s to %s", image, path);
	}
	return fail(err, ERROR_HOST, "attach %s: no loop device stays free", image);
}

/* Simple quotas where the kernel has them; the slower ones else. On already is success. */
static int enable_quota(const char *path, struct error *err)
{
	AUTO(fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct btrfs_ioctl_quota_ctl_args args = { .cmd = QUOTA_ENABLE_SIMPLE };

	if (fd < 0)
		return fail_errno(err, "open %s", path);
	if (ioctl(fd, BTRFS_IOC_QUOTA_CTL, &args) == 0)
		return 0;
	args = (struct btrfs_ioctl_quota_ctl_args){ .cmd = BTRFS_QUOTA_CTL_ENABLE };
	if (ioctl(fd, BTRFS_IOC_QUOTA_CTL, &args) < 0)
		return fail_errno(err, "%s: enable quotas", path);
	return 0;
}

static int mount_image(const char *image, const char *path, struct error *err)
{
	char device[32];
	AUTO(fd) int loop = attach(image, device, err);

	if (loop < 0)
		return -1;
	if (mount(device, path, "btrfs", MS_NOSUID | MS_NODEV | MS_NOATIME, "discard=async") < 0)
		return fail_errno(err, "mount %s at %s", image, path);
	if (enable_quota(path, err) < 0) {
		(void)umount2(path, UMOUNT_NOFOLLOW);
		return -1;
	}
	/* Ids on disk are inner ids: 0 is root to the host, which has no business in there. */
	if (chmod(path, 0700) < 0)
		return fail_errno(err, "set mode of %s", path);
	return 0;
}

int pool_ensure(const char *path, uint64_t size, struct error *err)
{
	char image[PATH_MAX], lock_path[PATH_MAX];
	AUTO(fd) int lock = -1;

	if (path_beside(image, path, ".img", err) < 0 ||
	    path_beside(lock_path, path, ".lock", err) < 0 || file_make_dirs(path, 0700, err) < 0)
		return -1;
	if (pool_mounted(path))
		return 0;
	if (file_lock(lock_path, true, &lock, err) < 0)
		return -1;
	if (pool_mounted(path))
		return 0;
	if (!file_exists(image) && make_image(image, size, err) < 0)
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
