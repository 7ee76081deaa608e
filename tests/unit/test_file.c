#include <criterion/criterion.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"

static char folder[64];
static struct arena arena;
static struct error err;

static void make_folder(void)
{
	strcpy(folder, "/tmp/test-file-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
}

static void remove_folder(void)
{
	cr_expect_eq(file_remove(AT_FDCWD, folder, &err), 0, "%s", err.text);
	arena_clear(&arena);
}

TestSuite(file, .init = make_folder, .fini = remove_folder);

static char *in(const char *name)
{
	return arena_printf(&arena, "%s/%s", folder, name);
}

static void put(const char *name, const char *text)
{
	cr_assert_eq(file_write(AT_FDCWD, in(name), text, strlen(text), 0644, false, &err), 0, "%s",
		     err.text);
}

Test(file, reads_what_was_written)
{
	char *data = NULL;
	size_t size = 0;
	struct stat st;

	cr_assert_eq(file_write(AT_FDCWD, in("a"), "x\0y", 3, 0640, true, &err), 0);
	cr_assert_eq(file_read(&arena, AT_FDCWD, in("a"), 10, &data, &size, &err), 0);
	cr_expect_eq(size, 3);
	cr_expect_eq(memcmp(data, "x\0y", 4), 0, "and a NUL behind");
	cr_assert_eq(stat(in("a"), &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0640);
}

Test(file, reads_large_files_up_to_max)
{
	AUTO(free) char *big = malloc(100001);
	char *data = NULL;
	size_t size = 7;

	memset(big, 'q', 100000);
	big[100000] = '\0';
	put("big", big);
	cr_assert_eq(file_read(&arena, AT_FDCWD, in("big"), 100000, &data, &size, &err), 0);
	cr_expect_eq(size, 100000);
	cr_expect_str_eq(data, big);
	data = NULL;
	size = 7;
	cr_expect_eq(file_read(&arena, AT_FDCWD, in("big"), 99999, &data, &size, &err), -1);
	cr_expect_eq(err.kind, ERROR_INPUT);
	cr_expect_null(data);
	cr_expect_eq(size, 7);
}

Test(file, absent_is_an_outcome)
{
	const char **names = NULL;
	char *data = NULL;
	size_t n = 7;

	cr_expect_eq(file_read(&arena, AT_FDCWD, in("none"), 10, &data, NULL, &err), FILE_ABSENT);
	cr_expect_null(data);
	cr_expect_eq(file_list(&arena, in("none"), &names, &n, &err), FILE_ABSENT);
	cr_expect_eq(n, 7);
	cr_expect_eq(file_remove(AT_FDCWD, in("none"), &err), 0);
	cr_expect_not(file_exists(in("none")));
	cr_expect_eq(file_read(&arena, AT_FDCWD, folder, 10, &data, NULL, &err), -1);
}

Test(file, write_replaces_and_leaves_nothing_beside)
{
	AUTO(fd) int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char **names;
	char *data;
	size_t n;

	put("a", "old");
	cr_assert_eq(file_write(dir, "a", "new", 3, 0600, false, &err), 0);
	cr_assert_eq(file_read(&arena, dir, "a", 10, &data, NULL, &err), 0);
	cr_expect_str_eq(data, "new");
	cr_expect_eq(mkdir(in("busy"), 0755), 0);
	cr_expect_eq(file_write(dir, "busy", "x", 1, 0600, false, &err), -1);
	cr_assert_eq(file_list(&arena, folder, &names, &n, &err), 0);
	cr_assert_eq(n, 2, "a and busy, no half-written file");
}

Test(file, list_is_sorted)
{
	const char **names;
	size_t n;

	put("c", "");
	put("a", "");
	put(".hidden", "");
	put("b", "");
	cr_assert_eq(file_list(&arena, folder, &names, &n, &err), 0);
	cr_assert_eq(n, 4);
	cr_expect_str_eq(names[0], ".hidden");
	cr_expect_str_eq(names[1], "a");
	cr_expect_str_eq(names[3], "c");
}

Test(file, make_dirs_is_idempotent)
{
	cr_expect_eq(file_make_dirs(in("a/b//c/"), 0755, &err), 0, "%s", err.text);
	cr_expect_eq(file_make_dirs(in("a/b/c"), 0755, &err), 0, "%s", err.text);
	cr_expect(file_exists(in("a/b/c")));
	put("file", "");
	cr_expect_eq(file_make_dirs(in("file/x"), 0755, &err), -1);
	cr_expect_eq(err.errnum, ENOTDIR);
}

Test(file, make_dirs_refuses_a_file_in_the_way)
{
	put("file", "");
	cr_expect_eq(file_make_dirs(in("file"), 0755, &err), -1, "a file is no folder");
}

Test(file, remove_does_not_follow_links)
{
	put("keep", "x");
	cr_assert_eq(file_make_dirs(in("d/sub"), 0755, &err), 0);
	put("d/sub/f", "x");
	cr_assert_eq(symlink(in("keep"), in("d/sub/link")), 0);
	cr_assert_eq(symlink(folder, in("d/dir-link")), 0);
	cr_assert_eq(file_remove(AT_FDCWD, in("d"), &err), 0, "%s", err.text);
	cr_expect_not(file_exists(in("d")));
	cr_expect(file_exists(in("keep")));
	cr_assert_eq(symlink(folder, in("link")), 0);
	cr_assert_eq(file_remove(AT_FDCWD, in("link"), &err), 0);
	cr_expect(file_exists(in("keep")));
}

Test(file, remove_stays_on_its_file_system)
{
	if (geteuid() != 0)
		cr_skip_test("needs root to mount");
	cr_assert_eq(unshare(CLONE_NEWNS), 0);
	cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	cr_assert_eq(file_make_dirs(in("d/mounted"), 0755, &err), 0);
	cr_assert_eq(mount("tmpfs", in("d/mounted"), "tmpfs", 0, NULL), 0);
	put("d/mounted/precious", "x");
	cr_expect_eq(file_remove(AT_FDCWD, in("d"), &err), -1);
	cr_expect(file_exists(in("d/mounted/precious")));
	cr_assert_eq(umount(in("d/mounted")), 0);
}

Test(file, exists_sees_a_broken_link)
{
	cr_assert_eq(symlink("nowhere", in("link")), 0);
	cr_expect(file_exists(in("link")));
}

Test(file, chown_tree_reaches_links_but_not_what_they_name)
{
	struct stat st;

	if (geteuid() != 0)
		cr_skip_test("needs root to give files away");
	put("keep", "x");
	cr_assert_eq(file_make_dirs(in("d/sub"), 0755, &err), 0);
	put("d/sub/f", "x");
	cr_assert_eq(symlink(in("keep"), in("d/link")), 0);
	cr_assert_eq(file_chown_tree(in("d"), 1234, 2345, &err), 0, "%s", err.text);
	cr_assert_eq(lstat(in("d/sub/f"), &st), 0);
	cr_expect(st.st_uid == 1234 && st.st_gid == 2345);
	cr_assert_eq(lstat(in("d/link"), &st), 0);
	cr_expect_eq(st.st_uid, 1234);
	cr_assert_eq(lstat(in("d"), &st), 0);
	cr_expect_eq(st.st_uid, 1234);
	cr_assert_eq(lstat(in("keep"), &st), 0);
	cr_expect_eq(st.st_uid, 0);
}

Test(file, lock_is_held_until_closed)
{
	int first = -1, second = -1;

	cr_assert_eq(file_lock(in("lock"), false, &first, &err), 0, "%s", err.text);
	cr_expect_eq(file_lock(in("lock"), false, &second, &err), FILE_LOCKED);
	cr_expect_eq(second, -1);
	close(first);
	cr_expect_eq(file_lock(in("lock"), true, &second, &err), 0);
	close(second);
	cr_expect_eq(file_lock(in("none/lock"), false, &second, &err), -1);
}
