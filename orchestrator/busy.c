#include "orchestrator/busy.h"

#include <fcntl.h>
#include <sys/file.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "orchestrator/record.h"

static int lock(const struct host *h, const char *environment, int how, int *out, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *path = record_path(&arena, h, environment, "busy");
	AUTO(fd) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return fail_errno(err, "open %s", path);
	if (TEMP_FAILURE_RETRY(flock(fd, how)) < 0)
		return errno == EWOULDBLOCK ? BUSY : fail_errno(err, "lock %s", path);
	*out = TAKE_FD(fd);
	return 0;
}

int busy_hold(const struct host *h, const char *environment, int *out, struct error *err)
{
	return lock(h, environment, LOCK_SH, out, err);
}

int busy_exclude(const struct host *h, const char *environment, int *out, struct error *err)
{
	return lock(h, environment, LOCK_EX | LOCK_NB, out, err);
}
