#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"

int file_read(struct arena *arena, int dir, const char *path, size_t max, char **out, size_t *size,
	      struct error *err)
{
	AUTO(fd) int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t have = 0, room = 4096;
	char *data;

	if (fd < 0)
		return errno == ENOENT ? FILE_ABSENT : fail_errno(err, "open %s", path);
	data = arena_alloc(arena, room + 1);
	for (;;) {
		ssize_t got = TEMP_FAILURE_RETRY(read(fd, data + have, room - have));

		if (got < 0)
			return fail_errno(err, "read %s", path);
		if (got == 0)
			break;
		have += (size_t)got;
		if (have > max)
			return fail(err, ERROR_INPUT, "%s: larger than %zu bytes", path, max);
		if (have == room) {
			char *bigger = arena_alloc(arena, room * 2 + 1);

			memcpy(bigger, data, have);
			data = bigger;
			room *= 2;
		}
	}
	data[have] = '\0';
	*out = data;
	if (size)
		*size = have;
	return 0;
}

static int write_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t put = TEMP_FAILURE_RETRY(write(fd, data, size));

		if (put < 0)
			return -1;
		data += put;
		size -= (size_t)put;
	}
	return 0;
}

int file_write(int dir, const char *path, const void *data, size_t size, mode_t mode, bool durable,
	       struct error *err)
{
	AUTO(fd) int fd = -1;
	char beside[PATH_MAX];

	if ((size_t)snprintf(beside, sizeof(beside), "%s.%d~", path, (int)getpid()) >=
	    sizeof(beside))
		return fail(err, ERROR_SYSTEM, "%s: path too long", path);
	fd = openat(dir, beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return fail_errno(err, "create %s", beside);
	if (write_all(fd, data, size) < 0 || fchmod(fd, mode) < 0 || (durable && fsync(fd) < 0) ||
	    renameat(dir, beside, dir, path) < 0) {
		fail_errno(err, "write %s", path);
		(void)unlinkat(dir, beside, 0);
		return -1;
	}
	return 0;
}

static int make_dir(const char *path, mode_t mode)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return 0;
	if (errno != EEXIST || stat(path, &st) < 0)
		return -1;
	errno = ENOTDIR;
	return S_ISDIR(st.st_mode) ? 0 : -1;
}

int file_make_dirs(const char *path, mode_t mode, struct error *err)
{
	char part[PATH_MAX];
	size_t len = strlen(path);

	if (len >= sizeof(part))
		return fail(err, ERROR_SYSTEM, "%s: path too long", path);
	memcpy(part, path, len + 1);
	for (size_t i = 1; i <= len; i++) {
		if (part[i] != '/' && part[i] != '\0')
			continue;
		part[i] = '\0';
		if (make_dir(part, mode) < 0)
			return fail_errno(err, "make folder %s", part);
		part[i] = i < len ? '/' : '\0';
	}
	return 0;
}

typedef int visit_entry(int dir, const char *name, const struct stat *st, void *ctx,
			struct error *err);

/* Depth first; the folder itself is visited after what is in it. Links aren't followed. */
static int walk(int dir, const char *name, visit_entry *visit, void *ctx, struct error *err)
{
	AUTO(dir) DIR *d = NULL;
	const struct dirent *e;
	struct stat st;
	int fd;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : fail_errno(err, "stat %s", name);
	if (!S_ISDIR(st.st_mode))
		return visit(dir, name, &st, ctx, err);
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		fail_errno(err, "open folder %s", name);
		auto_fd(&fd);
		return -1;
	}
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    walk(dirfd(d), e->d_name, visit, ctx, err) < 0)
			return -1;
	return visit(dir, name, &st, ctx, err);
}

static int remove_entry(int dir, const char *name, const struct stat *st, void *ctx,
			struct error *err)
{
	const dev_t *device = ctx;

	if (st->st_dev != *device)
		return fail(err, ERROR_SYSTEM, "remove %s: something is mounted there", name);
	if (unlinkat(dir, name, S_ISDIR(st->st_mode) ? AT_REMOVEDIR : 0) < 0 && errno != ENOENT)
		return fail_errno(err, "remove %s", name);
	return 0;
}

int file_remove(int dir, const char *path, struct error *err)
{
	struct stat st;

	if (fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : fail_errno(err, "stat %s", path);
	return walk(dir, path, remove_entry, &st.st_dev, err);
}

struct owner {
	uid_t uid;
	gid_t gid;
};

static int chown_entry(int dir, const char *name, const struct stat *st, void *ctx,
		       struct error *err)
{
	const struct owner *owner = ctx;

	if (st->st_uid == owner->uid && st->st_gid == owner->gid)
		return 0;
	if (fchownat(dir, name, owner->uid, owner->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_errno(err, "chown %s", name);
	return 0;
}

int file_chown_tree(const char *path, uid_t uid, gid_t gid, struct error *err)
{
	struct owner owner = { uid, gid };

	return walk(AT_FDCWD, path, chown_entry, &owner, err);
}

bool file_exists(const char *path)
{
	return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int file_list(struct arena *arena, const char *path, const char ***names, size_t *n,
	      struct error *err)
{
	AUTO(dir) DIR *d = opendir(path);
	ARENA_LIST(const char *) list = { 0 };
	const struct dirent *e;

	if (!d)
		return errno == ENOENT ? FILE_ABSENT : fail_errno(err, "open folder %s", path);
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			*arena_push(arena, &list) = arena_strdup(arena, e->d_name);
	if (list.n)
		qsort(list.items, list.n, sizeof(*list.items), by_name);
	*names = list.items;
	*n = list.n;
	return 0;
}

int file_lock(const char *path, bool wait, int *out, struct error *err)
{
	AUTO(fd) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return fail_errno(err, "open %s", path);
	if (TEMP_FAILURE_RETRY(flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB))) < 0)
		return errno == EWOULDBLOCK ? FILE_LOCKED : fail_errno(err, "lock %s", path);
	*out = TAKE_FD(fd);
	return 0;
}

int file_open_beneath(int folder, const char *path, int flags)
{
	const struct open_how how = {
		.flags = (unsigned)flags | O_CLOEXEC | O_NOFOLLOW,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};

	return (int)syscall(SYS_openat2, folder, *path ? path : ".", &how, sizeof(how));
}
