/*
 * A pool in a file of a scratch folder, mounted in a private mount namespace; its loop device goes
 * with the mount.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "runtime/volume.h"

#define MIB (1024 * 1024)
#define SIZE (512ull * MIB)

static struct error err;
static char scratch[] = "/var/tmp/orch-volume-XXXXXX", pool[64];

#define OK(call) cr_assert_eq((call), 0, "%s", err.text)
#define FAILS(call, what)                                     \
	do {                                                  \
		err.kind = ERROR_NONE;                        \
		cr_assert_eq((call), -1);                     \
		cr_assert_eq(err.kind, what, "%s", err.text); \
	} while (0)

static void begin(void)
{
	if (geteuid() != 0)
		cr_skip_test("needs root");
	cr_assert_eq(unshare(CLONE_NEWNS), 0);
	cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	cr_assert_not_null(mkdtemp(scratch));
	snprintf(pool, sizeof(pool), "%s/pool", scratch);
	OK(pool_ensure(pool, SIZE, &err));
}

static void end(void)
{
	(void)pool_close(pool, &err);
	(void)file_remove(AT_FDCWD, scratch, &err);
}

TestSuite(volume, .init = begin, .fini = end, .timeout = 60);

static const char *at(const char *path)
{
	static char full[256];

	snprintf(full, sizeof(full), "%s/%s", pool, path);
	return full;
}

static void put(const char *path, const char *text)
{
	OK(file_write(AT_FDCWD, at(path), text, strlen(text), 0644, false, &err));
}

static void holds(const char *path, const char *text)
{
	char got[64] = "";
	AUTO(fd) int fd = open(at(path), O_RDONLY | O_CLOEXEC);

	cr_assert_geq(fd, 0, "%s", path);
	cr_assert_geq(read(fd, got, sizeof(got) - 1), 0);
	cr_assert_str_eq(got, text);
}

/* Bytes that could be written, at most max. */
static size_t fill(const char *path, size_t max)
{
	static char block[MIB];
	AUTO(fd) int fd = open(at(path), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	size_t n = 0;
	ssize_t got = 1;

	cr_assert_geq(fd, 0);
	memset(block, 'x', sizeof(block));
	while (n < max && got > 0) {
		got = write(fd, block, sizeof(block));
		n += got > 0 ? (size_t)got : 0;
	}
	if (n < max)
		cr_assert_eq(errno, EDQUOT, "%s", strerror(errno));
	(void)fsync(fd);
	return n;
}

static void sync_pool(void)
{
	AUTO(fd) int fd = open(pool, O_RDONLY | O_CLOEXEC);

	cr_assert_eq(syncfs(fd), 0);
}

static size_t loops(void)
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

Test(volume, pool_keeps_data_and_lets_go_of_its_device)
{
	struct stat st;
	char image[80];

	snprintf(image, sizeof(image), "%s.img", pool);
	cr_assert(pool_mounted(pool));
	cr_assert_eq(stat(image, &st), 0);
	cr_assert_eq((unsigned long long)st.st_size, SIZE);
	cr_assert_lt((unsigned long long)st.st_blocks * 512, SIZE / 4, "not sparse");
	OK(pool_ensure(pool, SIZE, &err));
	cr_assert_eq(loops(), 1);
	OK(volume_ensure(pool, "main/db", 0, 0, 0, &err));
	put("main/db/f", "kept");

	OK(pool_close(pool, &err));
	OK(pool_close(pool, &err));
	cr_assert_not(pool_mounted(pool));
	cr_assert_not(volume_exists(pool, "main/db"));
	for (int i = 0; i < 200 && loops() > 0; i++)
		usleep(10000);
	cr_assert_eq(loops(), 0);

	OK(pool_ensure(pool, SIZE, &err));
	holds("main/db/f", "kept");
}

Test(volume, busy_pool_is_not_closed)
{
	AUTO(fd) int fd = open(pool, O_RDONLY | O_CLOEXEC);

	cr_assert_geq(fd, 0);
	cr_assert_eq(pool_close(pool, &err), -1);
	cr_assert_eq(err.errnum, EBUSY);
	cr_assert(pool_mounted(pool));
}

/* As when a container of another mount namespace still has a volume. */
Test(volume, pool_held_elsewhere_is_opened_through_the_same_device)
{
	char held[80];

	OK(volume_ensure(pool, "main/db", 0, 0, 0, &err));
	snprintf(held, sizeof(held), "%s/held", scratch);
	cr_assert_eq(mkdir(held, 0700), 0);
	cr_assert_eq(mount(at("main/db"), held, NULL, MS_BIND, NULL), 0);
	OK(pool_close(pool, &err));
	OK(pool_ensure(pool, SIZE, &err));
	cr_assert_eq(loops(), 1);
	put("main/db/f", "same");
	strcat(held, "/f");
	cr_assert_eq(access(held, F_OK), 0);
	*strrchr(held, '/') = '\0';
	cr_assert_eq(umount2(held, 0), 0);
}

Test(volume, belongs_to_its_user)
{
	struct stat st;

	cr_assert_not(volume_exists(pool, "main/db"));
	OK(volume_ensure(pool, "main/db", 70, 71, 0, &err));
	cr_assert(volume_exists(pool, "main/db"));
	cr_assert_eq(stat(at("main/db"), &st), 0);
	cr_assert_eq(st.st_uid, 70);
	cr_assert_eq(st.st_gid, 71);
	cr_assert_eq(st.st_mode & 07777, 0755);
	OK(volume_ensure(pool, "main/db", 1, 1, 0, &err));
	cr_assert_eq(stat(at("main/db"), &st), 0);
	cr_assert_eq(st.st_uid, 70);
	cr_assert_eq(stat(pool, &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0700);
}

Test(volume, stops_at_its_limit)
{
	struct volume_usage usage;

	OK(volume_ensure(pool, "main/db", 0, 0, 16 * MIB, &err));
	cr_assert_leq(fill("main/db/a", 32 * MIB), 16 * MIB);
	sync_pool();
	OK(volume_usage(pool, "main/db", &usage, &err));
	cr_assert_eq(usage.limit, 16 * MIB);
	cr_assert_gt(usage.referenced, 8 * MIB);
	cr_assert_gt(usage.exclusive, 8 * MIB);
	cr_assert_leq(usage.referenced, 16 * MIB);

	OK(volume_ensure(pool, "main/db", 0, 0, 64 * MIB, &err));
	cr_assert_eq(fill("main/db/b", 24 * MIB), 24 * MIB);
	OK(volume_ensure(pool, "main/db", 0, 0, 0, &err));
	cr_assert_eq(fill("main/db/c", 48 * MIB), 48 * MIB);
	sync_pool();
	OK(volume_usage(pool, "main/db", &usage, &err));
	cr_assert_eq(usage.limit, 0);
}

Test(volume, snapshot_is_another_volume)
{
	OK(volume_ensure(pool, "main/db", 0, 0, 0, &err));
	put("main/db/f", "one");
	OK(volume_snapshot(pool, "main/db", "test/db", false, &err));
	put("main/db/f", "two");
	holds("test/db/f", "one");
	put("test/db/f", "three");
	holds("main/db/f", "two");
	FAILS(volume_snapshot(pool, "main/db", "test/db", false, &err), ERROR_CONFLICT);
	FAILS(volume_snapshot(pool, "main/no", "test/no", false, &err), ERROR_ABSENT);
	cr_assert_not(volume_exists(pool, "test/no"));
}

Test(volume, read_only_snapshot_can_be_restored)
{
	OK(volume_ensure(pool, "main/db", 0, 0, 0, &err));
	put("main/db/f", "one");
	OK(volume_snapshot(pool, "main/db", "safe/db", true, &err));
	cr_assert_eq(open(at("safe/db/f"), O_WRONLY | O_CLOEXEC), -1);
	cr_assert_eq(errno, EROFS);
	OK(volume_ensure_no(pool, "main/db", &err));
	OK(volume_snapshot(pool, "safe/db", "main/db", false, &err));
	put("main/db/f", "two");
	OK(volume_ensure_no(pool, "safe/db", &err));
	holds("main/db/f", "two");
}

Test(volume, goes_with_all_in_it)
{
	struct btrfs_ioctl_vol_args inner = { .name = "inner" };
	AUTO(fd) int fd = -1;

	OK(volume_ensure_no(pool, "main/db", &err));
	OK(volume_ensure(pool, "main/db", 0, 0, 0, &err));
	OK(volume_ensure(pool, "main/log", 0, 0, 0, &err));
	cr_assert_eq(mkdir(at("main/db/d"), 0755), 0);
	fd = open(at("main/db/d"), O_RDONLY | O_CLOEXEC);
	cr_assert_eq(ioctl(fd, BTRFS_IOC_SUBVOL_CREATE, &inner), 0);
	close(fd);
	fd = open(at("main/db/d/inner"), O_RDONLY | O_CLOEXEC);
	cr_assert_eq(ioctl(fd, BTRFS_IOC_SUBVOL_CREATE, &inner), 0);
	put("main/db/d/inner/inner/f", "deep");

	OK(volume_ensure_no(pool, "main/db", &err));
	cr_assert_not(volume_exists(pool, "main/db"));
	cr_assert(volume_exists(pool, "main/log"));
	OK(volume_ensure_no(pool, "main/log", &err));
	OK(volume_ensure_no(pool, "main/log", &err));
	cr_assert_eq(access(at("main"), F_OK), -1, "the environment's folder stays");
}

Test(volume, moves_to_the_trash_and_back)
{
	OK(volume_ensure(pool, "main/db", 5, 5, 0, &err));
	put("main/db/f", "one");
	OK(volume_move(pool, "main/db", "trash/main-db-1", &err));
	cr_assert_not(volume_exists(pool, "main/db"));
	OK(volume_ensure(pool, "main/db", 0, 0, 0, &err));
	cr_assert_eq(volume_move(pool, "trash/main-db-1", "main/db", &err), -1);
	cr_assert_eq(err.errnum, EEXIST);
	OK(volume_ensure_no(pool, "main/db", &err));
	OK(volume_move(pool, "trash/main-db-1", "main/db", &err));
	holds("main/db/f", "one");
	FAILS(volume_move(pool, "trash/main-db-1", "x", &err), ERROR_ABSENT);
}

Test(volume, refuses_names_that_lead_elsewhere)
{
	static const char *const bad[] = {
		"", "/", "a/", "/a", "..", "../a", "a/..", "a/b/c", ".a"
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		FAILS(volume_ensure(pool, bad[i], 0, 0, 0, &err), ERROR_INPUT);
}
