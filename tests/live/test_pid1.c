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

static const struct init_cron *crons;
static size_t n_crons;
static const char *zone;

static void tell(const struct init_process *list, size_t n, const char *command)
{
	const struct init_spec spec = { .processes = list,
					.n = n,
					.crons = crons,
					.n_crons = n_crons,
					.zone = zone,
					.clock_rate = 1200, /* a minute is 50 ms */
					.log_folder = LOGS };
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

static struct init_cron job(const char *name, const char *schedule, const char *script)
{
	return (struct init_cron){ .process = process(name, script, false), .schedule = schedule };
}

static const struct init_cron_status *job_status(const char *name)
{
	cr_assert_eq(init_status_read_at(&arena, folder, &now, &err), 0, "%s", err.text);
	for (size_t i = 0; i < now.n_crons; i++)
		if (!strcmp(now.crons[i].name, name))
			return &now.crons[i];
	cr_assert_fail("no job %s", name);
	return NULL;
}

static void wait_for_runs(const char *name, uint32_t runs)
{
	for (int i = 0; i < 1000 && job_status(name)->runs < runs; i++)
		usleep(5000);
	cr_assert_geq(job_status(name)->runs, runs, "%s", log_of("cron"));
}

static void wait_for_start(const char *name)
{
	for (int i = 0; i < 1000 && !job_status(name)->pid; i++)
		usleep(5000);
	cr_assert_neq(job_status(name)->pid, 0, "%s", log_of("init"));
}

Test(pid1, runs_jobs_on_schedule_one_at_a_time)
{
	const struct init_process app = process("app", "exec sleep 1000", false);
	const struct init_cron list[] = {
		job("often", "* * * * *",
		    "mkdir /mnt/lock || echo CLASH; sleep 0.02; rmdir /mnt/lock; exit 3"),
		job("odd name", "*/2 * * * *",
		    "mkdir /mnt/lock || echo CLASH; echo two; echo path $PATH; sleep 0.02; rmdir "
		    "/mnt/lock"),
		job("never", "0 0 30 2 *", "echo NEVER"),
	};

	crons = list;
	n_crons = 3;
	tell(&app, 1, "start");
	wait_for_runs("often", 4);
	wait_for_runs("odd name", 2);
	cr_expect_eq(job_status("often")->last_exit, 3);
	cr_expect_eq(job_status("odd name")->last_exit, 0);
	cr_expect_eq(job_status("never")->runs, 0);
	cr_expect_gt(job_status("often")->next_s, 0);
	cr_expect_eq(now.state, INIT_READY, "the end of a job is no accident");
	cr_expect_not_null(strstr(log_of("cron"), "Z odd name: started\n"));
	cr_expect_not_null(strstr(log_of("cron"), "Z two\n"));
	cr_expect_not_null(strstr(log_of("cron"), "Z often: ended, exit 3\n"));
	cr_expect_null(strstr(log_of("cron"), "CLASH"), "%s", log_of("cron"));
	cr_expect_null(strstr(log_of("cron"), "NEVER"));
	cr_expect_not_null(strstr(log_of("cron"), "Z path /bin:/usr/bin\n"), "told once for all");
}

Test(pid1, runs_an_operation_when_asked_also_beside_a_cron)
{
	const struct init_process app = process("app", "exec sleep 1000", false);
	struct init_cron list[] = {
		job("long", "0 0 29 2 *", "exec sleep 1000"),
		job("long", NULL, "echo operation; exit 4"),
		job("endless", NULL, "exec sleep 1000"),
	};

	list[2].process.grace_ms = 50;
	list[2].stop = "echo told to stop"; /* and doesn't: it is killed */
	crons = list;
	n_crons = 3;
	tell(&app, 1, "start");
	wait_for(INIT_READY);
	cr_assert_eq(init_command_at(folder, "cron long", &err), 0);
	wait_for_start("long");
	cr_assert_eq(init_command_at(folder, "operation long", &err), 0);
	for (int i = 0; i < 1000 && !(job_status("long") && now.crons[1].runs); i++)
		usleep(5000);
	cr_expect(now.crons[1].operation);
	cr_expect_eq(now.crons[1].runs, 1);
	cr_expect_eq(now.crons[1].last_exit, 4);
	cr_expect_neq(now.crons[0].pid, 0, "the cron of that name runs on");
	cr_expect_not_null(strstr(log_of("operation"), "Z operation\n"));
	cr_expect_null(strstr(log_of("cron"), "Z operation\n"));
	cr_expect_eq(job_status("endless")->runs, 0, "nobody asked");
	cr_assert_eq(init_command_at(folder, "operation endless", &err), 0);
	wait_for_start("endless");
	cr_assert_eq(init_command_at(folder, "cancel endless", &err), 0);
	wait_for_runs("endless", 1);
	cr_expect_not_null(strstr(log_of("operation"), "Z told to stop\n"));
}

/* 6:00 in Kathmandu is 0:15 UTC, in Tokyo 21:00. */
Test(pid1, reads_schedules_by_the_zone)
{
	const struct init_process app =
		process("app", "echo TZ is ${TZ-unset}; exec sleep 1000", false);
	const struct init_cron list[] = { job("morning", "0 6 * * *", "exit 0") };

	crons = list;
	n_crons = 1;
	tell(&app, 1, "start");
	wait_for(INIT_READY);
	cr_expect_eq(job_status("morning")->next_s % 86400, 6 * 3600, "UTC");
	zone = "Asia/Kathmandu";
	tell(&app, 1, "reload");
	for (int i = 0; i < 1000 && job_status("morning")->next_s % 86400 != 900; i++)
		usleep(5000);
	cr_expect_eq(job_status("morning")->next_s % 86400, 900);
	zone = "Asia/Tokyo";
	tell(&app, 1, "reload");
	for (int i = 0; i < 1000 && job_status("morning")->next_s % 86400 != 21 * 3600; i++)
		usleep(5000);
	cr_expect_eq(job_status("morning")->next_s % 86400, 21 * 3600,
		     "another one under the same name");
	cr_expect_not_null(strstr(log_of("app"), "TZ is unset"));
}

Test(pid1, starts_no_job_while_held)
{
	const struct init_process app = process("app", "exec sleep 1000", false);
	const struct init_cron list[] = { job("often", "* * * * *", "exit 0"),
					  job("rare", "0 0 29 2 *", "exit 0") };
	uint32_t runs;

	crons = list;
	n_crons = 2;
	tell(&app, 1, "start");
	wait_for_runs("often", 1);
	cr_assert_eq(init_command_at(folder, "hold", &err), 0);
	for (int i = 0; i < 1000 && (job_status("often")->pid || !now.held); i++)
		usleep(5000);
	cr_assert(now.held);
	runs = job_status("often")->runs;
	cr_assert_eq(init_command_at(folder, "cron rare", &err), 0);
	usleep(300000); /* six minutes of theirs */
	cr_expect_eq(job_status("often")->runs, runs);
	cr_expect(job_status("often")->waiting);
	cr_expect(job_status("rare")->waiting);
	cr_assert_eq(init_command_at(folder, "release", &err), 0);
	wait_for_runs("often", runs + 1);
	wait_for_runs("rare", 1);
}

Test(pid1, stops_a_job_that_takes_too_long)
{
	const struct init_process app = process("app", "exec sleep 1000", false);
	struct init_cron list[] = {
		job("asked", "0 0 29 2 *",
		    "trap 'echo asked; exit 7' TERM; while :; do sleep 0.02; done"),
		job("told", "0 0 29 2 *", "while [ ! -e /mnt/told ]; do sleep 0.02; done; exit 8"),
		job("deaf", "0 0 29 2 *", "trap '' TERM; while :; do sleep 0.02; done"),
	};

	for (size_t i = 0; i < 3; i++)
		list[i].process.timeout_ms = list[i].process.grace_ms = 200;
	list[1].process.grace_ms = 5000;
	list[1].stop = "echo by its own command; touch /mnt/told";
	crons = list;
	n_crons = 3;
	tell(&app, 1, "start");
	wait_for(INIT_READY);
	for (size_t i = 0; i < 3; i++)
		cr_assert_eq(init_command_at(folder,
					     arena_printf(&arena, "cron %s", list[i].process.name),
					     &err),
			     0);
	for (size_t i = 0; i < 3; i++)
		wait_for_runs(list[i].process.name, 1);
	cr_expect_eq(job_status("asked")->last_exit, 7);
	cr_expect_eq(job_status("told")->last_exit, 8);
	cr_expect_eq(job_status("deaf")->last_exit, 128 + SIGKILL);
	cr_expect_not_null(strstr(log_of("cron"), "Z by its own command\n"), "%s", log_of("cron"));
}

Test(pid1, a_job_lives_through_a_reload)
{
	const struct init_process app = process("app", "exec sleep 1000", false);
	const struct init_cron list[] = { job("rare", "0 0 29 2 *",
					      "while [ ! -e /mnt/go ]; do sleep 0.02; done") };
	int pid;

	crons = list;
	n_crons = 1;
	tell(&app, 1, "start");
	wait_for(INIT_READY);
	cr_assert_eq(init_command_at(folder, "cron rare", &err), 0);
	wait_for_start("rare");
	pid = job_status("rare")->pid;
	tell(&app, 1, "reload");
	cr_expect_eq(job_status("rare")->pid, pid);
	close(open(RUN "/go", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	wait_for_runs("rare", 1);
	cr_assert_eq(init_command_at(folder, "cron rare", &err), 0);
	wait_for_runs("rare", 2);
	n_crons = 0;
	tell(&app, 1, "reload");
	cr_expect_eq(now.n_crons, 0);
}

/* The same job always has the same offset from the same time, below the jitter and the period. */
Test(pid1, jitter_is_less_than_the_period)
{
	const struct init_process app = process("app", "exec sleep 1000", false);
	struct init_cron list[] = { job("a", "0 0 1 * *", "exit 0"),
				    job("b", "0 0 1 * *", "exit 0"),
				    job("c", "* * * * *", "exit 0") };
	int64_t a, b;

	for (size_t i = 0; i < 3; i++) {
		list[i].jitter_s = 1200;
		list[i].hash = (uint32_t)i + 77;
	}
	crons = list;
	n_crons = 3;
	tell(&app, 1, "start");
	wait_for_runs("c", 3);
	a = job_status("a")->next_s;
	b = job_status("b")->next_s;
	cr_expect_lt(a % 86400, 1200);
	cr_expect_lt(b % 86400, 1200);
	cr_expect_neq(a, b);
}
