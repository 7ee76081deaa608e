/*
 * Groups of volumes in a pool of a scratch folder, and a process in a cgroup of the test's own that writes to two
 * of them in turn.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "orchestrator/group.h"
#include "orchestrator/host.h"
#include "runtime/cgroup.h"
#include "runtime/volume.h"

#define SIZE (512ull << 20)

static struct error err;
static char scratch[] = "/var/tmp/orch-group-XXXXXX", pool[64], cgroup[64];
static struct host h;

#define OK(call) cr_assert_eq((call), 0, "%s", err.text)

static void begin(void)
{
	if (geteuid() != 0)
		cr_skip_test("needs root");
	cr_assert_eq(unshare(CLONE_NEWNS), 0);
	cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	cr_assert_not_null(mkdtemp(scratch));
	snprintf(pool, sizeof(pool), "%s/pool", scratch);
	snprintf(cgroup, sizeof(cgroup), "orch-test-%d", (int)getpid());
	h.pool = pool;
	OK(pool_ensure(pool, SIZE, &err));
	OK(volume_ensure(pool, "main-a/db", 0, 0, 0, NULL, &err));
	OK(volume_ensure(pool, "main-a/web", 0, 0, 0, NULL, &err));
}

static int opened[4]; /* volumes, the last ones that were asked for; 0: none */

static void let_go(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(opened); i++)
		if (opened[i] > 0)
			(void)close(opened[i]);
	memset(opened, 0, sizeof(opened));
}

/* A file in a volume ("main-a/db/f"), or else what the pool has. */
static const char *at(const char *path)
{
	static unsigned turn;
	static char full[256];
	const char *slash = strchr(path, '/'), *file = slash ? strchr(slash + 1, '/') : NULL;
	char volume[64];
	int *fd = &opened[turn++ % ARRAY_SIZE(opened)];

	snprintf(full, sizeof(full), "%s/%s", pool, path);
	if (!file)
		return full;
	snprintf(volume, sizeof(volume), "%.*s", (int)(file - path), path);
	if (*fd > 0)
		(void)close(*fd);
	*fd = volume_open(pool, volume, &err);
	snprintf(full, sizeof(full), "/proc/self/fd/%d%s", *fd, file);
	return full;
}

static void end(void)
{
	let_go();
	(void)cgroup_ensure_no(cgroup, &err);
	(void)pool_close(pool, &err);
	(void)file_remove(AT_FDCWD, scratch, &err);
}

TestSuite(group, .init = begin, .fini = end, .timeout = 60);

static void put(const char *path, const char *text)
{
	OK(file_write(AT_FDCWD, at(path), text, strlen(text), 0644, false, &err));
}

static const char *get(const char *path)
{
	static char got[64];
	AUTO(fd) int fd = open(at(path), O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, got, sizeof(got) - 1);

	if (n < 0)
		return NULL;
	got[n] = '\0';
	return got;
}

static size_t count_tags(const char *id)
{
	AUTO(arena) struct arena arena = { 0 };
	const char **tags;
	size_t n;

	OK(group_list(&arena, &h, id, &tags, &n, &err));
	return n;
}

Test(group, is_copied_as_a_whole_or_not_at_all)
{
	put("main-a/db/f", "one");
	put("main-a/web/f", "two");
	/* Of one that was killed. */
	OK(volume_ensure(pool, "fix-b~/db", 0, 0, 0, NULL, &err));
	put("fix-b~/db/f", "half");
	OK(group_copy(&h, "main-a", "fix-b", false, NULL, NULL, &err));
	cr_expect_str_eq(get("fix-b/db/f"), "one");
	cr_expect_str_eq(get("fix-b/web/f"), "two");
	cr_expect_not(file_exists(at("fix-b~")));
	put("fix-b/db/f", "child");
	put("main-a/web/f", "parent");
	cr_expect_str_eq(get("main-a/db/f"), "one");
	cr_expect_str_eq(get("fix-b/web/f"), "two");
	cr_expect_eq(group_copy(&h, "main-a", "fix-b", false, NULL, NULL, &err), -1);
	cr_expect_eq(err.kind, ERROR_CONFLICT);
	OK(group_remove(&h, "fix-b", &err));
	cr_expect_not(file_exists(at("fix-b")));
	OK(group_remove(&h, "fix-b", &err));
	OK(group_copy(&h, "nobody", "fix-b", false, NULL, NULL, &err));
	cr_expect(file_exists(at("fix-b")));
}

Test(group, takes_the_place_of_another_and_keeps_what_only_that_has)
{
	put("main-a/db/f", "then");
	OK(group_copy(&h, "main-a", "main-a@g2", true, NULL, NULL, &err));
	put("main-a/db/f", "now");
	OK(volume_ensure(pool, "main-a/search", 0, 0, 0, NULL, &err));
	put("main-a/search/f", "own");
	for (int i = 0; i < 2; i++) { /* again, as after a crash before it was struck out */
		OK(group_replace(&h, "main-a", "main-a@g2", &err));
		cr_expect_str_eq(get("main-a/db/f"), "then");
		cr_expect_str_eq(get("main-a/search/f"), "own");
		cr_expect_not(file_exists(at("main-a~")));
		put("main-a/db/f", "writable");
	}
	cr_expect_str_eq(get("main-a@g2/db/f"), "then");
	cr_expect_eq(group_replace(&h, "main-a", "main-a@g9", &err), -1);
	cr_expect_eq(err.kind, ERROR_ABSENT);
	cr_expect_str_eq(get("main-a/db/f"), "writable");
}

Test(group, keeps_as_many_snapshots_as_it_is_told)
{
	static const char *const tags[] = { "g2", "g9", "g10", "g11", "before-rollback-5", "gold" };
	AUTO(arena) struct arena arena = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
		OK(group_copy(&h, "main-a", group_snapshot_name(&arena, "main-a", tags[i]), true,
			      NULL, NULL, &err));
	OK(group_copy(&h, "main-a", "main-a2@g1", true, NULL, NULL, &err));
	OK(group_prune(&h, "main-a", "g", 2, &err));
	cr_expect(file_exists(at("main-a@g10")));
	cr_expect(file_exists(at("main-a@g11")));
	cr_expect(file_exists(at("main-a@gold")));
	cr_expect_eq(count_tags("main-a"), 4);
	/* What killed ones left: its own goes, another supervisor's work doesn't. */
	OK(volume_ensure(pool, "main-a@before-rollback-6~/db", 0, 0, 0, NULL, &err));
	OK(volume_ensure(pool, "main-a@synced~/db", 0, 0, 0, NULL, &err));
	OK(volume_ensure(pool, "main-a~/db", 0, 0, 0, NULL, &err));
	OK(group_remove_unfinished(&h, "main-a", &err));
	cr_expect_not(file_exists(at("main-a@before-rollback-6~")));
	cr_expect(file_exists(at("main-a@synced~/db")));
	cr_expect(file_exists(at("main-a~/db")));
	cr_expect_eq(count_tags("main-a"), 4);
	OK(group_remove_snapshots(&h, "main-a", &err));
	cr_expect_not(file_exists(at("main-a@synced~")));
	cr_expect_eq(count_tags("main-a"), 0);
	cr_expect(file_exists(at("main-a/db")));
	cr_expect(file_exists(at("main-a2@g1/db")));
}

/* A number into one volume, then the same into the other one, for ever. */
static _Noreturn void write_in_turn(int a, int b, const struct cgroup_entry *entry)
{
	if (cgroup_enter(entry, &err) < 0)
		_exit(1);
	for (unsigned i = 1;; i++)
		if (pwrite(a, &i, sizeof(i), 0) < 0 || pwrite(b, &i, sizeof(i), 0) < 0)
			_exit(1);
}

static unsigned number_in(const char *path)
{
	AUTO(fd) int fd = open(at(path), O_RDONLY | O_CLOEXEC);
	unsigned n = 0;

	cr_assert_geq(fd, 0, "%s", path);
	cr_assert_geq(pread(fd, &n, sizeof(n), 0), 0);
	return n;
}

static void wait_until_more_than(const char *path, unsigned n)
{
	const struct timespec step = { .tv_nsec = 1000000 };

	for (int i = 0; i < 10000 && number_in(path) <= n; i++)
		(void)nanosleep(&step, NULL);
	cr_assert_gt(number_in(path), n, "%s: it doesn't go on", path);
}

static pid_t start_writer(void)
{
	const struct cgroup_limits limits = { .pids = 10 };
	struct cgroup_entry entry = CGROUP_ENTRY_NONE;
	struct clone_args args = { .exit_signal = SIGCHLD };
	char group[80];
	AUTO(fd) int a = -1;
	AUTO(fd) int b = -1;
	pid_t pid;

	snprintf(group, sizeof(group), "%s/box", cgroup);
	OK(cgroup_ensure(group, &limits, &err));
	OK(cgroup_open(group, &entry, &err));
	a = open(at("main-a/db/n"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	b = open(at("main-a/web/n"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	cr_assert(a >= 0 && b >= 0);
	pid = cgroup_clone(&entry, &args);
	if (pid == 0)
		write_in_turn(a, b, &entry);
	cgroup_close(&entry);
	return pid;
}

Test(group, is_copied_as_of_one_moment_and_goes_on)
{
	pid_t pid = start_writer();
	uint64_t held = 0;

	wait_until_more_than("main-a/web/n", 0);
	for (int i = 0; i < 20; i++) {
		unsigned first, second;

		OK(group_copy(&h, "main-a", "fix-b", false, cgroup, &held, &err));
		cr_expect_gt(held, 0);
		first = number_in("fix-b/db/n");
		second = number_in("fix-b/web/n");
		cr_expect(first == second || first == second + 1, "%u and %u", first, second);
		wait_until_more_than("main-a/web/n", number_in("main-a/web/n"));
		OK(group_remove(&h, "fix-b", &err));
	}
	kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

Test(group, stands_still_while_it_is_frozen)
{
	pid_t pid = start_writer();
	unsigned then;

	wait_until_more_than("main-a/web/n", 0);
	OK(cgroup_freeze(cgroup, true, &err));
	OK(cgroup_freeze(cgroup, true, &err));
	then = number_in("main-a/web/n");
	usleep(20000);
	cr_expect_eq(number_in("main-a/web/n"), then);
	/* A copy made of what stands still leaves it so. */
	OK(group_copy(&h, "main-a", "fix-b", false, NULL, NULL, &err));
	usleep(20000);
	cr_expect_eq(number_in("main-a/web/n"), then);
	OK(cgroup_freeze(cgroup, false, &err));
	wait_until_more_than("main-a/web/n", then);
	OK(cgroup_freeze("orch-test-nobody", true, &err));
	kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}
