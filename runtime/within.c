#include "runtime/within.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "runtime/container.h"

int within_mounts(const struct container *c, int (*work)(void *ctx, struct error *err), void *ctx,
		  struct error *err)
{
	struct error why = { 0 };
	int p[2], status;
	ssize_t got;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) < 0)
		return fail_errno(err, "pipe");
	pid = fork();
	if (pid == 0) {
		/* The mount namespace brings its root and working directory: setns(2). */
		int r = (int)syscall(SYS_setns, c->pidfd, CLONE_NEWNS) < 0
			? fail_errno(&why, "enter the container's mounts")
			: work(ctx, &why);

		if (r < 0)
			(void)!write(p[1], &why, sizeof(why));
		_exit(r < 0);
	}
	close(p[1]);
	if (pid < 0) {
		close(p[0]);
		return fail_errno(err, "fork");
	}
	got = TEMP_FAILURE_RETRY(read(p[0], &why, sizeof(why)));
	close(p[0]);
	(void)TEMP_FAILURE_RETRY(waitpid(pid, &status, 0));
	if (got == (ssize_t)sizeof(why)) {
		*err = why;
		return -1;
	}
	return status == 0 ? 0 : fail(err, ERROR_SYSTEM, "what was done in a container was killed");
}
