/*
 * A pool in a file of a scratch folder, mounted in a private mount namespace; its loop device goes
 * with the mount. And, where that is the same, a pool on btrfs.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/file.h"
#include "base/process.h"
#include "runtime/pool.h"
#include "runtime/volume.h"
#include "tests/live/volumes.h"

#define SIZE (512ull * MIB)

static void begin(void)
{
	volumes_begin("volume");
	OK(pool_ensure(pool, SIZE, &err));
}

static void begin_btrfs(void)
{
	volumes_begin("volume");
	pool_of_btrfs(512);
	OK(pool_ensure(pool, SIZE, &err));
}

TestSuite(volume, .init = begin, .fini = volumes_end, .timeout = 120);
TestSuite(volume_btrfs, .init = begin_btrfs, .fini = volumes_end, .timeout = 120);

/* MiB that could be written, at most max. */
static int fill(const char *path, int max)
{
	struct stat st;
	int failed = rewrite(path, max);

	cr_assert(failed == 0 || failed == beyond_limit(), "%s", strerror(failed));
	return stat(at(path), &st) < 0 ? 0 : (int)(st.st_size / MIB);
}

static struct volume_usage usage(const char *name)
{
	AUTO(fd) int fd = open(pool, O_RDONLY | O_CLOEXEC);
	struct volume_usage u = { 0 };

	cr_assert_eq(syncfs(fd), 0);
	OK(volume_usage(pool, name, &u, &err));
	return u;
}

Test(volume, pool_keeps_data_and_lets_go_of_its_device)
{
	struct stat st;
	char image[160];

	snprintf(image, sizeof(image), "%s.img", pool);
	cr_assert(pool_mounted(pool));
	cr_assert_eq(stat(image, &st), 0);
	cr_assert_eq((unsigned long long)st.st_size, SIZE);
	cr_assert_lt((unsigned long long)st.st_blocks * 512, SIZE / 4, "not sparse");
	OK(pool_ensure(pool, SIZE, &err));
	cr_assert_eq(loops(), 1);
	OK(ensure("main/db", 0));
	put("main/db/f", "kept");
	cr_assert_eq(loops(), 2);

	volumes_release();
	expect_loops(1);
	OK(pool_close(pool, &err));
	OK(pool_close(pool, &err));
	cr_assert_not(pool_mounted(pool));
	cr_assert_not(volume_exists(pool, "main/db"));
	expect_loops(0);

	OK(pool_ensure(pool, SIZE, &err));
	holds("main/db/f", "kept");
}

/* A folder of it, or a volume. */
Test(volume, busy_pool_is_not_closed)
{
	int fd = open(pool, O_RDONLY | O_CLOEXEC);

	cr_assert_geq(fd, 0);
	cr_assert_eq(pool_close(pool, &err), -1);
	cr_assert_eq(err.errnum, EBUSY);
	cr_assert(pool_mounted(pool));
	close(fd);

	OK(ensure("main/db", 0));
	cr_assert_eq(pool_close(pool, &err), -1);
	cr_assert_eq(err.errnum, EBUSY);
	put("main/db/f", "still");
	holds("main/db/f", "still");
	volumes_release();
	expect_loops(1);
	OK(pool_close(pool, &err));
}

/* As when something in another mount namespace still has the pool, and a volume. */
Test(volume, pool_held_elsewhere_is_opened_through_the_same_device)
{
	char held[160];
	struct stat a, b;
	int fd;

	OK(ensure("main/db", 0));
	put("main/db/f", "same");
	volumes_release();
	expect_loops(1);
	snprintf(held, sizeof(held), "%s/held", scratch);
	cr_assert_eq(mkdir(held, 0700), 0);
	cr_assert_eq(mount(pool, held, NULL, MS_BIND, NULL), 0);
	OK(pool_close(pool, &err));
	fd = volume_open(held, "main/db", &err);
	cr_assert_geq(fd, 0, "%s", err.text);
	OK(pool_ensure(pool, SIZE, &err));
	holds("main/db/f", "same");
	expect_loops(2);
	cr_assert_eq(fstat(fd, &a), 0);
	cr_assert_eq(stat(at("main/db"), &b), 0);
	cr_assert_eq(a.st_dev, b.st_dev, "one file system, twice");
	close(fd);
	volumes_release();
	expect_loops(1);
	cr_assert_eq(umount2(held, 0), 0);
}

ON_BOTH(volume, belongs_to_its_user)
{
	struct stat st;

	cr_assert_not(volume_exists(pool, "main/db"));
	OK(volume_ensure(pool, "main/db", 70, 71, 0, NULL, &err));
	cr_assert(volume_exists(pool, "main/db"));
	cr_assert_eq(stat(at("main/db"), &st), 0);
	cr_assert_eq(st.st_uid, 70);
	cr_assert_eq(st.st_gid, 71);
	cr_assert_eq(st.st_mode & 07777, 0755);
	OK(volume_ensure(pool, "main/db", 1, 1, 0, NULL, &err));
	cr_assert_eq(stat(at("main/db"), &st), 0);
	cr_assert_eq(st.st_uid, 70);
}

Test(volume, pool_is_roots_alone)
{
	struct stat st;

	cr_assert_eq(stat(pool, &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0700);
	cr_assert_eq(st.st_uid, 0);
}

ON_BOTH(volume, is_empty_at_first)
{
	AUTO(arena) struct arena arena = { 0 };
	const char **names;
	size_t n;

	OK(ensure("main/db", 16 * MIB));
	OK(file_list(&arena, at("main/db"), &names, &n, &err));
	cr_assert_eq(n, 0);
	OK(volume_list(&arena, pool, "main", &names, &n, &err));
	cr_assert_eq(n, 1);
	cr_assert_str_eq(names[0], "db");
}

ON_BOTH(volume, stops_at_its_limit)
{
	struct volume_usage u;
	int n;

	OK(ensure("main/db", 16 * MIB));
	n = fill("main/db/a", 32);
	cr_assert(n >= 13 && n <= 16, "%d MiB", n);
	u = usage("main/db");
	cr_assert(u.used > 8 * MIB && u.used <= 16 * MIB);
	cr_assert_gt(u.referenced, 8 * MIB);
	cr_assert_gt(u.exclusive, 8 * MIB);
	/* With the journal, where there is one. */
	cr_assert_leq(u.referenced, (on_btrfs ? 16 : 24) * MIB);

	/* Twice that is within what it was made for. */
	OK(ensure("main/db", 32 * MIB));
	n = fill("main/db/b", 24);
	cr_assert(n >= 13 && n <= 17, "%d MiB", n);
	OK(ensure("main/db", 0));
	cr_assert_eq(fill("main/db/c", 4), 4);
}

/* As the supervisor does, each second or so. */
static uint64_t tend(const char *name, uint64_t limit)
{
	uint64_t used = 0;

	(void)usage(name); /* is committed */
	OK(volume_tend(pool, name, limit, &used, &err));
	return used;
}

ON_BOTH(volume, limit_is_as_it_was_set_last)
{
	OK(ensure("main/db", 64 * MIB));
	cr_assert_eq(fill("main/db/a", 40), 40);
	cr_assert(tend("main/db", 64 * MIB) / MIB - 40 <= 2);
	/* Less than is in it: nothing more, and nothing is lost. */
	tend("main/db", 24 * MIB);
	cr_assert_eq(fill("main/db/b", 4), 0);
	cr_assert_eq(fill("main/db/a", 4), 40);
	cr_assert_eq(unlink(at("main/db/a")), 0);
	tend("main/db", 24 * MIB);
	cr_assert_eq(fill("main/db/b", 20), 20);
	tend("main/db", 24 * MIB);
	cr_assert_lt(fill("main/db/c", 20), 8);
	OK(ensure("main/db", 64 * MIB));
	cr_assert_eq(fill("main/db/d", 32), 32);
}

/* Which has none of its own, nor could be written to. */
ON_BOTH(volume, read_only_snapshot_can_be_tended)
{
	uint64_t used = UINT64_MAX;

	OK(ensure("main/db", 64 * MIB));
	cr_assert_eq(fill("main/db/a", 40), 40);
	OK(volume_snapshot(pool, "main/db", "safe/db", true, &err));
	OK(volume_tend(pool, "safe/db", 64 * MIB, &used, &err));
	cr_assert_leq(used, 48 * MIB, "not set");
	cr_assert_eq(usage("safe/db").used / MIB, 40);
}

/* To more than what it has room for, while it is mounted. */
Test(volume, grows_with_its_limit)
{
	struct statvfs fs;

	OK(ensure("main/db", 16 * MIB));
	put("main/db/f", "kept");
	if (!may_grow()) {
		FAILS(ensure("main/db", 4096ull * MIB), ERROR_SYSTEM);
		OK(ensure("main/db", 16 * MIB));
		cr_assert_leq(fill("main/db/a", 64), 16);
		volumes_release();
		expect_loops(1);
		holds("main/db/f", "kept");
		volumes_skip("no CAP_SYS_RESOURCE");
	}
	OK(ensure("main/db", 4096ull * MIB));
	cr_assert_eq(statvfs(at("main/db"), &fs), 0);
	cr_assert_geq((uint64_t)fs.f_blocks * fs.f_frsize, 4096ull * MIB);
	cr_assert_eq(fill("main/db/a", 64), 64);
	volumes_release();
	expect_loops(1);
	holds("main/db/f", "kept");
}

ON_BOTH(volume, snapshot_is_another_volume)
{
	OK(ensure("main/db", 0));
	put("main/db/f", "one");
	OK(volume_snapshot(pool, "main/db", "test/db", false, &err));
	put("main/db/f", "two");
	holds("test/db/f", "one");
	put("test/db/f", "three");
	holds("main/db/f", "two");
	FAILS(volume_snapshot(pool, "main/db", "test/db", false, &err), ERROR_CONFLICT);
	FAILS(volume_snapshot(pool, "main/no", "test/no", false, &err), ERROR_ABSENT);
	cr_assert_not(volume_exists(pool, "test/no"));
	holds("test/db/f", "three");
}

ON_BOTH(volume, read_only_snapshot_is_read_only_and_can_be_restored)
{
	OK(ensure("main/db", 0));
	put("main/db/f", "one");
	OK(volume_snapshot(pool, "main/db", "safe/db", true, &err));
	put("main/db/f", "other");
	cr_assert_eq(open(at("safe/db/f"), O_WRONLY | O_CLOEXEC), -1);
	cr_assert_eq(errno, EROFS);
	cr_assert_eq(open(at("safe/db/g"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600), -1);
	cr_assert_eq(errno, EROFS);
	cr_assert_eq(unlink(at("safe/db/f")), -1);
	cr_assert_eq(errno, EROFS);
	holds("safe/db/f", "one");
	OK(volume_ensure_no(pool, "main/db", &err));
	/* Both while it is open and when it isn't. */
	OK(volume_snapshot(pool, "safe/db", "main/db", false, &err));
	volumes_release();
	OK(volume_snapshot(pool, "safe/db", "again/db", true, &err));
	put("main/db/f", "two");
	OK(volume_ensure_no(pool, "safe/db", &err));
	holds("main/db/f", "two");
	holds("again/db/f", "one");
}

Test(volume_btrfs, goes_with_all_in_it)
{
	struct btrfs_ioctl_vol_args inner = { .name = "inner" };
	AUTO(fd) int fd = -1;

	OK(ensure("main/db", 0));
	cr_assert_eq(mkdir(at("main/db/d"), 0755), 0);
	fd = open(at("main/db/d"), O_RDONLY | O_CLOEXEC);
	cr_assert_eq(ioctl(fd, BTRFS_IOC_SUBVOL_CREATE, &inner), 0);
	close(fd);
	fd = open(at("main/db/d/inner"), O_RDONLY | O_CLOEXEC);
	cr_assert_eq(ioctl(fd, BTRFS_IOC_SUBVOL_CREATE, &inner), 0);
	put("main/db/d/inner/inner/f", "deep");
	OK(volume_ensure_no(pool, "main/db", &err));
	cr_assert_not(volume_exists(pool, "main/db"));
}

ON_BOTH(volume, goes_and_its_folder_with_the_last)
{
	char folder[160];

	snprintf(folder, sizeof(folder), "%s/main", pool);
	OK(volume_ensure_no(pool, "main/db", &err));
	OK(ensure("main/db", 0));
	OK(ensure("main/log", 0));
	cr_assert_eq(mkdir(at("main/db/d"), 0755), 0);
	put("main/db/d/f", "deep");
	OK(volume_ensure_no(pool, "main/db", &err));
	cr_assert_not(volume_exists(pool, "main/db"));
	cr_assert(volume_exists(pool, "main/log"));
	OK(volume_ensure_no(pool, "main/log", &err));
	OK(volume_ensure_no(pool, "main/log", &err));
	cr_assert_eq(access(folder, F_OK), -1, "the environment's folder stays");
	volumes_release();
	expect_loops(1);
}

ON_BOTH(volume, moves_to_the_trash_and_back)
{
	OK(volume_ensure(pool, "main/db", 5, 5, 0, NULL, &err));
	put("main/db/f", "one");
	OK(volume_move(pool, "main/db", "trash/main-db-1", &err));
	cr_assert_not(volume_exists(pool, "main/db"));
	OK(ensure("main/db", 0));
	cr_assert_eq(volume_move(pool, "trash/main-db-1", "main/db", &err), -1);
	cr_assert_eq(err.errnum, EEXIST);
	OK(volume_ensure_no(pool, "main/db", &err));
	OK(volume_move(pool, "trash/main-db-1", "main/db", &err));
	holds("main/db/f", "one");
	FAILS(volume_move(pool, "trash/main-db-1", "x", &err), ERROR_ABSENT);
}

ON_BOTH(volume, refuses_names_that_lead_elsewhere)
{
	static const char *const bad[] = {
		"", "/", "a/", "/a", "..", "../a", "a/..", "a/b/c", ".a"
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		FAILS(volume_ensure(pool, bad[i], 0, 0, 0, NULL, &err), ERROR_INPUT);
		FAILS(volume_open(pool, bad[i], &err), ERROR_INPUT);
	}
	FAILS(volume_open(pool, "main/no", &err), ERROR_ABSENT);
}

/* A process that does work() until it is killed. *ready: a byte for each that it did. */
static pid_t start(void (*work)(int n), int *ready)
{
	int ends[2];
	pid_t pid;

	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		for (int n = 0;; n++) {
			work(n);
			if (write(ends[1], "", 1) != 1)
				_exit(1);
		}
	}
	close(ends[1]);
	*ready = ends[0];
	return pid;
}

static void stop(pid_t pid, int *ready)
{
	int status;

	cr_assert_eq(kill(pid, SIGKILL), 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSIGNALED(status), "it failed by itself: %d", status);
	close(*ready);
}

/* As a database: a file that is written in place, one that grows, and some that come and go. */
static void be_busy(int n)
{
	char path[64], text[32];
	static int data = -1, log = -1;

	if (data < 0) {
		data = open(at("main/db/data"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		log = open(at("main/db/log"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	}
	snprintf(text, sizeof(text), "%030d\n", n);
	snprintf(path, sizeof(path), "main/db/%d", n % 50);
	if (write(log, text, 31) != 31 || pwrite(data, text, 31, (off_t)(n % 3000) * 4096) != 31 ||
	    (n % 16 == 0 && fsync(log) < 0))
		_exit(2);
	if (n % 2)
		(void)unlink(at(path));
	else
		close(open(at(path), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

/* The log has all lines up to one, and nothing else. */
static int check_log(const char *path)
{
	AUTO(file) FILE *f = fopen(at(path), "re");
	char line[64];
	int n = 0;

	cr_assert_not_null(f, "%s", path);
	for (; fgets(line, sizeof(line), f); n++)
		cr_assert(strlen(line) == 31 && atoi(line) == n, "%s: line %d is %s", path, n,
			  line);
	return n;
}

static void swallow(void *ctx, const char *line)
{
	(void)ctx;
	(void)line;
}

/* e2fsck(8): 0, nothing is wrong. */
static void check_image(const char *name)
{
	char path[256];
	const char *const argv[] = { "e2fsck", "-f", "-n", path, NULL };
	const struct process_spec spec = { .argv = argv, .line = swallow };

	if (on_btrfs)
		return;
	volumes_release();
	expect_loops(1);
	snprintf(path, sizeof(path), "%s/%s", pool, name);
	OK(process_run(&spec, &err));
}

ON_BOTH(volume, snapshots_under_writes_are_whole)
{
	char name[32], path[64], text[32];
	int ready, lines, before = 0;
	pid_t pid;

	OK(ensure("main/db", 0));
	pid = start(be_busy, &ready);
	for (int i = 0; i < 20; i++) {
		char some[500];

		/* Nothing of ours is synced: that is the snapshot's to do. */
		for (int n = 0; n < 500;)
			n += (int)read(ready, some, sizeof(some));
		snprintf(text, sizeof(text), "before %d", i);
		put("main/db/mine", text);
		snprintf(path, sizeof(path), "main/db/mine-%d", i);
		put(path, text);
		snprintf(name, sizeof(name), "s%d/db", i);
		OK(volume_snapshot(pool, "main/db", name, i % 2, &err));
	}
	stop(pid, &ready);
	for (int i = 0; i < 20; i++) {
		snprintf(text, sizeof(text), "before %d", i);
		snprintf(path, sizeof(path), "s%d/db/mine", i);
		holds(path, text);
		snprintf(path, sizeof(path), "s%d/db/mine-%d", i, i);
		holds(path, text);
		snprintf(path, sizeof(path), "s%d/db/mine-%d", i, i + 1);
		cr_assert_neq(access(at(path), F_OK), 0);
		snprintf(path, sizeof(path), "s%d/db/log", i);
		lines = check_log(path);
		cr_assert_gt(lines, before, "snapshot %d", i);
		before = lines;
		snprintf(name, sizeof(name), "s%d/db", i);
		check_image(name);
	}
	cr_assert_geq(check_log("main/db/log"), before);
	check_image("main/db");
}

static int report; /* a pipe's end */

static void open_it(int n)
{
	struct stat st;
	int fd = volume_open(pool, "main/db", &err);

	if (n || fd < 0 || fstat(fd, &st) < 0 ||
	    write(report, &st.st_dev, sizeof(st.st_dev)) != sizeof(st.st_dev))
		_exit(1);
	pause();
}

/* Two devices for one image would be the end of what is in it. */
ON_BOTH(volume, many_that_open_it_at_once_get_the_same)
{
	enum { MANY = 8 };
	pid_t pids[MANY];
	int ready[MANY], ends[2];
	dev_t first = 0, dev;

	OK(volume_ensure(pool, "main/db", 0, 0, 0, NULL, &err));
	expect_loops(1);
	for (int round = 0; round < 10; round++) {
		cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
		report = ends[1];
		for (int i = 0; i < MANY; i++)
			pids[i] = start(open_it, &ready[i]);
		for (int i = 0; i < MANY; i++) {
			cr_assert_eq(read(ends[0], &dev, sizeof(dev)), sizeof(dev));
			first = i ? first : dev;
			cr_assert_eq(dev, first);
		}
		cr_assert_eq(loops(), on_btrfs ? 1 : 2);
		for (int i = 0; i < MANY; i++)
			stop(pids[i], &ready[i]);
		close(ends[0]);
		close(ends[1]);
		/* Killed, not closed. */
		expect_loops(1);
	}
	check_image("main/db");
}

static void make_and_remove(int n)
{
	(void)n;
	if (volume_ensure(pool, "main/new", 0, 0, 16 * MIB, NULL, &err) < 0 ||
	    volume_snapshot(pool, "main/db", "main/copy", true, &err) < 0 ||
	    volume_ensure_no(pool, "main/copy", &err) < 0 ||
	    volume_ensure_no(pool, "main/new", &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		_exit(1);
	}
}

/* Whenever it is killed, the next one gets there, and nothing is left. */
ON_BOTH(volume, killed_ones_leave_nothing)
{
	AUTO(arena) struct arena arena = { 0 };
	char folder[160], byte;
	const char **names;
	int ready;
	pid_t pid;
	size_t n;

	snprintf(folder, sizeof(folder), "%s/main", pool);
	OK(ensure("main/db", 0));
	put("main/db/f", "kept");
	volumes_release();
	for (int round = 0; round < 20; round++) {
		pid = start(make_and_remove, &ready);
		if (round % 4 == 0)
			cr_assert_eq(read(ready, &byte, 1), 1);
		usleep((useconds_t)(rand() % 60000));
		stop(pid, &ready);
		OK(volume_ensure(pool, "main/new", 0, 0, 16 * MIB, NULL, &err));
		if (!volume_exists(pool, "main/copy"))
			OK(volume_snapshot(pool, "main/db", "main/copy", true, &err));
		holds("main/copy/f", "kept");
		put("main/new/f", "works");
		check_image("main/new");
		volumes_release();
		expect_loops(1);
		OK(volume_ensure_no(pool, "main/copy", &err));
		OK(volume_ensure_no(pool, "main/new", &err));
		OK(file_list(&arena, folder, &names, &n, &err));
		cr_assert_eq(n, 1, "%s is left", n ? names[0] : "");
	}
	holds("main/db/f", "kept");
}
