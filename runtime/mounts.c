#include "runtime/mounts.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"

#define TMPFS_MAGIC 0x01021994 /* statfs(2) */

int mounts_set(int tree, int userns, unsigned flags, struct error *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_NOSUID };

	if (!(flags & MOUNTS_WRITABLE))
		attr.attr_set |= MOUNT_ATTR_RDONLY;
	if (!(flags & MOUNTS_DEVICES))
		attr.attr_set |= MOUNT_ATTR_NODEV;
	else
		attr.attr_clr |= MOUNT_ATTR_NODEV;
	if (flags & MOUNTS_NOEXEC)
		attr.attr_set |= MOUNT_ATTR_NOEXEC;
	if (userns >= 0) {
		attr.attr_set |= MOUNT_ATTR_IDMAP;
		attr.userns_fd = (unsigned)userns;
	}
	if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return fail_errno(err, "id-map a mount");
	return 0;
}

int mounts_clone(const char *path, int userns, unsigned flags, int *tree, struct error *err)
{
	AUTO(fd)
	int fd = (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (fd < 0)
		return fail_errno(err, "clone mount %s", path);
	if (mounts_set(fd, userns, flags, err) < 0)
		return fail_in(err, "%s", path);
	*tree = TAKE_FD(fd);
	return 0;
}

static int set_number(int fs, const char *key, bool octal, unsigned long long value)
{
	char text[32];

	snprintf(text, sizeof(text), octal ? "%llo" : "%llu", value);
	return (int)syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, key, text, 0);
}

int mounts_tmpfs(uint64_t size, uint32_t owner, unsigned mode, int *tree, struct error *err)
{
	AUTO(fd) int fs = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
	int fd;

	if (fs < 0 || set_number(fs, "size", false, size) < 0 ||
	    set_number(fs, "uid", false, owner) < 0 || set_number(fs, "gid", false, owner) < 0 ||
	    set_number(fs, "mode", true, mode) < 0 ||
	    syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return fail_errno(err, "new tmpfs");
	fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	if (fd < 0)
		return fail_errno(err, "mount tmpfs");
	*tree = fd;
	return 0;
}

int mounts_put_folder(int tree, const char *path, uint32_t uid, uint32_t gid, unsigned mode,
		      struct error *err)
{
	if (mkdirat(tree, path, mode) < 0 && errno != EEXIST)
		return fail_errno(err, "make folder %s", path);
	if (fchownat(tree, path, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fchmodat(tree, path, mode, 0) < 0)
		return fail_errno(err, "set owner of %s", path);
	return 0;
}

int mounts_put_file(int tree, const char *path, const void *data, size_t size, uint32_t uid,
		    uint32_t gid, unsigned mode, struct error *err)
{
	AUTO(fd)
	int fd = openat(tree, path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);

	if (fd < 0)
		return fail_errno(err, "create %s", path);
	if (TEMP_FAILURE_RETRY(write(fd, data, size)) != (ssize_t)size ||
	    fchown(fd, uid, gid) < 0 || fchmod(fd, mode) < 0)
		return fail_errno(err, "write %s", path);
	return 0;
}

/* Numbers from the kernel's admin-guide/devices.txt. */
static const struct {
	const char *name;
	unsigned major, minor;
} nodes[] = { { "null", 1, 3 },	  { "zero", 1, 5 },    { "full", 1, 7 },
	      { "random", 1, 8 }, { "urandom", 1, 9 }, { "tty", 5, 0 } };

static const struct {
	const char *name, *target;
} links[] = { { "fd", "/proc/self/fd" },
	      { "stdin", "/proc/self/fd/0" },
	      { "stdout", "/proc/self/fd/1" },
	      { "stderr", "/proc/self/fd/2" },
	      { "ptmx", "pts/ptmx" } };

static const char *const folders[] = { "pts", "shm", "mqueue" };

static int fill_dev(int dev, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++)
		if (mknodat(dev, nodes[i].name, S_IFCHR | 0666,
			    makedev(nodes[i].major, nodes[i].minor)) < 0 ||
		    fchmodat(dev, nodes[i].name, 0666, 0) < 0)
			return fail_errno(err, "make device %s", nodes[i].name);
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (symlinkat(links[i].target, dev, links[i].name) < 0)
			return fail_errno(err, "link %s", links[i].name);
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (mkdirat(dev, folders[i], 0755) < 0)
			return fail_errno(err, "make folder %s", folders[i]);
	return 0;
}

static bool is_mounted(const char *path)
{
	struct statfs fs;
	struct statx st;

	/* statx(2): the root of a mount says so. */
	return statfs(path, &fs) == 0 && fs.f_type == TMPFS_MAGIC &&
		statx(AT_FDCWD, path, 0, STATX_TYPE, &st) == 0 &&
		(st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

/* Filled while nobody can see it, then attached: there is never half a template. */
int mounts_ensure_dev(const char *path, struct error *err)
{
	AUTO(fd) int fs = -1;
	AUTO(fd) int dev = -1;

	if (is_mounted(path))
		return 0;
	fs = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
	if (fs < 0 || set_number(fs, "size", false, 65536) < 0 ||
	    set_number(fs, "mode", true, 0755) < 0 ||
	    syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return fail_errno(err, "new tmpfs for /dev");
	dev = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	if (dev < 0)
		return fail_errno(err, "mount tmpfs for /dev");
	if (fill_dev(dev, err) < 0)
		return -1;
	if (syscall(SYS_move_mount, dev, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return fail_errno(err, "attach %s", path);
	return 0;
}

int mounts_ensure_no_dev(const char *path, struct error *err)
{
	while (is_mounted(path))
		if (umount2(path, MNT_DETACH) < 0)
			return fail_errno(err, "unmount %s", path);
	return 0;
}
