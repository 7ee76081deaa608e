/*
 * orch-init as PID 1 of a PID namespace, with a scratch folder for /run/orch.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "runtime/init.h"

#define RUN "/mnt"
#define LOGS RUN "/log"

static struct error err;
static struct arena arena;
static struct init_status now;
static int folder;
static pid_t init;

static void begin(void)
{
	if (geteuid() != 0)
		cr_skip_test("needs root");
	cr_assert_eq(unshare(CLONE_NEWNS), 0);
	cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	cr_assert_eq(mount("tmpfs", RUN, "tmpfs", 0, NULL), 0);
	cr_assert_eq(mkdir(LOGS, 0755), 0);
	init = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, NULL);
	if (init == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(TEST_BUILD "/runtime/orch-init", "orch-init", RUN, NULL);
		_exit(127);
	}
	folder = open(RUN, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; init_status_read_at(&arena, folder, &now, &err) < 0; i++) {
		cr_assert_lt(i, 500, "%s", err.text);
		usleep(10000);
	}
}

static void end(void)
{
	kill(init, SIGKILL);
	waitpid(init, NULL, 0);
	arena_clear(&arena);
}

TestSuite(pid1, .init = begin, .fini = end, .timeout = 60);

static const char *const env[] = { "PATH=/bin:/usr/bin", NULL };

static struct init_process process(const char *name, const char *script, bool task)
{
	const char **argv = arena_array(&arena, 4, sizeof(*argv));

	argv[0] = "sh";
	argv[1] = "-c";
	argv[2] = script;
	return (struct init_process){ .name = name,
				      .argv = argv,
				      .env = env,
				      .folder = "/",
				      .task = task,
				      .grace_ms = 2000 };
}

static void tell(const struct init_process *list, size_t n, const char *command)
{
	const struct init_spec spec = { .processes = list, .n = n, .log_folder = LOGS };
	uint32_t epoch = now.epoch;

	cr_assert_eq(init_write_spec_at(folder, &spec, 0, &err), 0, "%s", err.text);
	cr_assert_eq(init_command_at(folder, command, &err), 0, "%s", err.text);
	for (int i = 0; i < 1000 && now.epoch == epoch; i++) {
		usleep(5000);
		cr_assert_eq(init_status_read_at(&arena, folder, &now, &err), 0, "%s", err.text);
	}
	cr_assert_neq(now.epoch, epoch, "the command was not obeyed");
}

static void wait_for(enum init_state state)
{
	for (int i = 0; i < 1000; i++) {
		cr_assert_eq(init_status_read_at(&arena, folder, &now, &err), 0, "%s", err.text);
		if (now.state == state)
			return;
		usleep(5000);
	}
	cr_assert_fail("state %d instead of %d: %s", now.state, state, now.why);
}

static const char *log_of(const char *name)
{
	char *text = arena_strdup(&arena, "");

	(void)file_read(&arena, AT_FDCWD, arena_printf(&arena, LOGS "/%s.log", name), 1 << 20,
			&text, NULL, &err);
	return text;
}

Test(pid1, runs_tasks_then_processes_and_logs_lines)
{
	const struct init_process list[] = { process("boot", "echo booted", true),
					     process("app", "echo hello; exec sleep 1000", false) };

	tell(list, 2, "start");
	wait_for(INIT_READY);
	cr_assert_eq(now.n, 1);
	cr_expect_gt(now.processes[0].pid, 0);
	for (int i = 0; i < 500 && !strstr(log_of("app"), "Z hello\n"); i++)
		usleep(10000);
	cr_expect_not_null(strstr(log_of("app"), "Z hello\n"), "%s", log_of("app"));
	cr_expect_not_null(strstr(log_of("boot"), "Z booted\n"));
}

Test(pid1, a_failing_task_is_told_and_can_be_repeated)
{
	struct init_process list[] = { process("boot", "echo no disk; exit 3", true),
				       process("app", "exec sleep 1000", false) };

	tell(list, 2, "start");
	cr_expect_eq(now.state, INIT_FAILED);
	cr_expect_str_eq(now.why, "task boot: exit 3: no disk");
	list[0] = process("boot", "exit 0", true);
	tell(list, 2, "restart");
	wait_for(INIT_READY);
}

/* The shell ends at once; what it runs takes its time, and has it. */
Test(pid1, a_group_is_stopped_when_all_of_it_is_gone)
{
	struct init_process list[] = {
		process("app",
			"(trap 'sleep 0.3; echo bye; exit' TERM; while :; do sleep 0.05; done); :",
			false),
	};

	list[0].group = true;
	tell(list, 1, "start");
	wait_for(INIT_READY);
	usleep(100000);
	list[0] = process("app", "exec sleep 1000", false);
	tell(list, 1, "reload");
	cr_expect_not_null(strstr(log_of("app"), "Z bye\n"), "%s", log_of("app"));
	wait_for(INIT_READY);
}

/* A long pause before its next start, and the container is as ready as ever; another one is started at once. */
Test(pid1, what_may_end_stays_ready)
{
	struct init_process list[] = { process("app", "exit 0", false) };

	list[0].may_end = true;
	tell(list, 1, "start");
	for (int i = 0; i < 1000 && (now.n == 0 || now.processes[0].restarts < 4); i++) {
		usleep(5000);
		cr_assert_eq(init_status_read_at(&arena, folder, &now, &err), 0);
	}
	cr_assert_geq(now.processes[0].restarts, 4);
	cr_expect_eq(now.state, INIT_READY);
	cr_expect_eq(now.processes[0].pid, 0);
	list[0] = process("app", "exec sleep 1000", false);
	tell(list, 1, "reload");
	wait_for(INIT_READY);
	cr_expect_gt(now.processes[0].pid, 0);
	cr_expect_eq(now.processes[0].restarts, 0);
	list[0] = process("app", "exit 1", false);
	list[0].may_end = true;
	tell(list, 1, "reload");
	for (int i = 0; i < 1000 && now.processes[0].restarts < 3; i++) {
		usleep(5000);
		cr_assert_eq(init_status_read_at(&arena, folder, &now, &err), 0);
	}
	cr_expect_eq(now.state, INIT_STARTING, "a failure is no such end");
}

Test(pid1, restarts_what_ends)
{
	const struct init_process list[] = { process("app", "sleep 0.05", false) };

	tell(list, 1, "start");
	for (int i = 0; i < 1000 && (now.n == 0 || now.processes[0].restarts < 2); i++) {
		usleep(5000);
		cr_assert_eq(init_status_read_at(&arena, folder, &now, &err), 0);
	}
	cr_expect_geq(now.processes[0].restarts, 2);
	cr_expect_eq(now.processes[0].last_exit, 0);
}

Test(pid1, a_reload_touches_only_what_it_must)
{
	struct init_process list[] = {
		process("calm", "exec sleep 1000", false),
		process("told", "trap 'echo again' HUP; while :; do sleep 0.05; done", false),
		process("other", "exec sleep 1001", false),
	};
	int calm, told, other;

	list[1].on_reload = REACT_SIGNAL;
	tell(list, 3, "start");
	wait_for(INIT_READY);
	usleep(200000); /* the shell has set its trap */
	calm = now.processes[0].pid;
	told = now.processes[1].pid;
	other = now.processes[2].pid;
	list[2] = process("other", "exec sleep 1002", false);
	tell(list, 3, "reload");
	wait_for(INIT_READY);
	cr_expect_eq(now.processes[0].pid, calm);
	cr_expect_eq(now.processes[1].pid, told);
	cr_expect_neq(now.processes[2].pid, other, "its command is another one");
	for (int i = 0; i < 500 && !strstr(log_of("told"), "again"); i++)
		usleep(10000);
	cr_expect_not_null(strstr(log_of("told"), "again"));
	tell(list, 2, "reload");
	cr_expect_eq(now.n, 2, "the dropped one is gone");
}

Test(pid1, nonsense_in_its_file_is_told_with_the_line)
{
	static const char text[] = "log_folder /mnt/log\nprocess app\nuid many\n";

	cr_assert_eq(file_write(folder, "init.conf", text, sizeof(text) - 1, 0600, false, &err), 0);
	cr_assert_eq(init_command_at(folder, "start", &err), 0);
	wait_for(INIT_FAILED);
	cr_expect_str_eq(now.why, "init.conf:3: expected a number");
}

Test(pid1, stops_in_order_and_ends)
{
	struct init_process list[] = {
		process("first",
			"trap 'echo first >>/mnt/order; exit' TERM; while :; do sleep 0.01; done",
			false),
		process("stubborn", "trap '' TERM; while :; do sleep 0.01; done", false),
		process("last",
			"trap 'echo last >>/mnt/order; exit' TERM; while :; do sleep 0.01; done",
			false),
	};
	char *order = arena_strdup(&arena, "");

	list[1].grace_ms = 100;
	tell(list, 3, "start");
	wait_for(INIT_READY);
	usleep(200000);
	cr_assert_eq(init_command_at(folder, "stop", &err), 0);
	cr_assert_eq(waitpid(init, NULL, 0), init);
	cr_assert_eq(file_read(&arena, AT_FDCWD, "/mnt/order", 100, &order, NULL, &err), 0);
	cr_expect_str_eq(order, "last\nfirst\n");
}
