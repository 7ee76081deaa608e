#include "runtime/idmap.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"

/* A child in a new user namespace that waits to be killed: fork without the copy of a large heap isn't needed, orch's is small. */
static pid_t start_helper(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

/* user_namespaces(7): one line "inner outer count". */
static int write_map(pid_t pid, const char *which, uint32_t first, struct error *err)
{
	char path[64], line[64];
	AUTO(fd) int fd = -1;
	int len = snprintf(line, sizeof(line), "0 %u %u", first, IDMAP_COUNT);

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, which);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, line, (size_t)len) != len)
		return fail_errno(err, "write %s", which);
	return 0;
}

int idmap_open(uint32_t first, int *userns, struct error *err)
{
	pid_t pid = start_helper();
	char path[64];
	int fd = -1;

	if (pid < 0)
		return fail_errno(err, "new user namespace");
	if (write_map(pid, "uid_map", first, err) == 0 &&
	    write_map(pid, "gid_map", first, err) == 0) {
		snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			fail_errno(err, "open %s", path);
	}
	(void)kill(pid, SIGKILL);
	(void)TEMP_FAILURE_RETRY(waitpid(pid, NULL, 0));
	if (fd < 0)
		return -1;
	*userns = fd;
	return 0;
}
