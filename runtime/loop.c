#include "runtime/loop.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"

#define LOOP_MAJOR 7 /* Documentation/admin-guide/devices.txt */
#define LOOP_TRIES 64
#define LOOP_PAUSE 5000		 /* microseconds */
#define NOTE "trusted.orch.loop" /* of a file: an unsigned, the number of its device */

static int open_loop(unsigned n, int flags, char path[LOOP_PATH])
{
	int fd;

	snprintf(path, LOOP_PATH, "/dev/loop%u", n);
	fd = open(path, flags | O_CLOEXEC);
	/* A /dev that isn't a devtmpfs doesn't get the nodes of new devices. */
	if (fd < 0 && errno == ENOENT && mknod(path, S_IFBLK | 0600, makedev(LOOP_MAJOR, n)) == 0)
		fd = open(path, flags | O_CLOEXEC);
	return fd;
}

static int open_if_of(unsigned n, const struct stat *file, char path[LOOP_PATH])
{
	struct loop_info64 info;
	/* For reading: udev looks at a device again when one that could write lets go of it. */
	AUTO(fd) int fd = open_loop(n, O_RDONLY, path);

	return fd >= 0 && ioctl(fd, LOOP_GET_STATUS64, &info) == 0 &&
			info.lo_device == file->st_dev && info.lo_inode == file->st_ino
		? TAKE_FD(fd)
		: -1;
}

/*
 * The one that it was attached to last is written on the file itself; where that isn't so any more, all are looked at. One
 * that is unmounted here may still be held by a mount in another namespace; a file system must never be seen through two devices.
 */
int loop_find(int file, char path[LOOP_PATH])
{
	AUTO(dir) DIR *dir = NULL;
	const struct dirent *e;
	struct stat st;
	unsigned n;
	int fd;

	if (fstat(file, &st) < 0)
		return -1;
	if (fgetxattr(file, NOTE, &n, sizeof(n)) == sizeof(n)) {
		fd = open_if_of(n, &st, path);
		if (fd >= 0)
			return fd;
	}
	dir = opendir("/sys/block");
	while (dir && (e = readdir(dir))) {
		if (sscanf(e->d_name, "loop%u", &n) != 1)
			continue;
		fd = open_if_of(n, &st, path);
		if (fd >= 0)
			return fd;
	}
	return -1;
}

bool loop_is_of(const char *name, dev_t device)
{
	struct loop_info64 info;
	char path[LOOP_PATH];
	AUTO(fd) int fd = -1;
	unsigned n;

	if (sscanf(name, "loop%u", &n) != 1)
		return false;
	fd = open_loop(n, O_RDONLY, path);
	return fd >= 0 && ioctl(fd, LOOP_GET_STATUS64, &info) == 0 && info.lo_device == device;
}

/* loop(4). Autoclear: the device is free again when nobody has it open or mounted. */
int loop_attach(int file, char path[LOOP_PATH], struct error *err)
{
	AUTO(fd) int control = -1;
	struct loop_config config = {
		.block_size = LOOP_BLOCK,
		.info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO,
	};
	int fd = loop_find(file, path);
	AUTO(fd) int own = -1;
	char again[32];

	if (fd >= 0)
		return fd;
	/* The device keeps what it is given, and with that a lock that the caller has on its descriptor. */
	snprintf(again, sizeof(again), "/proc/self/fd/%d", file);
	own = open(again, O_RDWR | O_CLOEXEC);
	if (own < 0)
		return fail_errno(err, "open a file for a loop device");
	config.fd = (uint32_t)own;
	control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	if (control < 0)
		return fail_errno(err, "open /dev/loop-control");
	for (int i = 0; i < LOOP_TRIES; i++) {
		int n = ioctl(control, LOOP_CTL_GET_FREE);
		AUTO(fd) int loop = -1;

		if (n < 0)
			return fail_errno(err, "find a free loop device");
		loop = open_loop((unsigned)n, O_RDWR, path);
		if (loop < 0)
			return fail_errno(err, "open %s", path);
		if (ioctl(loop, LOOP_CONFIGURE, &config) == 0) {
			/* Without it the device is found all the same. */
			(void)fsetxattr(own, NOTE, &n, sizeof(n), 0);
			return TAKE_FD(loop);
		}
		if (errno != EBUSY) /* else somebody was faster, or still has it */
			return fail_errno(err, "attach a file to %s", path);
		usleep(LOOP_PAUSE);
	}
	return fail(err, ERROR_HOST, "no loop device stays free");
}

int loop_resize(int fd, struct error *err)
{
	return ioctl(fd, LOOP_SET_CAPACITY, 0) < 0 ? fail_errno(err, "grow a loop device") : 0;
}
