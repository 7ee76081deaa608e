/*
 * A volume and its copies, which then go their own ways.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "runtime/volume.h"
#include "runtime/volume_diff.h"

#define SIZE (512ull << 20)

static struct error err;
static char scratch[] = "/var/tmp/orch-diff-XXXXXX", pool[64];

#define OK(call) cr_assert_eq((call), 0, "%s", err.text)

static void begin(void)
{
	if (geteuid() != 0)
		cr_skip_test("needs root");
	cr_assert_eq(unshare(CLONE_NEWNS), 0);
	cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	cr_assert_not_null(mkdtemp(scratch));
	snprintf(pool, sizeof(pool), "%s/pool", scratch);
	OK(pool_ensure(pool, SIZE, &err));
	OK(volume_ensure(pool, "a/db", 0, 0, 0, &err));
}

static void end(void)
{
	(void)pool_close(pool, &err);
	(void)file_remove(AT_FDCWD, scratch, &err);
}

TestSuite(volume_diff, .init = begin, .fini = end, .timeout = 60);

static const char *at(const char *path)
{
	static char full[2][256];
	static int turn;

	turn = !turn;
	snprintf(full[turn], sizeof(full[turn]), "%s/%s", pool, path);
	return full[turn];
}

static void put(const char *path, const char *text)
{
	AUTO(fd) int fd = open(at(path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	cr_assert_geq(fd, 0, "%s", path);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* "+new ~changed": what differs, in one line. */
static void expect(const char *first, const char *second, const char *expected)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(text) struct text got = { 0 };
	struct volume_change *list;
	size_t n;

	OK(volume_diff(&arena, pool, first, second, &list, &n, &err));
	for (size_t i = 0; i < n; i++)
		text_printf(&got, "%s%c%s", i ? " " : "", list[i].what, list[i].path);
	cr_expect_str_eq(text_get(&got), expected, "%s, %s: \"%s\" instead of \"%s\"", first,
			 second, text_get(&got), expected);
}

Test(volume_diff, names_what_each_side_did)
{
	struct stat st;

	put("a/db/same", "s");
	put("a/db/changed", "1");
	put("a/db/gone", "g");
	put("a/db/theirs", "1");
	cr_assert_eq(mkdir(at("a/db/dir"), 0755), 0);
	put("a/db/dir/inner", "i");
	cr_assert_eq(mkdir(at("a/db/old"), 0755), 0);
	put("a/db/old/x", "x");
	OK(volume_snapshot(pool, "a/db", "b/db", false, &err));
	expect("a/db", "b/db", "");
	expect("a/db", "a/db", "");
	put("b/db/changed", "2");
	put("b/db/dir/new", "n");
	cr_assert_eq(unlink(at("b/db/gone")), 0);
	cr_assert_eq(rename(at("b/db/old"), at("b/db/renamed")), 0);
	cr_assert_eq(link(at("b/db/same"), at("b/db/linked")), 0);
	cr_assert_eq(symlink("/etc/passwd", at("b/db/way-out")), 0);
	put("a/db/theirs", "2");
	put("a/db/late", "l");
	cr_assert_eq(stat(at("a/db/dir/inner"), &st), 0);
	expect("a/db", "b/db",
	       "~changed +dir/new -gone -late +linked -old +renamed ~same ~theirs +way-out");
	expect("b/db", "a/db",
	       "~changed -dir/new +gone +late -linked +old -renamed ~same ~theirs -way-out");
}

Test(volume_diff, finds_the_common_origin_of_siblings_and_grandchildren)
{
	put("a/db/f", "1");
	OK(volume_snapshot(pool, "a/db", "b/db", false, &err));
	put("a/db/between", "1");
	OK(volume_snapshot(pool, "a/db", "c/db", false, &err));
	put("c/db/own", "1");
	expect("b/db", "c/db", "+between +own");
	/* By way of a snapshot, as a rollback makes them. */
	OK(volume_snapshot(pool, "c/db", "c@g2/db", true, &err));
	OK(volume_snapshot(pool, "c@g2/db", "d/db", false, &err));
	put("d/db/deep", "1");
	expect("b/db", "d/db", "+between +deep +own");
	expect("a/db", "d/db", "+deep +own");
	/* Without it nothing leads there any more. */
	OK(volume_ensure_no(pool, "c@g2/db", &err));
	OK(volume_ensure(pool, "e/db", 0, 0, 0, &err));
	{
		AUTO(arena) struct arena arena = { 0 };
		struct volume_change *list;
		size_t n;

		cr_expect_eq(volume_diff(&arena, pool, "a/db", "d/db", &list, &n, &err),
			     VOLUME_UNRELATED);
		cr_expect_eq(volume_diff(&arena, pool, "a/db", "e/db", &list, &n, &err),
			     VOLUME_UNRELATED);
		cr_expect_eq(volume_diff(&arena, pool, "a/db", "x/db", &list, &n, &err), -1);
	}
}

/* More than one buffer of the kernel's. */
Test(volume_diff, finds_all_of_many)
{
	AUTO(arena) struct arena arena = { 0 };
	struct volume_change *list;
	char path[64];
	size_t n;

	for (int i = 0; i < 1500; i++) {
		snprintf(path, sizeof(path), "a/db/file-%d", i);
		put(path, "1");
	}
	OK(volume_snapshot(pool, "a/db", "b/db", false, &err));
	for (int i = 0; i < 1500; i += 2) {
		snprintf(path, sizeof(path), "b/db/file-%d", i);
		put(path, "22");
	}
	OK(volume_diff(&arena, pool, "a/db", "b/db", &list, &n, &err));
	cr_expect_eq(n, 750);
}
