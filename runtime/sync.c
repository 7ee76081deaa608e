#include "runtime/sync.h"

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"

struct message {
	enum sync_step step;
	struct error why; /* SYNC_FAILED only */
};

#define SHORT_MESSAGE offsetof(struct message, why)

int sync_open(int *parent, int *child, struct error *err)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return fail_errno(err, "socketpair");
	*parent = pair[0];
	*child = pair[1];
	return 0;
}

int sync_send(int fd, enum sync_step step, struct error *err)
{
	const struct message m = { .step = step };

	if (TEMP_FAILURE_RETRY(send(fd, &m, SHORT_MESSAGE, MSG_NOSIGNAL)) < 0)
		return fail_errno(err, "tell the child");
	return 0;
}

/* 0 with *m filled, 1 at the end of file, -1 with *err. */
static int receive(int fd, struct message *m, struct error *err)
{
	ssize_t got = TEMP_FAILURE_RETRY(recv(fd, m, sizeof(*m), 0));

	if (got == 0 || (got < 0 && errno == ECONNRESET))
		return 1;
	if (got < 0)
		return fail_errno(err, "hear from the other side");
	if (m->step == SYNC_FAILED && (size_t)got == sizeof(*m)) {
		m->why.text[sizeof(m->why.text) - 1] = '\0';
		*err = m->why;
		return -1;
	}
	if ((size_t)got != SHORT_MESSAGE || m->step > SYNC_EXEC)
		return fail(err, ERROR_SYSTEM, "garbled message while starting");
	return 0;
}

int sync_expect(int fd, enum sync_step step, struct error *err)
{
	struct message m;
	int r = receive(fd, &m, err);

	if (r > 0 || (r == 0 && m.step != step))
		return fail(err, ERROR_SYSTEM, "the other side ended while starting");
	return r;
}

int sync_expect_exec(int fd, struct error *err)
{
	struct message m;
	int r = receive(fd, &m, err);

	if (r == 0)
		return fail(err, ERROR_SYSTEM, "garbled message instead of a start");
	return r < 0 ? -1 : 0;
}

void sync_send_failure(int fd, const struct error *why)
{
	const struct message m = { .step = SYNC_FAILED, .why = *why };

	(void)send(fd, &m, sizeof(m), MSG_NOSIGNAL);
}
