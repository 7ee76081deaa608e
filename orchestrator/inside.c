#include "orchestrator/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/process.h"
#include "base/text.h"
#include "orchestrator/control.h"
#include "runtime/cgroup.h"
#include "runtime/container.h"
#include "runtime/exec.h"

#define LINE_MAX_BYTES 2000
#define LOOK_MS 200 /* how often whether it is cancelled */

enum ending { ENDED, LATE, CANCELLED };

/* The conversation with one command: what is still to be written, and the lines that came. */
struct talk {
	const struct inside_spec *spec;
	size_t written;
	int in, out, errors;
	int pidfd; /* of the command */
	struct text line;
	char last[200];
};

static void end_line(struct talk *t)
{
	if (t->line.size)
		snprintf(t->last, sizeof(t->last), "%s", text_get(&t->line));
	if (t->spec->line)
		t->spec->line(t->spec->ctx, text_get(&t->line));
	t->line.size = 0;
}

static void take_lines(struct talk *t, const char *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (data[i] == '\n' || t->line.size == LINE_MAX_BYTES)
			end_line(t);
		if (data[i] != '\n')
			text_add_bytes(&t->line, &data[i], 1);
	}
}

static void write_some(struct talk *t)
{
	size_t size = t->spec->input ? strlen(t->spec->input) : 0;
	ssize_t put = write(t->in, t->spec->input + t->written, size - t->written);

	if (put > 0)
		t->written += (size_t)put;
	if (t->written == size || (put < 0 && errno != EAGAIN && errno != EINTR))
		auto_fd(&t->in);
}

static void read_some(struct talk *t, int *fd)
{
	char block[1 << 14];
	ssize_t got = TEMP_FAILURE_RETRY(read(*fd, block, sizeof(block)));

	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0) {
		auto_fd(fd);
		return;
	}
	if (fd == &t->errors)
		take_lines(t, block, (size_t)got);
	else if (t->spec->output->size + (size_t)got <= t->spec->output_max)
		text_add_bytes(t->spec->output, block, (size_t)got);
}

static bool cancelled(const struct inside_spec *s)
{
	return control_interrupts || (s->cancelled && s->cancelled(s->cancel_ctx));
}

/* Until all its output has come, or it has ended, whoever else holds its output. */
static enum ending converse(struct talk *t)
{
	uint64_t timeout = t->spec->timeout_ms ? t->spec->timeout_ms : 3600000;
	uint64_t end = clock_ms() + timeout;

	while (t->out >= 0 || t->errors >= 0) {
		struct pollfd fds[] = { { .fd = t->in, .events = POLLOUT },
					{ .fd = t->out, .events = POLLIN },
					{ .fd = t->errors, .events = POLLIN },
					{ .fd = t->pidfd, .events = POLLIN } };
		uint64_t now = clock_ms();
		bool quiet;

		if (cancelled(t->spec))
			return CANCELLED;
		if (now >= end)
			return LATE;
		if (poll(fds, ARRAY_SIZE(fds), (int)(end - now < LOOK_MS ? end - now : LOOK_MS)) <
		    0)
			continue;
		quiet = !(fds[1].revents | fds[2].revents);
		if (fds[0].revents)
			write_some(t);
		if (fds[1].revents)
			read_some(t, &t->out);
		if (fds[2].revents)
			read_some(t, &t->errors);
		if (quiet && fds[3].revents)
			break;
	}
	return ENDED;
}

static int make_pipe(int *inner, int *outer, bool inner_reads, struct error *err)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		return fail_errno(err, "pipe");
	*inner = p[inner_reads ? 0 : 1];
	*outer = p[inner_reads ? 1 : 0];
	return fcntl(*outer, F_SETFL, O_NONBLOCK) < 0 ? fail_errno(err, "pipe") : 0;
}

static int start(struct talk *t, pid_t *pid, struct error *err)
{
	AUTO(fd) int in = -1;
	AUTO(fd) int out = -1;
	AUTO(fd) int errors = -1;
	struct cgroup_entry cgroup = CGROUP_ENTRY_NONE;
	const struct inside_spec *s = t->spec;
	struct exec_spec spec = {
		.argv = s->argv, .envp = s->env, .folder = s->folder, .uid = s->uid, .gid = s->gid
	};
	int r;

	if (make_pipe(&in, &t->in, true, err) < 0 ||
	    make_pipe(&errors, &t->errors, false, err) < 0 ||
	    (s->output && make_pipe(&out, &t->out, false, err) < 0))
		return -1;
	if (s->cgroup && cgroup_open(s->cgroup, &cgroup, err) < 0)
		return -1;
	spec.cgroup = s->cgroup ? &cgroup : NULL;
	spec.stdio[0] = in;
	spec.stdio[1] = s->output ? out : errors;
	spec.stdio[2] = errors;
	r = exec_start(s->c, &spec, pid, err);
	cgroup_close(&cgroup);
	return r == 0 ? 0 : -1;
}

int inside_run(const struct inside_spec *spec, struct error *err)
{
	struct talk t = { .spec = spec, .in = -1, .out = -1, .errors = -1, .pidfd = -1 };
	enum ending ending;
	int r, code = 0;
	pid_t pid;

	r = start(&t, &pid, err);
	if (r == 0) {
		t.pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
		ending = converse(&t);
		if (ending != ENDED)
			(void)kill(-pid, SIGKILL); /* it leads a session of its own */
		code = process_wait(pid);
		if (t.line.size)
			end_line(&t);
		if (ending == CANCELLED)
			r = fail(err, ERROR_INTERRUPTED, "interrupted");
		else if (ending == LATE)
			r = fail(err, ERROR_TIMEOUT, "did not end in time, killed");
		else if (code != 0)
			r = fail(err, ERROR_SYSTEM, "exit %d%s%s", code, *t.last ? ": " : "",
				 t.last);
	}
	auto_fd(&t.in);
	auto_fd(&t.out);
	auto_fd(&t.errors);
	auto_fd(&t.pidfd);
	text_clear(&t.line);
	return r;
}
