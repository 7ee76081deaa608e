/*
 * A volume and its copies, which then go their own ways.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/text.h"
#include "runtime/pool.h"
#include "runtime/volume.h"
#include "runtime/volume_diff.h"
#include "tests/live/volumes.h"

static void begin(void)
{
	volumes_begin("diff");
	OK(pool_ensure(pool, 512ull * MIB, &err));
	OK(ensure("a/db", 0));
}

static void begin_btrfs(void)
{
	volumes_begin("diff");
	pool_of_btrfs(512);
	OK(ensure("a/db", 0));
}

TestSuite(volume_diff, .init = begin, .fini = volumes_end, .timeout = 60);
TestSuite(volume_diff_btrfs, .init = begin_btrfs, .fini = volumes_end, .timeout = 60);

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

static void is_not_compared(const char *first, const char *second, int expected)
{
	AUTO(arena) struct arena arena = { 0 };
	struct volume_change *list;
	size_t n;

	cr_expect_eq(volume_diff(&arena, pool, first, second, &list, &n, &err), expected, "%s, %s",
		     first, second);
}

ON_BOTH(volume_diff, names_what_each_side_did)
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

ON_BOTH(volume_diff, finds_the_common_origin_of_siblings_and_grandchildren)
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
	OK(volume_ensure_no(pool, "c@g2/db", &err));
	OK(ensure("e/db", 0));
	/* On btrfs nothing leads there any more without it; an image knows where it comes from. */
	if (on_btrfs)
		is_not_compared("a/db", "d/db", VOLUME_UNRELATED);
	else
		expect("a/db", "d/db", "+deep +own");
	is_not_compared("a/db", "e/db", VOLUME_UNRELATED);
	is_not_compared("e/db", "d/db", VOLUME_UNRELATED);
	is_not_compared("a/db", "x/db", -1);
	is_not_compared("x/db", "a/db", -1);
}

/* As after a rollback, where a volume goes and one of the same name comes from its snapshot. */
ON_BOTH(volume_diff, of_read_only_snapshots)
{
	put("a/db/f", "1");
	OK(volume_snapshot(pool, "a/db", "a@g1/db", true, &err));
	put("a/db/f", "2");
	put("a/db/g", "1");
	OK(volume_snapshot(pool, "a/db", "a@g2/db", true, &err));
	put("a/db/h", "1");
	expect("a@g1/db", "a@g2/db", "~f +g");
	expect("a@g2/db", "a@g1/db", "~f -g");
	expect("a@g2/db", "a/db", "+h");
	OK(volume_ensure_no(pool, "a/db", &err));
	OK(volume_snapshot(pool, "a@g1/db", "a/db", false, &err));
	expect("a@g1/db", "a/db", "");
	expect("a@g2/db", "a/db", "~f -g");
}

/* What only looks changes nothing. */
ON_BOTH(volume_diff, reading_is_no_change)
{
	put("a/db/f", "1");
	put("a/db/h", "1");
	OK(volume_snapshot(pool, "a/db", "b/db", false, &err));
	holds("b/db/f", "1");
	holds("a/db/f", "1");
	expect("a/db", "b/db", "");
	put("b/db/f", "1");
	cr_assert_eq(chmod(at("b/db/h"), 0600), 0);
	expect("a/db", "b/db", "~f ~h");
}

/* Names of another kind, on the other side. */
ON_BOTH(volume_diff, folder_in_place_of_a_file)
{
	put("a/db/f", "1");
	cr_assert_eq(mkdir(at("a/db/d"), 0755), 0);
	put("a/db/d/x", "1");
	OK(volume_snapshot(pool, "a/db", "b/db", false, &err));
	cr_assert_eq(unlink(at("b/db/f")), 0);
	cr_assert_eq(mkdir(at("b/db/f"), 0755), 0);
	cr_assert_eq(unlink(at("b/db/d/x")), 0);
	cr_assert_eq(rmdir(at("b/db/d")), 0);
	expect("a/db", "b/db", "-d ~f");
	expect("b/db", "a/db", "+d ~f");
}

/* More than one buffer of the kernel's. */
ON_BOTH(volume_diff, finds_all_of_many)
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
