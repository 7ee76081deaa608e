#include "runtime/tunnel.h"

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "runtime/container.h"
#include "runtime/within.h"

#define BACKLOG 16

struct place {
	struct sockaddr_un at;
	int fd;
};

static int bind_inside(void *ctx, struct error *err)
{
	const struct place *place = ctx;
	const struct sockaddr *at = (const struct sockaddr *)&place->at;
	AUTO(fd) int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (probe < 0)
		return fail_errno(err, "socket");
	if (connect(probe, at, sizeof(place->at)) == 0 || errno == EAGAIN)
		return fail(err, ERROR_CONFLICT, "somebody listens at %s already",
			    place->at.sun_path);
	if (errno == ECONNREFUSED && unlink(place->at.sun_path) < 0)
		return fail_errno(err, "remove %s", place->at.sun_path);
	umask(0);
	return bind(place->fd, at, sizeof(place->at)) < 0
		? fail_errno(err, "listen at %s", place->at.sun_path)
		: 0;
}

int tunnel_listen(const struct container *c, const char *path, struct error *err)
{
	AUTO(fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct place place = { .at.sun_family = AF_UNIX, .fd = fd };

	if (fd < 0)
		return fail_errno(err, "socket");
	if (strlen(path) >= sizeof(place.at.sun_path))
		return fail(err, ERROR_INPUT, "%s: too long for a socket: unix(7)", path);
	strcpy(place.at.sun_path, path);
	/* The path is looked up in the child's mounts; the socket is ours as well. */
	if (within_mounts(c, bind_inside, &place, err) < 0)
		return -1;
	return listen(fd, BACKLOG) < 0 ? fail_errno(err, "listen at %s", path) : TAKE_FD(fd);
}

static bool put_all(int fd, const char *data, size_t n)
{
	for (ssize_t done; n; data += done, n -= (size_t)done) {
		done = TEMP_FAILURE_RETRY(send(fd, data, n, MSG_NOSIGNAL));
		if (done <= 0)
			return false;
	}
	return true;
}

/* Both ways, until both have ended. */
static void carry(int a, int b)
{
	struct pollfd ends[] = { { .fd = a, .events = POLLIN }, { .fd = b, .events = POLLIN } };
	char data[16384];

	while ((ends[0].fd >= 0 || ends[1].fd >= 0) &&
	       TEMP_FAILURE_RETRY(poll(ends, ARRAY_SIZE(ends), -1)) > 0)
		for (int i = 0; i < 2; i++) {
			int to = i ? a : b;
			ssize_t n;

			if (ends[i].fd < 0 || !ends[i].revents)
				continue;
			n = TEMP_FAILURE_RETRY(read(ends[i].fd, data, sizeof(data)));
			if (n > 0 && put_all(to, data, (size_t)n))
				continue;
			if (n > 0)
				return;
			(void)shutdown(to, SHUT_WR);
			ends[i].fd = -1;
		}
}

static int host_port(uint16_t port)
{
	const struct sockaddr_in at = { .sin_family = AF_INET,
					.sin_port = htons(port),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)&at, sizeof(at)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int take_one(int listener, uint16_t port, void (*met)(void *ctx, bool connected), void *ctx,
		    struct error *err)
{
	AUTO(fd) int from = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	AUTO(fd) int to = -1;
	pid_t self = getpid(), pid;

	if (from < 0)
		return errno == ECONNABORTED ? 0 : fail_errno(err, "accept");
	to = host_port(port);
	met(ctx, to >= 0);
	if (to < 0)
		return 0;
	pid = fork();
	if (pid < 0)
		return fail_errno(err, "fork");
	if (pid == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == self)
			carry(from, to);
		_exit(0);
	}
	return 0;
}

int tunnel_serve(const struct container *c, int listener, uint16_t port,
		 void (*met)(void *ctx, bool connected), void *ctx, struct error *err)
{
	struct pollfd list[] = { { .fd = listener, .events = POLLIN },
				 { .fd = c->pidfd, .events = POLLIN } };

	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		if (TEMP_FAILURE_RETRY(poll(list, ARRAY_SIZE(list), -1)) < 0)
			return fail_errno(err, "poll");
		if (list[1].revents)
			return 0;
		if (list[0].revents && take_one(listener, port, met, ctx, err) < 0)
			return -1;
	}
}
