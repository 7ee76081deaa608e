#include "tests/live/volumes.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/process.h"
#include "runtime/driver.h"
#include "runtime/loop.h"
#include "runtime/volume.h"

#define PIECE 65536

struct error err;
char scratch[64], pool[128];
bool on_btrfs;

static struct opened {
	int fd; /* 0: none */
	dev_t dev;
	ino_t ino;
} ring[2];
static unsigned turn;

void volumes_begin(const char *noun)
{
	if (geteuid() != 0)
		cr_skip_test("needs root");
	cr_assert_eq(unshare(CLONE_NEWNS), 0);
	cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	snprintf(scratch, sizeof(scratch), "/var/tmp/orch-%s-XXXXXX", noun);
	cr_assert_not_null(mkdtemp(scratch));
	snprintf(pool, sizeof(pool), "%s/pool", scratch);
}

void volumes_end(void)
{
	volumes_release();
	(void)pool_close(pool, &err);
	if (on_btrfs)
		(void)umount2(pool, MNT_DETACH);
	(void)file_remove(AT_FDCWD, scratch, &err);
}

void volumes_skip(const char *why)
{
	volumes_end();
	cr_skip_test("%s", why);
}

static void swallow(void *ctx, const char *line)
{
	(void)ctx;
	(void)line;
}

bool disk_make(const char *type, const char *path, unsigned mib, const char *option)
{
	char image[128], device[LOOP_PATH];
	/* The loop device's blocks are of that size. */
	const char *const xfs[] = { "mkfs.xfs", "-f",	"-q",  "-s", "size=4096",
				    "-m",	option, image, NULL };
	const char *const ext4[] = { "mkfs.ext4", "-F", "-q", "-m", option, image, NULL };
	const char *const btrfs[] = { "mkfs.btrfs", "-f", "-q", image, NULL };
	const char *const *argv = !strcmp(type, "xfs") ? xfs : !strcmp(type, "ext4") ? ext4 : btrfs;
	const struct process_spec spec = { .argv = argv, .line = swallow };
	AUTO(fd) int fd = -1;
	AUTO(fd) int loop = -1;

	snprintf(image, sizeof(image), "%s/disk.img", scratch);
	fd = open(image, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	cr_assert_eq(ftruncate(fd, (off_t)mib * MIB), 0);
	if (process_run(&spec, &err) < 0)
		return false;
	cr_assert(mkdir(path, 0755) == 0 || errno == EEXIST);
	loop = loop_attach(fd, device, &err);
	cr_assert_geq(loop, 0, "%s", err.text);
	cr_assert_eq(mount(device, path, type, 0, NULL), 0, "%s", strerror(errno));
	return true;
}

void pool_of_btrfs(unsigned mib)
{
	if (!disk_make("btrfs", pool, mib, NULL))
		volumes_skip("no mkfs.btrfs");
	on_btrfs = true;
	OK(driver_of(pool)->prepare(pool, &err));
}

/* The same one is never opened twice: names in it can be linked and renamed. */
static int remember(int fd, const struct stat *st)
{
	struct opened *o = &ring[turn++ % ARRAY_SIZE(ring)];

	if (o->fd > 0)
		close(o->fd);
	*o = (struct opened){ fd, st->st_dev, st->st_ino };
	return fd;
}

static int known(const struct stat *st)
{
	for (size_t i = 0; i < ARRAY_SIZE(ring); i++)
		if (ring[i].fd > 0 && ring[i].dev == st->st_dev && ring[i].ino == st->st_ino)
			return ring[i].fd;
	return -1;
}

/* Of the volume itself, an image or a folder: no other has the same while it is open. */
static void identify(const char *name, struct stat *st)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", pool, name);
	cr_assert_eq(lstat(path, st), 0, "no volume %s", name);
}

const char *at(const char *path)
{
	static char text[4][512];
	static unsigned next;
	const char *slash = strchr(path, '/');
	char name[256], *out = text[next++ % ARRAY_SIZE(text)];
	struct stat st;
	int fd;

	slash = slash ? strchr(slash + 1, '/') : NULL;
	snprintf(name, sizeof(name), "%.*s", slash ? (int)(slash - path) : (int)strlen(path), path);
	identify(name, &st);
	fd = known(&st);
	if (fd < 0) {
		fd = volume_open(pool, name, &err);
		cr_assert_geq(fd, 0, "%s", err.text);
		remember(fd, &st);
	}
	snprintf(out, sizeof(text[0]), "/proc/self/fd/%d/%s", fd, slash ? slash + 1 : ".");
	return out;
}

int ensure(const char *name, uint64_t limit)
{
	struct stat st;
	int top;

	if (volume_ensure(pool, name, 0, 0, limit, &top, &err) < 0)
		return -1;
	identify(name, &st);
	if (known(&st) < 0)
		remember(top, &st);
	else
		close(top);
	return 0;
}

void volumes_release(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(ring); i++) {
		if (ring[i].fd > 0)
			close(ring[i].fd);
		ring[i].fd = 0;
	}
}

/* In place: the file stays the same one. */
void put(const char *path, const char *text)
{
	AUTO(fd) int fd = open(at(path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	cr_assert_geq(fd, 0, "%s: %s", path, strerror(errno));
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

void holds(const char *path, const char *text)
{
	char got[64] = "";
	AUTO(fd) int fd = open(at(path), O_RDONLY | O_CLOEXEC);

	cr_assert_geq(fd, 0, "%s: %s", path, strerror(errno));
	cr_assert_geq(read(fd, got, sizeof(got) - 1), 0);
	cr_assert_str_eq(got, text);
}

int rewrite(const char *path, int n)
{
	static char piece[PIECE];
	AUTO(fd) int fd = open(at(path), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		return errno;
	for (int i = 0; i < n * (MIB / PIECE); i++) {
		for (size_t j = 0; j < sizeof(piece); j += 4)
			memcpy(piece + j, &(int){ rand() }, 4);
		/* A short write is the last that fits. */
		for (size_t done = 0; done < sizeof(piece);) {
			ssize_t got = pwrite(fd, piece + done, sizeof(piece) - done,
					     (off_t)i * PIECE + (off_t)done);

			if (got <= 0)
				return errno;
			done += (size_t)got;
		}
	}
	return fsync(fd) < 0 ? errno : 0;
}

int beyond_limit(void)
{
	return on_btrfs ? EDQUOT : ENOSPC;
}

bool may_grow(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	cr_assert_eq(syscall(SYS_capget, &head, data), 0);
	return on_btrfs ||
		(data[CAP_TO_INDEX(CAP_SYS_RESOURCE)].effective & CAP_TO_MASK(CAP_SYS_RESOURCE));
}

size_t loops(void)
{
	char command[160], text[32] = "";
	FILE *f;

	snprintf(command, sizeof(command),
		 "cat /sys/block/loop*/loop/backing_file 2>/dev/null | grep -c %s", scratch);
	f = popen(command, "r");
	cr_assert_not_null(f);
	(void)!fgets(text, sizeof(text), f);
	pclose(f);
	return strtoul(text, NULL, 10);
}

void expect_loops(size_t n)
{
	for (int i = 0; i < 500 && loops() != n; i++)
		usleep(10000);
	cr_assert_eq(loops(), n, "%zu loop devices, not %zu", loops(), n);
}
