/*
 * Real containers. Criterion runs every test in a process of its own, so that the kernel cleans up
 * what it unshared.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "runtime/cgroup.h"
#include "runtime/container.h"
#include "runtime/exec.h"
#include "runtime/idmap.h"
#include "runtime/mounts.h"
#include "runtime/swap.h"

#define ROOT "/mnt"
#define FIRST 0x70000000u

static struct error err;

static void enter(void)
{
	if (geteuid() != 0)
		cr_skip_test("needs root");
	cr_assert_eq(unshare(CLONE_NEWNS | CLONE_NEWNET), 0);
	cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	cr_assert_eq(mount("tmpfs", ROOT, "tmpfs", 0, NULL), 0);
	cr_assert_eq(
		system("cd " ROOT " && mkdir -p base dev v1 v2 data && touch data/kept && (cd base "
		       "&& mkdir proc sys dev run data app tmp) "
		       "&& ln -s /etc base/hostile && cp " TEST_BUILD
		       "/tests/live/payload base/ && echo 1 > v1/version && echo 2 > v2/version "
		       "&& mkdir v1/up v2/up"),
		0);
}

TestSuite(container, .init = enter, .timeout = 60);

struct box {
	struct container c;
	char group[64];
	struct cgroup_entry cgroup;
};

static int clone_of(const char *path, int userns, unsigned flags)
{
	int tree = -1;

	cr_assert_eq(mounts_clone(path, userns, flags, &tree, &err), 0, "%s", err.text);
	return tree;
}

/* A container that is to run the payload with these arguments; NULL-terminated. */
static int create(struct box *b, const char *const *argv, const char *target,
		  const struct cgroup_limits *limits)
{
	static const char *const envp[] = { NULL };
	struct container_mount mounts[4];
	struct container_spec spec = { .name = "web",
				       .hostname = "web",
				       .mounts = mounts,
				       .argv = argv,
				       .envp = envp,
				       .stderr_fd = 2,
				       .n_mounts = 4 };
	int run, r;

	*b = (struct box){ .c = CONTAINER_NONE, .cgroup = CGROUP_ENTRY_NONE };
	cr_assert_eq(idmap_open(FIRST, &spec.userns, &err), 0, "%s", err.text);
	cr_assert_eq(mounts_ensure_dev(ROOT "/dev", &err), 0, "%s", err.text);
	spec.root = clone_of(ROOT "/base", spec.userns, 0);
	mounts[0] = (struct container_mount){
		clone_of(ROOT "/dev", spec.userns, MOUNTS_DEVICES | MOUNTS_WRITABLE), "dev"
	};
	cr_assert_eq(mounts_tmpfs(1 << 20, FIRST, 0755, &run, &err), 0, "%s", err.text);
	cr_assert_eq(mounts_put_folder(run, "orch", FIRST, FIRST, 0700, &err), 0);
	mounts[1] = (struct container_mount){ run, "run" };
	mounts[2] = (struct container_mount){ clone_of(ROOT "/v1", spec.userns, 0), "app" };
	mounts[3] = (struct container_mount){ clone_of(ROOT "/data", spec.userns, MOUNTS_WRITABLE),
					      target };
	spec.program = open(ROOT "/base/payload", O_RDONLY | O_CLOEXEC);
	snprintf(b->group, sizeof(b->group), "orch-test-%d/box", (int)getpid());
	cr_assert_eq(cgroup_ensure(b->group, limits, &err), 0, "%s", err.text);
	cr_assert_eq(cgroup_open(b->group, &b->cgroup, &err), 0, "%s", err.text);
	spec.cgroup = &b->cgroup;
	r = container_create(&spec, &b->c, &err);
	for (size_t i = 0; i < 4; i++)
		close(mounts[i].tree);
	close(spec.root);
	close(spec.userns);
	close(spec.program);
	return r;
}

static void start(struct box *b, const char *const *argv, const char *target,
		  const struct cgroup_limits *limits)
{
	cr_assert_eq(create(b, argv, target, limits), 0, "%s", err.text);
}

static void stop(struct box *b)
{
	char parent[64];

	container_kill(&b->c);
	container_release(&b->c);
	cgroup_close(&b->cgroup);
	snprintf(parent, sizeof(parent), "orch-test-%d", (int)getpid());
	cr_assert_eq(cgroup_ensure_no(parent, &err), 0, "%s", err.text);
}

Test(container, is_a_world_of_its_own)
{
	static const char *const argv[] = { "payload",	"pid-1",      "root",
					    "host-web", "read-only",  "data-writable",
					    "no-mount", "no-unshare", "no-hostname",
					    "confined", "proc-own",   "no-sysctl",
					    "null",	NULL };
	const struct cgroup_limits limits = { .memory = 64 << 20, .pids = 20 };
	struct stat st;
	struct box b;
	int status;

	start(&b, argv, "data", &limits);
	cr_assert_eq(container_exec(&b.c, &err), 0, "%s", err.text);
	cr_assert_eq(waitpid(b.c.pid, &status, 0), b.c.pid);
	cr_expect_eq(status, 0, "check %d failed: %s", WEXITSTATUS(status),
		     argv[WEXITSTATUS(status)]);
	/* Inside it is root's, on disk too: the volume is id-mapped. */
	cr_expect_eq(stat(ROOT "/data/new", &st), 0);
	cr_expect_eq(st.st_uid, 0);
	stop(&b);
}

Test(container, is_found_again_and_told_from_others)
{
	static const char *const argv[] = { "payload", "sleep", NULL };
	const struct cgroup_limits limits = { .pids = 20 };
	struct container again = CONTAINER_NONE;
	struct box b;

	start(&b, argv, "data", &limits);
	cr_assert_eq(container_exec(&b.c, &err), 0, "%s", err.text);
	cr_expect_eq(container_adopt(b.c.pid, b.c.start_time, &again, &err), 0);
	cr_expect(container_alive(&again));
	container_release(&again);
	cr_expect_eq(container_adopt(b.c.pid, b.c.start_time + 1, &again, &err), CONTAINER_GONE);
	stop(&b);
	cr_expect_eq(container_adopt(999999, 1, &again, &err), CONTAINER_GONE);
}

Test(container, a_link_in_the_image_leads_nowhere_else)
{
	static const char *const argv[] = { "payload", "sleep", NULL };
	const struct cgroup_limits limits = { 0 };
	struct box b;

	/* It may have ended before we look at it. */
	cr_expect(create(&b, argv, "hostile", &limits) < 0 || container_exec(&b.c, &err) < 0);
	cr_expect_not_null(strstr(err.text, "mount point /hostile"), "%s", err.text);
	stop(&b);
}

static int run_in(struct box *b, const char *const *argv, int *exit_code)
{
	static const char *const envp[] = { "PATH=/", NULL };
	const struct exec_spec spec = {
		.cgroup = &b->cgroup, .argv = argv, .envp = envp, .stdio = { -1, -1, 2 }
	};
	pid_t pid;
	int r = exec_start(&b->c, &spec, &pid, &err);

	if (r == 0)
		*exit_code = process_wait(pid);
	return r;
}

Test(container, exec_is_inside_and_as_confined)
{
	static const char *const argv[] = { "payload", "sleep", NULL };
	static const char *const checks[] = { "payload",  "root",	"host-web", "read-only",
					      "no-mount", "no-unshare", "confined", "proc-own",
					      "null",	  NULL };
	static const char *const code[] = { "payload", "exit", "42", NULL };
	static const char *const absent[] = { "absent", NULL };
	static const char *const folder[] = { "/data", NULL };
	const struct cgroup_limits limits = { .pids = 20 };
	struct box b;
	int status = -1;

	start(&b, argv, "data", &limits);
	cr_assert_eq(container_exec(&b.c, &err), 0, "%s", err.text);
	cr_assert_eq(run_in(&b, checks, &status), 0, "%s", err.text);
	cr_expect_eq(status, 0, "check %d: %s", status, checks[status]);
	cr_assert_eq(run_in(&b, code, &status), 0, "%s", err.text);
	cr_expect_eq(status, 42);
	cr_expect_eq(run_in(&b, absent, &status), EXEC_NOT_FOUND);
	cr_expect_eq(run_in(&b, folder, &status), EXEC_NOT_EXECUTABLE);
	stop(&b);
}

Test(container, memory_and_processes_are_limited)
{
	static const char *const argv[] = { "payload", "sleep", NULL };
	static const char *const eat[] = { "payload", "eat", "200000000", NULL };
	static const char *const forks[] = { "payload", "fork", "30", NULL };
	const struct cgroup_limits limits = { .memory = 32 << 20, .pids = 10, .cpu_milli = 500 };
	struct cgroup_usage usage;
	struct box b;
	int status = -1;

	start(&b, argv, "data", &limits);
	cr_assert_eq(container_exec(&b.c, &err), 0, "%s", err.text);
	cr_assert_eq(run_in(&b, eat, &status), 0, "%s", err.text);
	cr_expect_eq(status, 128 + SIGKILL);
	cr_assert_eq(run_in(&b, forks, &status), 0, "%s", err.text);
	cr_expect_eq(status, 11);
	cr_assert_eq(cgroup_usage(b.group, &usage, &err), 0);
	cr_expect_geq(usage.oom_kills, 1);
	stop(&b);
}

Test(container, swaps_its_application_while_it_runs)
{
	static const char *const argv[] = { "payload", "sleep", NULL };
	static const char *const submounts[] = { "app/up", NULL };
	const struct cgroup_limits limits = { .pids = 20 };
	struct box b;
	char version;

	start(&b, argv, "app/up", &limits);
	cr_assert_eq(container_exec(&b.c, &err), 0, "%s", err.text);
	for (int i = 0; i < 50; i++) {
		const char *from = i % 2 ? ROOT "/v1" : ROOT "/v2";
		AUTO(fd) int userns = -1;
		AUTO(fd) int tree = -1;
		AUTO(fd) int folder = -1;
		AUTO(fd) int file = -1;
		AUTO(fd) int made = -1;

		cr_assert_eq(idmap_open(FIRST, &userns, &err), 0, "%s", err.text);
		tree = clone_of(from, userns, 0);
		cr_assert_eq(swap_mount(&b.c, "/app", tree, submounts, &err), 0, "%s", err.text);
		folder = container_open_folder(&b.c, "/app", &err);
		file = openat(folder, "version", O_RDONLY);
		cr_assert_eq(read(file, &version, 1), 1);
		cr_expect_eq(version, i % 2 ? '1' : '2');
		made = openat(folder, "up/kept", O_RDONLY);
		cr_expect_geq(made, 0, "the writable folder was not carried over");
	}
	stop(&b);
}

Test(container, dies_with_who_was_making_it)
{
	static const char *const argv[] = { "payload", "sleep", NULL };
	const struct cgroup_limits limits = { .pids = 20 };
	pid_t left[8], pid = fork();
	char group[64];
	struct box b;
	int n = 1;

	if (pid == 0) {
		start(&b, argv, "data", &limits);
		_exit(0); /* never lets it go */
	}
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	snprintf(group, sizeof(group), "orch-test-%d/box", (int)pid);
	for (int tries = 0; n > 0 && tries < 500; tries++) {
		usleep(10000);
		n = cgroup_pids(group, left, 8, &err);
	}
	cr_expect_eq(n, 0);
	snprintf(group, sizeof(group), "orch-test-%d", (int)pid);
	cr_expect_eq(cgroup_ensure_no(group, &err), 0);
}
