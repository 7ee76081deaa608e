/*
 * Pools of each kind in files of a scratch folder: what they count, where they end, what happens when the disk below does.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/file.h"
#include "runtime/pool.h"
#include "runtime/pool_trim.h"
#include "runtime/volume.h"
#include "tests/live/volumes.h"

#define SIZE (1024ull * MIB)

static struct arena arena;
static char disk[80];

static void begin(void)
{
	volumes_begin("pool");
	snprintf(disk, sizeof(disk), "%s/disk", scratch);
	cr_assert_eq(mkdir(disk, 0755), 0);
	snprintf(pool, sizeof(pool), "%s/pool", disk);
}

static void begin_btrfs(void)
{
	volumes_begin("pool");
	pool_of_btrfs(SIZE / MIB);
}

static void end(void)
{
	volumes_release();
	(void)pool_close(pool, &err);
	(void)umount2(disk, MNT_DETACH);
	volumes_end();
	arena_clear(&arena);
}

TestSuite(pool, .init = begin, .fini = end, .timeout = 300);
TestSuite(pool_btrfs, .init = begin_btrfs, .fini = volumes_end, .timeout = 300);

/* A test that is skipped doesn't get to its .fini. */
static void skip(const char *why)
{
	end();
	cr_skip_test("%s", why);
}

/* As the supervisor does, each second or so. */
static void tend(const char *name, uint64_t limit)
{
	uint64_t used;

	OK(pool_guard(pool, &err));
	OK(volume_tend(pool, name, limit, &used, &err));
}

static struct volume_usage usage(const char *name)
{
	struct volume_usage u = { 0 };
	struct pool_space s;

	OK(pool_space(&arena, pool, &s, &err));
	OK(volume_usage(pool, name, &u, &err));
	return u;
}

/* From so many MiB to so many. */
static void between(uint64_t got, unsigned least, unsigned most)
{
	cr_assert(got >= least * (uint64_t)MIB && got <= most * (uint64_t)MIB,
		  "%llu bytes, not %u to %u MiB", (unsigned long long)got, least, most);
}

/* What an image has beside files: a journal and tables. */
static unsigned more(void)
{
	return on_btrfs ? 1 : 8;
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
		OK(ensure(volume, limit));
	}
	return 0;
}

ON_BOTH(pool, rewriting_under_snapshots_stays_within_the_limit)
{
	OK(pool_ensure(pool, SIZE, &err));
	OK(ensure("main/db", 32 * MIB));
	cr_assert_eq(rewrite("main/db/f", 20), 0);
	for (int i = 0; i < 6; i++) {
		const char *to = arena_printf(&arena, "main@g%d/db", i);

		OK(volume_snapshot(pool, "main/db", to, true, &err));
		cr_assert_eq(rewrite_watched("main/db", "f", 20, 32 * MIB), 0, "%s",
			     strerror(errno));
	}
	between(usage("main/db").used, 20, 21);
	between(usage("main/db").exclusive, 20, 20 + more());
	between(usage("main@g3/db").exclusive, 20, 20 + more());
	if (on_btrfs)
		cr_assert_eq(usage("main/db").limit, 32 * MIB);
	cr_assert_eq(rewrite("main/db/g", 14), beyond_limit());
	/* What is in it to the last byte can be given more, or less. */
	OK(ensure("main/db", 48 * MIB));
	cr_assert_eq(rewrite("main/db/h", 40), beyond_limit());
	OK(ensure("main/db", 16 * MIB));
	cr_assert_neq(rewrite("main/db/h2", 1), 0);
	OK(ensure("main/db", 60 * MIB));
	cr_assert_eq(rewrite("main/db/i", 8), 0);
	OK(ensure("main/db", 96 * MIB));
	cr_assert_eq(rewrite("main/db/h", 40), 0);
	OK(volume_ensure_no(pool, "main/db", &err));
	for (int i = 0; i < 6; i++)
		OK(volume_ensure_no(pool, arena_printf(&arena, "main@g%d/db", i), &err));
}

ON_BOTH(pool, clone_is_as_full_as_what_it_was_made_from)
{
	OK(pool_ensure(pool, SIZE, &err));
	OK(ensure("main/db", 32 * MIB));
	cr_assert_eq(rewrite("main/db/f", 20), 0);
	OK(volume_snapshot(pool, "main/db", "fix/db", false, &err));
	OK(ensure("fix/db", 32 * MIB));
	between(usage("fix/db").used, 20, 21);
	between(usage("fix/db").referenced, 20, 20 + more());
	between(usage("fix/db").exclusive, 0, 1);
	cr_assert_eq(rewrite("fix/db/f", 8), 0);
	between(usage("fix/db").used, 20, 21);
	between(usage("fix/db").exclusive, 8, 8 + more());
	cr_assert_eq(rewrite("fix/db/g", 14), beyond_limit());
	cr_assert_eq(unlink(at("fix/db/g")), 0);
	OK(ensure("fix/db", 32 * MIB));
	between(usage("fix/db").used, 20, 21);
	cr_assert_eq(rewrite("fix/db/h", 8), 0);
}

Test(pool, grows_while_it_is_used)
{
	struct pool_space s;

	OK(pool_ensure(pool, SIZE / 2, &err));
	OK(ensure("main/db", 0));
	put("main/db/f", "kept");
	FAILS(pool_grow(pool, SIZE / 4, &err), ERROR_INPUT);
	OK(pool_grow(pool, SIZE, &err));
	OK(pool_grow(pool, SIZE, &err));
	OK(pool_space(&arena, pool, &s, &err));
	cr_assert(s.file && !s.held && s.constant && s.limits);
	cr_assert_str_eq(s.driver, "image");
	/* Without the log of the file system. */
	between(s.size, SIZE / MIB * 9 / 10, SIZE / MIB);
	cr_assert_eq(s.file_size, SIZE);
	cr_assert_lt(s.file_taken, SIZE / 4);
	holds("main/db/f", "kept");
}

/* The file system in the volume is healthy: it can be written to, and nothing made it read-only. */
static void is_writable(const char *name)
{
	const char *path = arena_printf(&arena, "%s/probe", name);

	put(path, "");
	cr_assert_eq(unlink(at(path)), 0, "%s", strerror(errno));
}

Test(pool, gives_back_what_it_does_not_need)
{
	struct pool_space full, after;
	uint64_t given = 0;

	cr_assert_eq(pool_trim(pool, &given, &err), POOL_NO_FILE);
	OK(pool_ensure(pool, SIZE, &err));
	OK(ensure("main/db", 0));
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
	volumes_release();
	OK(pool_close(pool, &err));
	OK(pool_ensure(pool, 0, &err));
	holds("main/db/f", "kept");
}

Test(pool, full_is_enospc_and_nothing_is_lost)
{
	struct pool_space s;
	int failed = 0, n;

	OK(pool_ensure(pool, POOL_SIZE_MIN, &err));
	OK(ensure("main/db", 0));
	put("main/db/f", "kept");
	for (n = 0; n < 100 && !failed; n++) {
		tend("main/db", 0);
		failed = rewrite(arena_printf(&arena, "main/db/%d", n), 8);
	}
	cr_assert_eq(failed, ENOSPC, "%s", strerror(failed));
	cr_assert_gt(n, 10, "%d MiB were used", n * 8);
	tend("main/db", 0);
	is_writable("main/db");
	OK(pool_space(&arena, pool, &s, &err));
	cr_assert_lt(s.free, 16 * MIB);
	cr_assert_gt(s.disk_free, 16 * MIB);
	/* What is there already is written again, though a snapshot has it, too. */
	OK(volume_snapshot(pool, "main/db", "main@s/db", true, &err));
	tend("main/db", 0);
	for (int i = 0; i < 4; i++)
		cr_assert_eq(rewrite(arena_printf(&arena, "main/db/%d", i), 8), 0);
	OK(volume_ensure_no(pool, "main@s/db", &err));
	/* What is removed can be used again. */
	cr_assert_eq(unlink(at("main/db/0")), 0);
	cr_assert_eq(unlink(at("main/db/1")), 0);
	tend("main/db", 0);
	cr_assert_eq(rewrite("main/db/again", 10), 0, "room that was made can't be used");
	volumes_release();
	expect_loops(1);
	OK(pool_close(pool, &err));
	OK(pool_ensure(pool, 0, &err));
	holds("main/db/f", "kept");
	OK(pool_grow(pool, 512 * MIB, &err));
	tend("main/db", 0);
	cr_assert_eq(rewrite("main/db/h", 64), 0);
}

/* n MiB more of an open file, which stay in memory for now. */
static int extend(int fd, int n)
{
	static char piece[MIB];

	for (int i = 0; i < n; i++) {
		for (size_t j = 0; j < sizeof(piece); j += 4)
			memcpy(piece + j, &(int){ rand() }, 4);
		if (write(fd, piece, sizeof(piece)) != sizeof(piece))
			return errno ? errno : ENOSPC;
	}
	return 0;
}

/* What was written and isn't on the disk yet has its room, too: whoever wrote it isn't told otherwise later. */
static void fill_memory(int n_volumes)
{
	int fds[2], failed[2] = { 0 }, n, full = 0;

	OK(pool_ensure(pool, POOL_SIZE_MIN, &err));
	for (int i = 0; i < n_volumes; i++) {
		OK(ensure(arena_printf(&arena, "main/%d", i), 0));
		fds[i] = open(at(arena_printf(&arena, "main/%d/f", i)),
			      O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		cr_assert_geq(fds[i], 0);
	}
	for (n = 0; n < 400 && full < n_volumes; n += 4)
		for (int i = 0; i < n_volumes; i++) {
			for (int k = 0; k < n_volumes; k++)
				tend(arena_printf(&arena, "main/%d", k), 0);
			if (failed[i])
				continue;
			errno = 0;
			failed[i] = extend(fds[i], 4);
			full += failed[i] != 0;
		}
	for (int i = 0; i < n_volumes; i++) {
		cr_expect_eq(failed[i], ENOSPC, "write to %d: %s", i, strerror(failed[i]));
		cr_assert_eq(fsync(fds[i]), 0, "sync of %d: %s", i, strerror(errno));
		close(fds[i]);
		is_writable(arena_printf(&arena, "main/%d", i));
	}
	cr_assert_gt(n * n_volumes, 80, "%d MiB were used", n * n_volumes);
}

Test(pool, full_of_what_one_has_in_memory)
{
	fill_memory(1);
}

Test(pool, full_of_what_two_have_in_memory)
{
	fill_memory(2);
}

/* The pool's file promises more than the disk below it has. */
Test(pool, full_disk_below_is_enospc_as_well)
{
	struct pool_space s;
	const char *other = arena_printf(&arena, "%s/other", disk);
	AUTO(fd) int fd = -1;
	int failed = 0, n;

	cr_assert(disk_make("ext4", disk, 2048, "0"), "%s", err.text);
	OK(pool_ensure(pool, 4 * SIZE, &err));
	OK(ensure("main/db", 0));
	put("main/db/f", "kept");
	tend("main/db", 0);
	OK(pool_space(&arena, pool, &s, &err));
	cr_assert_not(s.held);

	fd = open(other, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	cr_assert_eq(posix_fallocate(fd, 0, (off_t)(s.disk_free - 900ull * MIB)), 0);
	tend("main/db", 0);
	for (n = 0; n < 100 && !failed; n++) {
		failed = rewrite(arena_printf(&arena, "main/db/%d", n), 10);
		tend("main/db", 0);
	}
	cr_assert_eq(failed, ENOSPC, "%s", strerror(failed));
	OK(pool_space(&arena, pool, &s, &err));
	cr_assert(s.held);
	cr_assert_gt(s.disk_free, 0);
	cr_assert_gt(n, 10, "%d MiB were used", n * 10);
	is_writable("main/db");
	/* More than what is kept for blocks that are written again. */
	for (int i = 0; i < 9; i++)
		cr_assert_eq(unlink(at(arena_printf(&arena, "main/db/%d", i))), 0, "%s",
			     strerror(errno));
	tend("main/db", 0);
	cr_assert_eq(rewrite("main/db/again", 5), 0, "room that was made can't be used");

	volumes_release();
	expect_loops(2); /* the disk and the pool */
	OK(pool_close(pool, &err));
	OK(pool_ensure(pool, 0, &err));
	holds("main/db/f", "kept");
	cr_assert_eq(unlink(other), 0);
	close(fd);
	fd = -1;
	tend("main/db", 0);
	OK(pool_space(&arena, pool, &s, &err));
	cr_assert_not(s.held);
	between(s.size, 4 * SIZE / MIB * 9 / 10, 4 * SIZE / MIB);
	cr_assert_eq(rewrite("main/db/more", 200), 0);
}

/* What every driver in a folder that somebody chose has to do. */
static void check_chosen(const char *kind, bool shares)
{
	struct stat a, b;
	struct pool_space s;

	OK(pool_ensure(pool, 0, &err));
	OK(pool_space(&arena, pool, &s, &err));
	cr_assert_str_eq(s.driver, kind);
	cr_assert_not(s.file);
	cr_assert_eq(s.constant, shares);
	OK(volume_ensure(pool, "main/db", 5, 6, 0, NULL, &err));
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
	cr_assert_eq(access(arena_printf(&arena, "%s/main@s", pool), F_OK), -1);
	OK(volume_move(pool, "fix/db", "trash/fix", &err));
	holds("trash/fix/d/f", "two");
}

/* Somebody's own: as in a file of ours, with limits, whatever quotas it has. */
Test(pool, on_xfs)
{
	const struct pool_choice choice = { .folder = disk };
	struct pool_space s;

	if (!disk_make("xfs", disk, 400, "reflink=1"))
		skip("no mkfs.xfs");
	snprintf(pool, sizeof(pool), "%s/own", scratch);
	OK(pool_use(pool, &choice, &err));
	OK(pool_use(pool, &choice, &err));
	check_chosen("image", true);
	OK(pool_space(&arena, pool, &s, &err));
	cr_assert(s.limits);
	cr_assert_str_eq(s.target, disk);
	OK(ensure("main/small", 32 * MIB));
	cr_assert_eq(rewrite("main/small/f", 20), 0);
	OK(volume_snapshot(pool, "main/small", "main@s/small", true, &err));
	cr_assert_eq(rewrite("main/small/f", 20), 0);
	between(usage("main/small").used, 20, 21);
	cr_assert_eq(rewrite("main/small/g", 14), ENOSPC);
}

Test(pool, on_xfs_that_cant_share)
{
	const struct pool_choice choice = { .folder = disk };

	if (!disk_make("xfs", disk, 400, "reflink=0"))
		skip("no mkfs.xfs");
	snprintf(pool, sizeof(pool), "%s/own", scratch);
	FAILS(pool_use(pool, &choice, &err), ERROR_HOST);
	cr_assert(strstr(err.text, "reflink"), "%s", err.text);
	cr_assert_not(pool_mounted(pool));
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
	check_chosen("copy", false);
}

/* A link to a place that isn't mounted is no reason to make another pool. */
Test(pool, that_is_away_is_not_made_again)
{
	const struct pool_choice choice = { .folder = disk, .unlimited = true };

	if (!disk_make("xfs", disk, 400, "reflink=1"))
		skip("no mkfs.xfs");
	snprintf(pool, sizeof(pool), "%s/own", scratch);
	OK(pool_use(pool, &choice, &err));
	OK(pool_ensure(pool, 0, &err));
	cr_assert_eq(umount2(disk, 0), 0);
	FAILS(pool_ensure(pool, 0, &err), ERROR_HOST);
	cr_assert_eq(access(arena_printf(&arena, "%s.img", pool), F_OK), -1);
}
