#include "orchestrator/control.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "orchestrator/record.h"

#define LINE_MAX_BYTES (1u << 20)

volatile int control_interrupts;

/* Paths of sockets are short (unix(7)): reach a long one through its folder's descriptor. */
static int address_of(const struct host *h, const char *environment, int *folder,
		      struct sockaddr_un *out, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *path = record_path(&arena, h, environment, "");
	DIR *d = opendir(path);

	if (!d)
		return errno == ENOENT ? CONTROL_ABSENT : fail_errno(err, "open %s", path);
	*folder = dup(dirfd(d));
	closedir(d);
	if (*folder < 0)
		return fail_errno(err, "dup");
	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(out->sun_path, sizeof(out->sun_path), "/proc/self/fd/%d/control", *folder);
	return 0;
}

int control_listen(const struct host *h, const char *environment, int *out, struct error *err)
{
	AUTO(fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	AUTO(fd) int folder = -1;
	struct sockaddr_un address;
	int r = address_of(h, environment, &folder, &address, err);

	if (r != 0)
		return r < 0 ? -1 : fail(err, ERROR_SYSTEM, "no run folder of %s", environment);
	(void)unlinkat(folder, "control", 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)(void *)&address, sizeof(address)) < 0 ||
	    fchmodat(folder, "control", 0600, 0) < 0 || listen(fd, 16) < 0)
		return fail_errno(err, "control socket");
	*out = TAKE_FD(fd);
	return 0;
}

int control_connect(const struct host *h, const char *environment, int *out, struct error *err)
{
	AUTO(fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	AUTO(fd) int folder = -1;
	struct sockaddr_un address;
	int r = address_of(h, environment, &folder, &address, err);

	if (r != 0)
		return r;
	if (fd < 0)
		return fail_errno(err, "socket");
	if (connect(fd, (struct sockaddr *)(void *)&address, sizeof(address)) < 0) {
		if (errno == ENOENT || errno == ECONNREFUSED)
			return CONTROL_ABSENT;
		return fail_errno(err, "connect to the supervisor of %s", environment);
	}
	*out = TAKE_FD(fd);
	return 0;
}

int control_send(int fd, const struct json_t *message, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *text = arena_printf(&arena, "%s\n", json_print(&arena, message, FORM_COMPACT));
	size_t size = strlen(text);

	while (size > 0) {
		ssize_t put = TEMP_FAILURE_RETRY(send(fd, text, size, MSG_NOSIGNAL));

		if (put < 0)
			return fail_errno(err, "send to peer");
		text += put;
		size -= (size_t)put;
	}
	return 0;
}

/* Byte by byte: lines are few and short, and nothing is read beyond one. 1 at the end of the stream. */
static int receive_line(int fd, struct text *line, struct error *err)
{
	char c;

	for (;;) {
		ssize_t got = recv(fd, &c, 1, 0);

		if (got < 0)
			return errno == EINTR ? 2 : fail_errno(err, "receive from peer");
		if (got == 0)
			return 1;
		if (c == '\n')
			return 0;
		if (line->size == LINE_MAX_BYTES)
			return fail(err, ERROR_SYSTEM, "peer sent an endless line");
		text_add_bytes(line, &c, 1);
	}
}

struct json_t *control_receive(int fd, struct error *err)
{
	AUTO(text) struct text line = { 0 };
	int r = receive_line(fd, &line, err);

	if (r > 0)
		fail(err, ERROR_SYSTEM, "peer ended the connection");
	return r == 0 ? json_parse("control", text_get(&line), line.size, err) : NULL;
}

static int end_of(const struct json_t *message, struct error *err)
{
	int64_t code = json_get_number(message, "exit", 1);

	if (code == 0)
		return 0;
	return fail(err, (enum error_kind)code, "%s", json_get_text(message, "text", "failed"));
}

static int next_line(int fd, struct text *line, int *cancelled, struct error *err)
{
	int r;

	while ((r = receive_line(fd, line, err)) == 2) {
		if (control_interrupts > 1)
			return fail(err, ERROR_INTERRUPTED,
				    "interrupted; the supervisor carries on: orch status");
		if (control_interrupts == 1 && !*cancelled) {
			*cancelled = 1;
			(void)send(fd, "cancel\n", 7, MSG_NOSIGNAL);
		}
	}
	if (r == 0)
		return 0;
	/* Reset: it ended and never read the request. */
	if (r < 0 && err->errnum != ECONNRESET)
		return -1;
	fail(err, ERROR_SYSTEM,
	     "the supervisor ended; the next command carries on where it left off");
	return *cancelled ? -1 : CONTROL_ABSENT;
}

int control_call(int fd, const struct json_t *request, control_event *event, void *ctx,
		 struct error *err)
{
	int cancelled = 0, r;

	/* A peer that is gone already is seen by who waits for the answer. */
	if (control_send(fd, request, err) < 0 && err->errnum != EPIPE && err->errnum != ECONNRESET)
		return -1;
	for (;;) {
		AUTO(text) struct text line = { 0 };
		AUTO(json) struct json_t *message = NULL;

		r = next_line(fd, &line, &cancelled, err);
		if (r != 0)
			return r;
		message = json_parse("control", text_get(&line), line.size, err);
		if (!message)
			return -1;
		if (json_get_flag(message, "done", false))
			return end_of(message, err);
		if (event)
			event(ctx, message);
	}
}
