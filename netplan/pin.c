/*
 * pin.c - namespaces kept alive by a bind mount, as `ip netns` does; see links.h
 */
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "base/auto.h"
#include "base/error.h"
#include "netplan/links.h"

int links_open_pinned(const char *path, int *netns, struct error *err)
{
	AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct statfs fs;

	if (fd < 0)
		return errno == ENOENT ? LINKS_ABSENT : fail_errno(err, "open %s", path);
	if (fstatfs(fd, &fs) < 0)
		return fail_errno(err, "look at %s", path);
	/* The empty file that a pin is mounted on: a crash came first, or a reboot after. */
	if (fs.f_type != NSFS_MAGIC)
		return LINKS_ABSENT;
	if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET) /* ioctl_ns(2) */
		return fail(err, ERROR_SYSTEM, "%s is no network namespace", path);
	*netns = TAKE_FD(fd);
	return 0;
}

static bool same_file(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
		x.st_ino == y.st_ino;
}

int links_pin(int netns, const char *path, struct error *err)
{
	AUTO(fd) int pinned = -1;
	AUTO(fd) int file = -1;
	char from[32];

	if (links_open_pinned(path, &pinned, err) < 0)
		return -1;
	if (pinned >= 0 && same_file(pinned, netns))
		return 0;
	if (pinned >= 0 && links_unpin(path, err) < 0)
		return -1;
	file = open(path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (file < 0)
		return fail_errno(err, "make %s", path);
	snprintf(from, sizeof(from), "/proc/self/fd/%d", netns);
	if (mount(from, path, NULL, MS_BIND, NULL) < 0)
		return fail_errno(err, "pin a namespace to %s", path);
	return 0;
}

int links_unpin(const char *path, struct error *err)
{
	/* More than one when two processes pinned at once; EINVAL: nothing is mounted there (any more). */
	while (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		;
	if (errno != EINVAL && errno != ENOENT)
		return fail_errno(err, "unpin %s", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return fail_errno(err, "remove %s", path);
	return 0;
}
