#include "netplan/netns.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/error.h"

int netns_open(int *out, struct error *err)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return fail_errno(err, "open /proc/thread-self/ns/net");
	*out = fd;
	return 0;
}

int netns_enter(int netns, int *home, struct error *err)
{
	AUTO(fd) int here = -1;

	if (netns_open(&here, err) < 0)
		return -1;
	if (setns(netns, CLONE_NEWNET) < 0)
		return fail_errno(err, "enter network namespace");
	*home = TAKE_FD(here);
	return 0;
}

int netns_make(int *home, struct error *err)
{
	AUTO(fd) int here = -1;

	if (netns_open(&here, err) < 0)
		return -1;
	if (unshare(CLONE_NEWNET) < 0)
		return fail_errno(err, "make network namespace");
	*home = TAKE_FD(here);
	return 0;
}

void netns_leave(int *home)
{
	if (*home < 0)
		return;
	if (setns(*home, CLONE_NEWNET) < 0)
		abort();
	auto_fd(home);
}

int netns_set(const char *name, const char *value, struct error *err)
{
	AUTO(fd) int fd = -1;
	char path[128];

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, "open %s", path);
	if (write(fd, value, strlen(value)) < 0)
		return fail_errno(err, "write %s to %s", value, path);
	return 0;
}

int netns_set_if_any(const char *name, const char *value, struct error *err)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	return access(path, F_OK) < 0 && errno == ENOENT ? 0 : netns_set(name, value, err);
}
