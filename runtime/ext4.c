#include "runtime/ext4.h"

#include <dirent.h>
#include <endian.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/process.h"
#include "runtime/loop.h"

#define MIB (UINT64_C(1) << 20)
#define BLOCK 4096
#define SIZE_MIN (1024 * MIB) /* it is sparse: a small limit may be raised far */
#define INODE_SIZE "256"
#define PER_INODE "8192"

/* Documentation/filesystems/ext4: "The Super Block" and "Block Group Descriptors", offsets in bytes. */
#define SUPER 1024
#define SUPER_SIZE 1024
#define S_BLOCKS_LO 0x4
#define S_BLOCKS_PER_GROUP 0x20
#define S_MAGIC 0x38
#define S_DESC_SIZE 0xFE
#define S_BLOCKS_HI 0x150
#define S_OVERHEAD 0x248
#define MAGIC 0xEF53
#define BG_FREE_BLOCKS_LO 0xC
#define BG_FREE_BLOCKS_HI 0x2C

#define EXT4_IOC_RESIZE_FS _IOW('f', 16, uint64_t) /* fs/ext4/ext4.h; blocks */

/* Blocks that the kernel keeps for itself of what is held back: ext4_calculate_resv_clusters(). */
#define RESERVED_MIN 256

static uint64_t journal_mib(uint64_t limit)
{
	return limit < 128 * MIB ? 8 : limit < 1024 * MIB ? 32 : 64;
}

/*
 * With its journal, its tables of inodes (INODE_SIZE for each PER_INODE bytes) and of groups, and a little for folders; and
 * all but the journal once again: the limit may be raised so far without growing the file system.
 */
static uint64_t size_for(uint64_t limit)
{
	uint64_t size = 2 * (limit + limit / 24) + (journal_mib(limit) + 8) * MIB;

	return size < SIZE_MIN ? SIZE_MIN : (size + MIB - 1) / MIB * MIB;
}

static void swallow(void *ctx, const char *line)
{
	(void)ctx;
	(void)line;
}

/* The file is all zeros: neither inode tables nor journal have to be written. No folder for what a check might find: it is the user's. */
static int make(int folder, const char *leaf, uint64_t limit, struct error *err)
{
	char where[64], journal[32], file[NAME_MAX + 3];
	const char *const argv[] = { "mke2fs",
				     "-t",
				     "ext4",
				     "-q",
				     "-F",
				     "-b",
				     "4096",
				     "-m",
				     "0",
				     "-I",
				     INODE_SIZE,
				     "-i",
				     PER_INODE,
				     "-J",
				     journal,
				     "-E",
				     "assume_storage_prezeroed=1,nodiscard",
				     file,
				     NULL };
	const struct process_spec spec = { .argv = argv, .folder = where, .line = swallow };

	snprintf(where, sizeof(where), "/proc/%d/fd/%d", getpid(), folder);
	snprintf(journal, sizeof(journal), "size=%llu", (unsigned long long)journal_mib(limit));
	snprintf(file, sizeof(file), "./%s", leaf);
	return process_run(&spec, err);
}

int ext4_format(int folder, const char *leaf, uint64_t limit, struct error *err)
{
	AUTO(fd)
	int image = openat(folder, leaf, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	AUTO(fd) int tree = -1;

	if (image < 0)
		return fail_errno(err, "create an image");
	if (ftruncate(image, (off_t)size_for(limit)) < 0)
		return fail_errno(err, "set the size of an image");
	if (make(folder, leaf, limit, err) < 0)
		return -1;
	tree = ext4_mount(image, false, err);
	if (tree < 0)
		return -1;
	return unlinkat(tree, "lost+found", AT_REMOVEDIR) < 0 ? fail_errno(err, "empty an image")
							      : TAKE_FD(tree);
}

/* By fsopen(2): nothing of the host's mounts changes, and nothing is left when whoever has it is killed. */
int ext4_mount(int image, bool read_only, struct error *err)
{
	char device[LOOP_PATH];
	AUTO(fd) int loop = loop_attach(image, device, err);
	AUTO(fd) int fs = -1;
	int tree;

	if (loop < 0)
		return -1;
	fs = (int)syscall(SYS_fsopen, "ext4", FSOPEN_CLOEXEC);
	if (fs < 0 || syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "source", device, 0) < 0 ||
	    syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "errors", "remount-ro", 0) < 0 ||
	    (read_only && syscall(SYS_fsconfig, fs, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0) ||
	    syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return fail_errno(err, "mount an image");
	tree = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC,
			    MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOATIME |
				    (read_only ? MOUNT_ATTR_RDONLY : 0));
	return tree < 0 ? fail_errno(err, "mount an image") : tree;
}

bool ext4_mounted(int image)
{
	char device[LOOP_PATH];
	AUTO(fd) int loop = loop_find(image, device);

	return loop >= 0;
}

static int grow(int image, int top, uint64_t size, struct error *err)
{
	uint64_t blocks = size / BLOCK;
	char device[LOOP_PATH];
	AUTO(fd) int loop = loop_find(image, device);
	struct stat st;

	if (loop < 0 || fstat(image, &st) < 0)
		return fail_errno(err, "look at an image");
	if ((uint64_t)st.st_size < size && ftruncate(image, (off_t)size) < 0)
		return fail_errno(err, "set the size of an image");
	if (loop_resize(loop, err) < 0)
		return -1;
	/* While it is mounted; that takes CAP_SYS_RESOURCE, which root has nearly everywhere. */
	return ioctl(top, EXT4_IOC_RESIZE_FS, &blocks) < 0
		? fail_errno(err, "grow it to more than twice what it was made for")
		: 0;
}

/*
 * /sys/fs/ext4/DEVICE/reserved_clusters (Documentation/ABI/testing/sysfs-fs-ext4): what nobody's files get, root's neither. So a limit
 * can become smaller while the file system is in use, which otherwise can't.
 */
static int reserve(int top, uint64_t blocks, struct error *err)
{
	char path[PATH_MAX], device[PATH_MAX], text[32];
	AUTO(fd) int fd = -1;
	uint64_t now = 0;
	struct stat st;
	ssize_t len;
	int n;

	if (fstat(top, &st) < 0)
		return fail_errno(err, "look at a volume");
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major(st.st_dev), minor(st.st_dev));
	len = readlink(path, device, sizeof(device) - 1);
	device[len < 0 ? 0 : len] = '\0';
	snprintf(path, sizeof(path), "/sys/fs/ext4/%s/reserved_clusters", basename(device));
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, "open %s", path);
	if (read(fd, text, sizeof(text) - 1) > 0 &&
	    sscanf(text, "%llu", (unsigned long long *)&now) == 1 && now == blocks)
		return 0;
	n = snprintf(text, sizeof(text), "%llu", (unsigned long long)blocks);
	return pwrite(fd, text, (size_t)n, 0) < 0 ? fail_errno(err, "write %s", path) : 0;
}

/* /sys/fs/ext4/DEVICE/delayed_allocation_blocks */
uint64_t ext4_unwritten(int folder)
{
	AUTO(dir) DIR *dir = opendir("/sys/fs/ext4");
	const struct dirent *e;
	uint64_t blocks = 0, n;
	struct stat st;

	while (dir && fstat(folder, &st) == 0 && (e = readdir(dir))) {
		char path[NAME_MAX + 32], text[32] = "";
		AUTO(fd) int fd = -1;

		snprintf(path, sizeof(path), "%s/delayed_allocation_blocks", e->d_name);
		fd = openat(dirfd(dir), path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
			continue;
		n = strtoull(text, NULL, 10);
		if (n && loop_is_of(e->d_name, st.st_dev))
			blocks += n;
	}
	return blocks * BLOCK;
}

int ext4_limit(int image, int top, uint64_t limit, uint64_t room, uint64_t *used, struct error *err)
{
	struct statvfs fs;
	uint64_t held = RESERVED_MIN, all, taken;

	if (fstatvfs(top, &fs) < 0)
		return fail_errno(err, "look at a volume");
	if (limit && fs.f_blocks * fs.f_frsize < limit) {
		if (grow(image, top, size_for(limit), err) < 0)
			return -1;
		if (fstatvfs(top, &fs) < 0)
			return fail_errno(err, "look at a volume");
	}
	all = fs.f_blocks;
	taken = fs.f_blocks - fs.f_bfree;
	*used = taken * fs.f_frsize;
	if (limit && all > limit / fs.f_frsize + held)
		held = all - limit / fs.f_frsize;
	if (fs.f_bfree > room / fs.f_frsize + held)
		held = fs.f_bfree - room / fs.f_frsize;
	return reserve(top, held, err);
}

static uint32_t number(const unsigned char *at, size_t size)
{
	uint32_t value = 0;

	memcpy(&value, at, size);
	return le32toh(value);
}

/* The super block's own count of free blocks is written now and then only; those of the groups with each sync. */
int ext4_used(int image, uint64_t *used, struct error *err)
{
	unsigned char super[SUPER_SIZE], groups[BLOCK];
	uint64_t blocks, free = 0, done = 0;
	size_t per_group, size, at = sizeof(groups);
	off_t from = BLOCK;

	*used = 0;
	if (pread(image, super, sizeof(super), SUPER) != (ssize_t)sizeof(super) ||
	    number(super + S_MAGIC, 2) != MAGIC)
		return fail(err, ERROR_SYSTEM, "no ext4 is in it");
	blocks = number(super + S_BLOCKS_LO, 4) | (uint64_t)number(super + S_BLOCKS_HI, 4) << 32;
	per_group = number(super + S_BLOCKS_PER_GROUP, 4);
	size = number(super + S_DESC_SIZE, 2);
	if (size < BG_FREE_BLOCKS_HI + 2 || BLOCK % size || !per_group)
		return fail(err, ERROR_SYSTEM, "its ext4 isn't one that orch makes");
	for (; done < blocks; done += per_group, at += size) {
		if (at == sizeof(groups)) {
			if (pread(image, groups, sizeof(groups), from) != (ssize_t)sizeof(groups))
				return fail_errno(err, "read an image");
			from += BLOCK;
			at = 0;
		}
		free += number(groups + at + BG_FREE_BLOCKS_LO, 2) |
			number(groups + at + BG_FREE_BLOCKS_HI, 2) << 16;
	}
	free += number(super + S_OVERHEAD, 4);
	*used = blocks > free ? (blocks - free) * BLOCK : 0;
	return 0;
}
