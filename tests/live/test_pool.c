/*
 * Pools of each kind in files of a scratch folder: what they count, where they end, what happens when the disk below does.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "runtime/loop.h"
#include "runtime/pool.h"
#include "runtime/pool_trim.h"
#include "runtime/volume.h"

#define MIB (1024 * 1024)
#define SIZE (1024ull * MIB)

static struct error err;
static struct arena arena;
static char scratch[] = "/var/tmp/orch-pool-XXXXXX", pool[128], disk[64];

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
	snprintf(disk, sizeof(disk), "%s/disk", scratch);
	cr_assert_eq(mkdir(disk, 0755), 0);
	snprintf(pool, sizeof(pool), "%s/pool", disk);
}

static void end(void)
{
	(void)pool_close(pool, &err);
	(void)umount2(disk, MNT_DETACH);
	(void)file_remove(AT_FDCWD, scratch, &err);
}

/* A test that is skipped doesn't get to its .fini. */
static void skip(const char *why)
{
	end();
	cr_skip_test("%s", why);
}

TestSuite(pool, .init = begin, .fini = end, .timeout = 120);

static const char *at(const char *path)
{
	return arena_printf(&arena, "%s/%s", pool, path);
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

/* n MiB of the file, from its start, in pieces of 64 KiB that no compression would like; errno of what failed, or 0. */
static int rewrite(const char *path, int n)
{
	static char piece[65536];
	AUTO(fd) int fd = open(at(path), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		return errno;
	for (int i = 0; i < n * 16; i++) {
		for (size_t j = 0; j < sizeof(piece); j += 4)
			memcpy(piece + j, &(int){ rand() }, 4);
		/* A short write is the last that fits. */
		for (size_t n_done = 0; n_done < sizeof(piece);) {
			ssize_t got = pwrite(fd, piece + n_done, sizeof(piece) - n_done,
					     (off_t)(i * 65536 + (int)n_done));

			if (got <= 0)
				return errno;
			n_done += (size_t)got;
		}
	}
	return fsync(fd) < 0 ? errno : 0;
}

static struct volume_usage usage(const char *name)
{
	struct volume_usage u = { 0 };
	struct pool_space s;

	OK(pool_space(&arena, pool, &s, &err));
	OK(volume_usage(pool, name, &u, &err));
	return u;
}

static void near_mib(uint64_t got, unsigned mib)
{
	cr_assert(got >= mib * (uint64_t)MIB && got <= (mib + 1ull) * MIB, "%llu bytes, not %u MiB",
		  (unsigned long long)got, mib);
}

/* As a database does, whose volume is watched meanwhile. */
static int rewrite_watched(const char *volume, const char *file, int n, uint64_t limit)
{
	static char piece[MIB];
	AUTO(fd)
	int fd = open(at(arena_printf(&arena, "%s/%s", volume, file)), O_WRONLY | O_CLOEXEC);

	for (int i = 0; i < n; i++) {
		for (size_t j = 0; j < sizeof(piece); j += 4)
			memcpy(piece + j, &(int){ rand() }, 4);
		if (pwrite(fd, piece, sizeof(piece), (off_t)i * MIB) != sizeof(piece) ||
		    fsync(fd) < 0)
			return errno;
		if (i % 4)
			continue;
		(void)usage(volume);
		OK(volume_ensure(pool, volume, 0, 0, limit, &err));
	}
	return 0;
}

/* A file system of its own at disk. */
static bool make_disk(const char *type, unsigned mib, const char *options)
{
	const char *image = arena_printf(&arena, "%s/disk.img", scratch);
	const char *const xfs[] = { "mkfs.xfs", "-q", "-f", image, NULL };
	const char *const ext4[] = { "mkfs.ext4", "-q", "-F", "-m", "0", image, NULL };
	const struct process_spec spec = { .argv = !strcmp(type, "xfs") ? xfs : ext4 };
	AUTO(fd) int fd = open(image, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	char device[LOOP_PATH];
	AUTO(fd) int loop = -1;

	cr_assert_eq(ftruncate(fd, (off_t)mib * MIB), 0);
	if (process_run(&spec, &err) < 0)
		return false;
	loop = loop_attach(image, device, &err);
	cr_assert_geq(loop, 0, "%s", err.text);
	cr_assert_eq(mount(device, disk, type, 0, options), 0, "%s", strerror(errno));
	return true;
}

Test(pool, rewriting_under_snapshots_stays_within_the_limit)
{
	OK(pool_ensure(pool, SIZE, &err));
	OK(volume_ensure(pool, "main/db", 0, 0, 32 * MIB, &err));
	cr_assert_eq(rewrite("main/db/f", 20), 0);
	for (int i = 0; i < 6; i++) {
		const char *to = arena_printf(&arena, "main@g%d/db", i);

		OK(volume_snapshot(pool, "main/db", to, true, &err));
		cr_assert_eq(rewrite_watched("main/db", "f", 20, 32 * MIB), 0, "%s",
			     strerror(errno));
	}
	near_mib(usage("main/db").used, 20);
	near_mib(usage("main/db").exclusive, 20);
	near_mib(usage("main@g3/db").exclusive, 20);
	cr_assert_eq(usage("main/db").limit, 32 * MIB);
	cr_assert_eq(rewrite("main/db/g", 14), EDQUOT);
	/* What is in it to the last byte can be given more, or less. */
	OK(volume_ensure(pool, "main/db", 0, 0, 48 * MIB, &err));
	cr_assert_eq(rewrite("main/db/h", 40), EDQUOT);
	OK(volume_ensure(pool, "main/db", 0, 0, 16 * MIB, &err));
	OK(volume_ensure(pool, "main/db", 0, 0, 96 * MIB, &err));
	cr_assert_eq(rewrite("main/db/h", 40), 0);
	OK(volume_ensure_no(pool, "main/db", &err));
	for (int i = 0; i < 6; i++)
		OK(volume_ensure_no(pool, arena_printf(&arena, "main@g%d/db", i), &err));
}

Test(pool, clone_is_as_full_as_what_it_was_made_from)
{
	OK(pool_ensure(pool, SIZE, &err));
	OK(volume_ensure(pool, "main/db", 0, 0, 32 * MIB, &err));
	cr_assert_eq(rewrite("main/db/f", 20), 0);
	OK(volume_snapshot(pool, "main/db", "fix/db", false, &err));
	OK(volume_ensure(pool, "fix/db", 0, 0, 32 * MIB, &err));
	near_mib(usage("fix/db").used, 20);
	near_mib(usage("fix/db").referenced, 20);
	cr_assert_lt(usage("fix/db").exclusive, MIB);
	cr_assert_eq(rewrite("fix/db/g", 14), EDQUOT);
	cr_assert_eq(unlink(at("fix/db/g")), 0);
	cr_assert_eq(rewrite("fix/db/f", 8), 0);
	near_mib(usage("fix/db").used, 20);
	near_mib(usage("fix/db").exclusive, 8);
}

Test(pool, grows_while_it_is_used)
{
	struct pool_space s;

	OK(pool_ensure(pool, SIZE / 2, &err));
	OK(volume_ensure(pool, "main/db", 0, 0, 0, &err));
	put("main/db/f", "kept");
	FAILS(pool_grow(pool, SIZE / 4, &err), ERROR_INPUT);
	OK(pool_grow(pool, SIZE, &err));
	OK(pool_grow(pool, SIZE, &err));
	OK(pool_space(&arena, pool, &s, &err));
	cr_assert(s.file && !s.held);
	cr_assert_str_eq(s.driver, "btrfs");
	cr_assert_eq(s.size, SIZE);
	cr_assert_eq(s.file_size, SIZE);
	cr_assert_lt(s.file_taken, SIZE / 4);
	holds("main/db/f", "kept");
}

Test(pool, gives_back_what_it_does_not_need)
{
	struct pool_space full, after;
	uint64_t given = 0;

	cr_assert_eq(pool_trim(pool, &given, &err), POOL_NO_FILE);
	OK(pool_ensure(pool, SIZE, &err));
	OK(volume_ensure(pool, "main/db", 0, 0, 0, &err));
	put("main/db/f", "kept");
	cr_assert_eq(rewrite("main/db/g", 200), 0);
	OK(pool_space(&arena, pool, &full, &err));
	cr_assert_gt(full.file_taken, 200 * MIB);
	cr_assert_eq(unlink(at("main/db/g")), 0);
	OK(pool_trim(pool, &given, &err));
	cr_expect_gt(given, 190 * MIB);
	OK(pool_space(&arena, pool, &after, &err));
	cr_expect_leq(after.file_taken, full.file_taken - given + 8 * MIB);
	cr_expect_eq(after.file_size, full.file_size);
	OK(pool_close(pool, &err));
	OK(pool_ensure(pool, 0, &err));
	holds("main/db/f", "kept");
}

Test(pool, full_is_enospc_and_nothing_is_lost)
{
	struct pool_space s;

	OK(pool_ensure(pool, 256 * MIB, &err));
	OK(volume_ensure(pool, "main/db", 0, 0, 0, &err));
	put("main/db/f", "kept");
	cr_assert_eq(rewrite("main/db/g", 512), ENOSPC);
	OK(pool_space(&arena, pool, &s, &err));
	cr_assert_lt(s.free, 16 * MIB);
	cr_assert_gt(s.disk_free, 16 * MIB);
	OK(pool_close(pool, &err));
	OK(pool_ensure(pool, 0, &err));
	holds("main/db/f", "kept");
	OK(pool_grow(pool, 512 * MIB, &err));
	cr_assert_eq(rewrite("main/db/h", 64), 0);
}

/* The pool's file promises more than the disk below it has. */
Test(pool, full_disk_below_is_enospc_as_well)
{
	struct pool_space s;
	const char *other = arena_printf(&arena, "%s/other", disk);
	AUTO(fd) int fd = -1;
	int failed = 0, n;

	cr_assert(make_disk("ext4", 2048, ""), "%s", err.text);
	OK(pool_ensure(pool, 4 * SIZE, &err));
	OK(volume_ensure(pool, "main/db", 0, 0, 0, &err));
	put("main/db/f", "kept");
	OK(pool_guard(pool, &err));
	OK(pool_space(&arena, pool, &s, &err));
	cr_assert_not(s.held);

	fd = open(other, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	cr_assert_eq(posix_fallocate(fd, 0, (off_t)(s.disk_free - 900ull * MIB)), 0);
	OK(pool_guard(pool, &err));
	for (n = 0; n < 100 && !failed; n++) {
		failed = rewrite(arena_printf(&arena, "main/db/%d", n), 10);
		OK(pool_guard(pool, &err));
	}
	cr_assert_eq(failed, ENOSPC, "%s", strerror(failed));
	OK(pool_space(&arena, pool, &s, &err));
	cr_assert(s.held);
	cr_assert_gt(n, 10, "%d MiB were used", n * 10);
	cr_assert_eq(unlink(at("main/db/0")), 0, "%s", strerror(errno));
	OK(pool_space(&arena, pool, &s, &err));
	cr_assert_eq(rewrite("main/db/again", 5), 0, "room that was made can't be used");

	OK(pool_close(pool, &err));
	OK(pool_ensure(pool, 0, &err));
	holds("main/db/f", "kept");
	cr_assert_eq(unlink(other), 0);
	close(fd);
	fd = -1;
	OK(pool_guard(pool, &err));
	OK(pool_space(&arena, pool, &s, &err));
	cr_assert_not(s.held);
	cr_assert_eq(s.size, 4 * SIZE);
}

/* What every driver of plain folders has to do. */
static void check_folders(const char *kind, bool shares)
{
	struct stat a, b;
	struct pool_space s;

	OK(pool_ensure(pool, 0, &err));
	OK(pool_space(&arena, pool, &s, &err));
	cr_assert_str_eq(s.driver, kind);
	cr_assert_not(s.file);
	OK(volume_ensure(pool, "main/db", 5, 6, 0, &err));
	cr_assert_eq(mkdir(at("main/db/d"), 0750), 0);
	put("main/db/d/f", "one");
	cr_assert_eq(chown(at("main/db/d/f"), 7, 8), 0);
	cr_assert_eq(chmod(at("main/db/d/f"), 04711), 0);
	cr_assert_eq(link(at("main/db/d/f"), at("main/db/g")), 0);
	cr_assert_eq(symlink("d/f", at("main/db/l")), 0);
	cr_assert_eq(rewrite("main/db/big", 16), 0);

	OK(volume_snapshot(pool, "main/db", "main@s/db", true, &err));
	OK(volume_snapshot(pool, "main@s/db", "fix/db", false, &err));
	cr_assert_eq(stat(at("fix/db"), &b), 0);
	cr_assert_eq(b.st_uid, 5);
	cr_assert_eq(stat(at("fix/db/d/f"), &b), 0);
	cr_assert_eq(stat(at("main/db/d/f"), &a), 0);
	cr_assert_eq(b.st_uid, 7);
	cr_assert_eq(b.st_mode, a.st_mode);
	cr_assert_eq(b.st_mtim.tv_nsec, a.st_mtim.tv_nsec);
	cr_assert_eq(b.st_nlink, 2);
	holds("fix/db/l", "one");
	put("fix/db/d/f", "two");
	holds("main/db/d/f", "one");
	holds("main@s/db/d/f", "one");
	if (shares)
		cr_assert_lt(usage("fix/db").exclusive, MIB);
	else
		cr_assert_geq(usage("fix/db").exclusive, 16 * MIB);

	cr_assert_eq(open(at("main@s/db/d/f"), O_WRONLY | O_CLOEXEC), -1,
		     "a snapshot is read-only");
	cr_assert_neq(unlink(at("main@s/db/d/f")), 0);
	OK(volume_ensure_no(pool, "main@s/db", &err));
	cr_assert_eq(access(at("main@s"), F_OK), -1);
	OK(volume_move(pool, "fix/db", "trash/fix", &err));
	holds("trash/fix/d/f", "two");
}

Test(pool, on_xfs)
{
	const struct pool_choice choice = { .folder = disk, .unlimited = true };
	const struct pool_choice limited = { .folder = disk };
	const char *own = arena_printf(&arena, "%s/own", scratch);

	if (!make_disk("xfs", 400, NULL))
		skip("no mkfs.xfs");
	snprintf(pool, sizeof(pool), "%s", own);
	FAILS(pool_use(pool, &limited, &err), ERROR_HOST);
	OK(pool_use(pool, &choice, &err));
	check_folders("xfs", true);
}

/* Only where the kernel has XFS's quotas. */
Test(pool, xfs_limits_by_project)
{
	const struct pool_choice choice = { .folder = disk };
	char device[LOOP_PATH];
	AUTO(fd) int loop = -1;

	if (!make_disk("xfs", 400, NULL))
		skip("no mkfs.xfs");
	cr_assert_eq(umount2(disk, 0), 0);
	loop = loop_attach(arena_printf(&arena, "%s/disk.img", scratch), device, &err);
	if (mount(device, disk, "xfs", 0, "prjquota") < 0)
		skip("no quotas of XFS in this kernel");
	snprintf(pool, sizeof(pool), "%s/own", scratch);
	OK(pool_use(pool, &choice, &err));
	OK(volume_ensure(pool, "main/db", 0, 0, 32 * MIB, &err));
	cr_assert_eq(rewrite("main/db/f", 20), 0);
	OK(volume_snapshot(pool, "main/db", "main@s/db", true, &err));
	cr_assert_eq(rewrite("main/db/f", 20), 0);
	near_mib(usage("main/db").used, 20);
	cr_assert_neq(rewrite("main/db/g", 14), 0);
}

Test(pool, by_copying_only_when_that_was_allowed)
{
	struct pool_choice choice = { .folder = arena_printf(&arena, "%s/plain", scratch),
				      .unlimited = true };

	cr_assert_eq(mkdir(choice.folder, 0700), 0);
	FAILS(pool_use(pool, &choice, &err), ERROR_INPUT);
	cr_assert(strstr(err.text, "--allow-copy"));
	choice.copy = true;
	OK(pool_use(pool, &choice, &err));
	check_folders("copy", false);
}

/* A link to a place that isn't mounted is no reason to make another pool. */
Test(pool, that_is_away_is_not_made_again)
{
	const struct pool_choice choice = { .folder = disk, .unlimited = true };

	if (!make_disk("xfs", 400, NULL))
		skip("no mkfs.xfs");
	snprintf(pool, sizeof(pool), "%s/own", scratch);
	OK(pool_use(pool, &choice, &err));
	OK(pool_ensure(pool, 0, &err));
	cr_assert_eq(umount2(disk, 0), 0);
	FAILS(pool_ensure(pool, 0, &err), ERROR_HOST);
	cr_assert_eq(access(arena_printf(&arena, "%s.img", pool), F_OK), -1);
}
