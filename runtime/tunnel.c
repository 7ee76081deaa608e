#include "runtime/tunnel.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "runtime/container.h"

#define BACKLOG 16

/* In a child. An errno value. */
static int bind_inside(const struct container *c, int fd, const struct sockaddr_un *at)
{
	int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* The mount namespace brings its root and working directory: setns(2). */
	if (probe < 0 || syscall(SYS_setns, c->pidfd, CLONE_NEWNS) < 0)
		return errno;
	if (connect(probe, (const struct sockaddr *)at, sizeof(*at)) == 0)
		return EADDRINUSE;
	if (errno == ECONNREFUSED && unlink(at->sun_path) < 0)
		return errno;
	umask(0);
	return bind(fd, (const struct sockaddr *)at, sizeof(*at)) < 0 ? errno : 0;
}

int tunnel_listen(const struct container *c, const char *path, struct error *err)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	AUTO(fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int status;
	pid_t pid;

	if (fd < 0)
		return fail_errno(err, "socket");
	if (strlen(path) >= sizeof(at.sun_path))
		return fail(err, ERROR_INPUT, "%s: too long for a socket: unix(7)", path);
	strcpy(at.sun_path, path);
	/* The path is looked up in the child's mounts; the socket is ours as well. */
	pid = fork();
	if (pid == 0)
		_exit(bind_inside(c, fd, &at));
	if (pid < 0 || TEMP_FAILURE_RETRY(waitpid(pid, &status, 0)) < 0)
		return fail_errno(err, "fork");
	if (!WIFEXITED(status))
		return fail(err, ERROR_SYSTEM, "%s: whoever made it was killed", path);
	if (WEXITSTATUS(status) == EADDRINUSE)
		return fail(err, ERROR_CONFLICT, "somebody listens at %s already", path);
	errno = WEXITSTATUS(status);
	if (errno || listen(fd, BACKLOG) < 0)
		return fail_errno(err, "listen at %s", path);
	return TAKE_FD(fd);
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
