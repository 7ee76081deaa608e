#include "runtime/pool_trim.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "runtime/pool.h"
#include "runtime/volume.h"

int pool_trim(const char *path, uint64_t *given, struct error *err)
{
	struct fstrim_range all = { .len = UINT64_MAX };
	struct pool_space before, after;
	AUTO(fd) int fd = -1;

	*given = 0;
	if (!pool_mounted(path))
		return POOL_NO_FILE;
	if (pool_room(path, &before, err) < 0)
		return -1;
	if (!before.file)
		return POOL_NO_FILE;
	if (before.held)
		return POOL_HELD;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, "open %s", path);
	/* What is free only once it is committed is given back as well. Of a full one that fails. */
	(void)syncfs(fd);
	if (ioctl(fd, FITRIM, &all) < 0)
		return errno == EOPNOTSUPP
			? fail(err, ERROR_HOST,
			       "%s.img: the file system below it can't make holes in files", path)
			: fail_errno(err, "%s: trim", path);
	if (pool_room(path, &after, err) < 0)
		return -1;
	if (after.file_taken < before.file_taken)
		*given = before.file_taken - after.file_taken;
	return 0;
}
