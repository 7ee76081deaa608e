#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/text.h"

static _Noreturn void become(const struct process_spec *spec, int out, int errors)
{
	int null = open("/dev/null", O_RDONLY);
	sigset_t none;

	if (!spec->outlives)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(errors, 2) < 0)
		_exit(126);
	close_range(3, ~0u, 0);
	for (size_t i = 0; spec->env && spec->env[i]; i++)
		putenv((char *)(uintptr_t)spec->env[i]);
	if (spec->uid && (setgroups(0, NULL) < 0 || setgid(spec->gid) < 0 || setuid(spec->uid) < 0))
		_exit(126);
	if (spec->folder && chdir(spec->folder) < 0) {
		dprintf(2, "%s: %s\n", spec->folder, strerror(errno));
		_exit(126);
	}
	execvp(spec->argv[0], (char *const *)(uintptr_t)spec->argv);
	dprintf(2, "%s: %s\n", spec->argv[0], strerror(errno));
	_exit(127);
}

/* Lines of one stream: what is not yet a whole line, and the last line with anything on it. */
struct lines {
	char part[1000];
	size_t n;
	char last[1000];
};

static void end_line(const struct process_spec *spec, struct lines *l)
{
	l->part[l->n] = '\0';
	if (l->n)
		memcpy(l->last, l->part, l->n + 1);
	if (spec->line)
		spec->line(spec->ctx, l->part);
	else
		fprintf(stderr, "%s\n", l->part);
	l->n = 0;
}

static void take_lines(const struct process_spec *spec, struct lines *l, const char *data,
		       size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (data[i] == '\n' || data[i] == '\r' || l->n == sizeof(l->part) - 1)
			end_line(spec, l);
		if (data[i] != '\n' && data[i] != '\r')
			l->part[l->n++] = data[i];
	}
}

static void take_output(const struct process_spec *spec, const char *data, size_t size)
{
	size_t max = spec->out_max ? spec->out_max : 1 << 20;
	size_t room = max - (spec->out->size < max ? spec->out->size : max);

	text_add_bytes(spec->out, data, size < room ? size : room);
}

/* Reads both streams until they end. */
static void drain(const struct process_spec *spec, int out, int errors, struct lines *l)
{
	struct pollfd fds[] = { { .fd = errors, .events = POLLIN },
				{ .fd = out, .events = POLLIN } };
	char block[1 << 14];

	while (fds[0].fd >= 0 || fds[1].fd >= 0) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			return;
		for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
			ssize_t got;

			if (fds[i].fd < 0 || !fds[i].revents)
				continue;
			got = TEMP_FAILURE_RETRY(read(fds[i].fd, block, sizeof(block)));
			if (got <= 0)
				fds[i].fd = -1;
			else if (i == 1 && spec->out)
				take_output(spec, block, (size_t)got);
			else
				take_lines(spec, l, block, (size_t)got);
		}
	}
	if (l->n)
		end_line(spec, l);
}

int process_wait(pid_t pid)
{
	int status;

	if (TEMP_FAILURE_RETRY(waitpid(pid, &status, 0)) < 0)
		return 255;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int process_run(const struct process_spec *spec, struct error *err)
{
	AUTO(fd) int out_read = -1;
	AUTO(fd) int out_write = -1;
	AUTO(fd) int err_read = -1;
	AUTO(fd) int err_write = -1;
	struct lines l = { 0 };
	int p[2], code;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) < 0)
		return fail_errno(err, "pipe");
	err_read = p[0];
	err_write = p[1];
	if (spec->out) {
		if (pipe2(p, O_CLOEXEC) < 0)
			return fail_errno(err, "pipe");
		out_read = p[0];
		out_write = p[1];
	}
	fflush(stderr);
	pid = fork();
	if (pid < 0)
		return fail_errno(err, "fork");
	if (pid == 0)
		become(spec, spec->out ? out_write : err_write, err_write);
	auto_fd(&out_write);
	auto_fd(&err_write);
	drain(spec, out_read, err_read, &l);
	code = process_wait(pid);
	if (code == 0)
		return 0;
	if (code > 128)
		return fail(err, ERROR_SYSTEM, "%s: killed by signal %d%s%s", spec->argv[0],
			    code - 128, *l.last ? ": " : "", l.last);
	return fail(err, ERROR_SYSTEM, "%s: exit %d%s%s", spec->argv[0], code, *l.last ? ": " : "",
		    l.last);
}

uint64_t process_start_time(pid_t pid)
{
	AUTO(file) FILE *f = NULL;
	char path[32], stat[1024];
	const char *p;
	size_t got;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	got = f ? fread(stat, 1, sizeof(stat) - 1, f) : 0;
	stat[got] = '\0';
	p = strrchr(stat, ')'); /* the name may hold spaces and parentheses */
	if (!p || p[1] == '\0')
		return 0;
	p += 2; /* now at field 3 */
	if (*p == 'Z' || *p == 'X')
		return 0; /* it ended, and nobody has asked yet how */
	for (int field = 3; field < 22; field++) {
		p = strchr(p, ' ');
		if (!p)
			return 0;
		p++;
	}
	return strtoull(p, NULL, 10);
}
