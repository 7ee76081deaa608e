#include "runtime/pool_trim.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "runtime/pool.h"
#include "runtime/volume.h"

/* Those of environments; a snapshot never had more than it has. */
static int trim_volumes(const char *path, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char **folders, **names;
	size_t n_folders, n;

	if (file_list(&arena, path, &folders, &n_folders, err) != 0)
		return -1;
	for (size_t i = 0; i < n_folders; i++) {
		if (strpbrk(folders[i], ".@~"))
			continue;
		if (volume_list(&arena, path, folders[i], &names, &n, err) < 0)
			return -1;
		for (size_t k = 0; k < n; k++)
			if (volume_trim(path, arena_printf(&arena, "%s/%s", folders[i], names[k]),
					err) < 0)
				return -1;
	}
	return 0;
}

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
	if (trim_volumes(path, err) < 0)
		return -1;
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
