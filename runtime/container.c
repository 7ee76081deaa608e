#include "runtime/container.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/process.h"
#include "runtime/cgroup.h"
#include "runtime/child.h"
#include "runtime/privs.h"
#include "runtime/sync.h"

#define ENDING_MS 2000

/* The cgroup namespace is made by the child once it is in its group; the user namespace is entered last. */
#define NAMESPACES (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET)

static pid_t clone_child(const struct cgroup_entry *group, int *pidfd)
{
	struct clone_args args = {
		.flags = NAMESPACES | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)pidfd,
		.exit_signal = SIGCHLD,
	};

	return cgroup_clone(group, &args);
}

static int open_netns(struct container *c, struct error *err)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)c->pid);
	c->netns_fd = open(path, O_RDONLY | O_CLOEXEC);
	return c->netns_fd < 0 ? fail_errno(err, "open %s", path) : 0;
}

int container_create(const struct container_spec *spec, struct container *out, struct error *err)
{
	const struct seccomp_filter *filter = seccomp_get(err);
	struct container c = CONTAINER_NONE;
	AUTO(fd) int child_end = -1;

	if (!filter || sync_open(&c.sync, &child_end, err) < 0)
		return -1;
	c.pid = clone_child(spec->cgroup, &c.pidfd);
	if (c.pid == 0) {
		close(c.sync); /* or the end of our parent would never be seen */
		child_main(spec, filter, child_end);
	}
	if (c.pid < 0) {
		fail_errno(err, "clone3");
		c.pid = 0;
		container_release(&c);
		return -1;
	}
	auto_fd(&child_end); /* or we would never see the end of the child */
	c.start_time = process_start_time(c.pid);
	if (open_netns(&c, err) < 0) {
		struct error why;

		/* It may have ended already, and said why. */
		if (!container_alive(&c) && sync_expect(c.sync, SYNC_READY, &why) < 0)
			*err = why;
		container_kill(&c);
		container_release(&c);
		return -1;
	}
	*out = c;
	return 0;
}

int container_exec(struct container *c, struct error *err)
{
	AUTO(fd) int sync = TAKE_FD(c->sync);

	if (sync_expect(sync, SYNC_READY, err) < 0 || sync_send(sync, SYNC_EXEC, err) < 0)
		return -1;
	return sync_expect_exec(sync, err);
}

int container_adopt(pid_t pid, uint64_t start_time, struct container *out, struct error *err)
{
	struct container c = CONTAINER_NONE;

	c.pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (c.pidfd < 0)
		return errno == ESRCH ? CONTAINER_GONE : fail_errno(err, "pidfd_open %d", (int)pid);
	c.pid = pid;
	c.start_time = start_time;
	/* Read after the pidfd was opened: from now on the pid can't become somebody else's unseen. */
	if (process_start_time(pid) != start_time || !container_alive(&c)) {
		container_release(&c);
		return CONTAINER_GONE;
	}
	if (open_netns(&c, err) < 0) {
		bool gone = !container_alive(&c);

		container_release(&c);
		return gone ? CONTAINER_GONE : -1;
	}
	*out = c;
	return 0;
}

bool container_alive(const struct container *c)
{
	struct pollfd p = { .fd = c->pidfd, .events = POLLIN };

	return c->pidfd >= 0 && poll(&p, 1, 0) == 0;
}

void container_kill(struct container *c)
{
	struct pollfd p = { .fd = c->pidfd, .events = POLLIN };

	if (c->pidfd < 0)
		return;
	(void)syscall(SYS_pidfd_send_signal, c->pidfd, SIGKILL, NULL, 0);
	(void)TEMP_FAILURE_RETRY(poll(&p, 1, -1));
	(void)waitpid(c->pid, NULL, WNOHANG); /* ours only if we made it */
}

void container_release(struct container *c)
{
	auto_fd(&c->pidfd);
	auto_fd(&c->netns_fd);
	auto_fd(&c->sync);
	*c = CONTAINER_NONE;
}

/* A process that is ending has lost its /proc/PID/root and namespaces before its pidfd tells: wait for that. */
static int fail_inside(const struct container *c, const char *what, struct error *err)
{
	struct pollfd p = { .fd = c->pidfd, .events = POLLIN };
	int errnum = errno;

	if ((errnum == ENOENT || errnum == ESRCH) && TEMP_FAILURE_RETRY(poll(&p, 1, ENDING_MS)) > 0)
		return fail(err, ERROR_SYSTEM, "the container ended");
	errno = errnum;
	return fail_errno(err, "%s", what);
}

int container_open_folder(const struct container *c, const char *path, struct error *err)
{
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	AUTO(fd) int root = -1;
	char proc[64];
	int fd;

	snprintf(proc, sizeof(proc), "/proc/%d/root", (int)c->pid);
	root = open(proc, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return fail_inside(c, "open the container's root", err);
	/* Was it still the same process when its root was opened? */
	if (!container_alive(c))
		return fail(err, ERROR_SYSTEM, "the container ended");
	fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	return fd < 0 ? fail_errno(err, "open %s in the container", path) : fd;
}
