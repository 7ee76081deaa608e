#include "runtime/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/process.h"
#include "runtime/cgroup.h"
#include "runtime/container.h"
#include "runtime/privs.h"

/* What the command's process says before it is exec'ed, or why it wasn't. */
struct report {
	int outcome; /* EXEC_NOT_FOUND, EXEC_NOT_EXECUTABLE, or -1 */
	struct error why;
};

#define NAMESPACES \
	(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP)

static _Noreturn void give_up(int pipe, int outcome, const struct error *why)
{
	const struct report r = { outcome, *why };

	(void)!write(pipe, &r, sizeof(r));
	_exit(outcome > 0 ? outcome : 125);
}

static int set_stdio(const struct exec_spec *spec, struct error *err)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int from[3];

	if (null < 0)
		return fail_errno(err, "open /dev/null");
	/* Out of the way of 0, 1, 2 first. */
	for (int i = 0; i < 3; i++) {
		from[i] = fcntl(spec->stdio[i] < 0 ? null : spec->stdio[i], F_DUPFD_CLOEXEC, 3);
		if (from[i] < 0)
			return fail_errno(err, "standard descriptors");
	}
	for (int i = 0; i < 3; i++)
		if (dup2(from[i], i) < 0)
			return fail_errno(err, "standard descriptors");
	return 0;
}

static int become_user(const struct container *c, const struct exec_spec *spec, struct error *err)
{
	if (syscall(SYS_setns, c->pidfd, CLONE_NEWUSER) < 0)
		return fail_errno(err, "enter the user namespace");
	if (setgroups(0, NULL) < 0 || setresgid(spec->gid, spec->gid, spec->gid) < 0)
		return fail_errno(err, "become gid %u", spec->gid);
	return 0;
}

static int prepare(const struct container *c, const struct exec_spec *spec,
		   const struct seccomp_filter *filter, struct error *err)
{
	uint64_t keep = spec->uid ? 0 : spec->capabilities ? spec->capabilities : PRIVS_DEFAULT;
	const struct rlimit no_core = { 0, 0 };
	sigset_t none;

	if (set_stdio(spec, err) < 0)
		return -1;
	if (spec->terminal && (setsid() < 0 || ioctl(0, TIOCSCTTY, 0) < 0))
		return fail_errno(err, "take the terminal");
	if (!spec->terminal)
		(void)setsid();
	if (become_user(c, spec, err) < 0)
		return -1;
	/* The folder may be readable by the user alone: look at it as that user. */
	if (privs_drop(keep | (spec->uid ? PRIVS_DEFAULT : 0), filter, err) < 0)
		return -1;
	if (setresuid(spec->uid, spec->uid, spec->uid) < 0)
		return fail_errno(err, "become uid %u", spec->uid);
	if (chdir(spec->folder ? spec->folder : "/") < 0)
		return fail_errno(err, "enter folder %s", spec->folder);
	setrlimit(RLIMIT_CORE, &no_core);
	umask(022);
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	return 0;
}

static _Noreturn void command_main(const struct container *c, const struct exec_spec *spec,
				   const struct seccomp_filter *filter, int pipe)
{
	struct error err;
	int outcome = -1;

	if (prepare(c, spec, filter, &err) < 0)
		give_up(pipe, -1, &err);
	(void)close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
	environ = (char **)(uintptr_t)spec->envp; /* whose PATH execvp(3) looks into */
	execvp(spec->argv[0], (char *const *)(uintptr_t)spec->argv);
	if (errno == ENOENT || errno == ENOTDIR)
		outcome = EXEC_NOT_FOUND;
	else if (errno == EACCES || errno == ENOEXEC || errno == EISDIR)
		outcome = EXEC_NOT_EXECUTABLE;
	fail_errno(&err, "%s", spec->argv[0]);
	give_up(pipe, outcome, &err);
}

static int fail_clone(struct error *err)
{
	if (errno == EAGAIN)
		return fail(err, ERROR_SYSTEM,
			    "the container has no room for another process: its limit of processes "
			    "is reached");
	return fail_errno(err, "clone3");
}

/*
 * Joins the namespaces; a PID namespace counts for children only, so the command is one more
 * process, made as the caller's own child (CLONE_PARENT), which can then wait for it.
 */
static _Noreturn void helper_main(const struct container *c, const struct exec_spec *spec,
				  const struct seccomp_filter *filter, int pipe, int pid_pipe)
{
	struct clone_args args = { .flags = CLONE_PARENT };
	struct error err;
	pid_t pid;

	if (spec->cgroup && cgroup_enter(spec->cgroup, &err) < 0)
		give_up(pipe, -1, &err);
	if (syscall(SYS_setns, c->pidfd, NAMESPACES) < 0) {
		fail_errno(&err, "enter the container");
		give_up(pipe, -1, &err);
	}
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		command_main(c, spec, filter, pipe);
	if (pid < 0) {
		fail_clone(&err);
		give_up(pipe, -1, &err);
	}
	(void)!write(pid_pipe, &pid, sizeof(pid));
	_exit(0);
}

static int start_helper(const struct container *c, const struct exec_spec *spec,
			const struct seccomp_filter *filter, int *report, pid_t *pid,
			struct error *err)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	int p[2], q[2];
	pid_t helper;

	if (pipe2(p, O_CLOEXEC) < 0)
		return fail_errno(err, "pipe");
	if (pipe2(q, O_CLOEXEC) < 0) {
		fail_errno(err, "pipe");
		close(p[0]);
		close(p[1]);
		return -1;
	}
	helper = cgroup_clone(spec->cgroup, &args);
	if (helper == 0)
		helper_main(c, spec, filter, p[1], q[1]);
	close(p[1]);
	close(q[1]);
	*report = p[0];
	*pid = -1;
	if (helper > 0) {
		if (TEMP_FAILURE_RETRY(read(q[0], pid, sizeof(*pid))) != sizeof(*pid))
			*pid = -1;
		(void)process_wait(helper);
	}
	close(q[0]);
	return helper < 0 ? fail_clone(err) : 0;
}

int exec_start(const struct container *c, const struct exec_spec *spec, pid_t *out,
	       struct error *err)
{
	const struct seccomp_filter *filter = seccomp_get(err);
	AUTO(fd) int report_fd = -1;
	struct report report;
	pid_t pid = -1;
	ssize_t got;

	if (!filter || start_helper(c, spec, filter, &report_fd, &pid, err) < 0)
		return -1;
	got = TEMP_FAILURE_RETRY(read(report_fd, &report, sizeof(report)));
	if (got == 0 && pid > 0) {
		*out = pid; /* the pipe was closed by exec */
		return 0;
	}
	if (pid > 0)
		(void)process_wait(pid);
	if (got != (ssize_t)sizeof(report))
		return fail(err, ERROR_SYSTEM, "the command ended before it began");
	report.why.text[sizeof(report.why.text) - 1] = '\0';
	*err = report.why;
	return report.outcome > 0 ? report.outcome : -1;
}
