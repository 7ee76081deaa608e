#include "runtime/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "runtime/walk.h"

#define ATTRIBUTE_MAX 65536 /* xattr(7) */
#define PIECE (UINT64_C(64) << 20)

struct link {
	ino_t inode;
	const char *path; /* from the top of the copy */
};

struct copying {
	int top;
	struct arena arena;
	ARENA_LIST(struct link) links; /* files with several names, as they were met */
};

static int copy_attributes(int from, int to, const char *name, struct error *err)
{
	static char names[ATTRIBUTE_MAX], value[ATTRIBUTE_MAX];
	ssize_t size = flistxattr(from, names, sizeof(names));

	for (const char *at = names; size > 0 && at < names + size; at += strlen(at) + 1) {
		ssize_t got = fgetxattr(from, at, value, sizeof(value));

		if (got >= 0 && fsetxattr(to, at, value, (size_t)got, 0) < 0 && errno != ENOTSUP)
			return fail_errno(err, "%s: attribute %s", name, at);
	}
	return 0;
}

/* The owner first: changing it drops set-uid bits and capabilities. */
static int copy_look(int from, int to, const struct stat *st, const char *name, struct error *err)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };

	if (fchown(to, st->st_uid, st->st_gid) < 0 || fchmod(to, st->st_mode & 07777) < 0)
		return fail_errno(err, "%s: owner", name);
	if (copy_attributes(from, to, name, err) < 0)
		return -1;
	return futimens(to, times) < 0 ? fail_errno(err, "%s: times", name) : 0;
}

/* Data only: what is a hole stays one. */
static int copy_bytes(int from, int to, off_t size)
{
	off_t at = 0;

	while (at < size) {
		off_t data = lseek(from, at, SEEK_DATA), hole, out;

		if (data < 0)
			break; /* ENXIO: a hole until the end */
		hole = lseek(from, data, SEEK_HOLE);
		for (at = out = data; at < hole;) {
			ssize_t got = copy_file_range(from, &at, to, &out, (size_t)(hole - at), 0);

			if (got <= 0)
				return got < 0 ? -1 : 0;
		}
	}
	return ftruncate(to, size);
}

/* 1: it has been made as another name of an earlier one. */
static int link_earlier(struct copying *c, const struct walk *w, int to, struct error *err)
{
	struct link *link;

	if (w->st.st_nlink < 2)
		return 0;
	for (size_t i = 0; i < c->links.n; i++) {
		if (c->links.items[i].inode != w->st.st_ino)
			continue;
		if (linkat(c->top, c->links.items[i].path, to, w->name, 0) < 0)
			return fail_errno(err, "link %s", w->path);
		return 1;
	}
	link = arena_push(&c->arena, &c->links);
	link->inode = w->st.st_ino;
	link->path = arena_strdup(&c->arena, w->path);
	return 0;
}

static int copy_file(struct copying *c, const struct walk *w, int to, struct error *err)
{
	AUTO(fd) int source = openat(w->folder, w->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	AUTO(fd) int target = -1;
	int r = source < 0 ? fail_errno(err, "open %s", w->path) : link_earlier(c, w, to, err);

	if (r != 0)
		return r < 0 ? -1 : 0;
	target = openat(to, w->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (target < 0)
		return fail_errno(err, "create %s", w->path);
	if (copy_bytes(source, target, w->st.st_size) < 0)
		return fail_errno(err, "copy %s", w->path);
	return copy_look(source, target, &w->st, w->path, err);
}

static int copy_link(const struct walk *w, int to, struct error *err)
{
	char target[PATH_MAX];
	ssize_t len = readlinkat(w->folder, w->name, target, sizeof(target) - 1);

	if (len < 0)
		return fail_errno(err, "read link %s", w->path);
	target[len] = '\0';
	if (symlinkat(target, to, w->name) < 0 ||
	    fchownat(to, w->name, w->st.st_uid, w->st.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_errno(err, "link %s", w->path);
	return 0;
}

static int copy_pipe(const struct walk *w, int to, struct error *err)
{
	if (mknodat(to, w->name, S_IFIFO | (w->st.st_mode & 07777), 0) < 0 ||
	    fchownat(to, w->name, w->st.st_uid, w->st.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_errno(err, "pipe %s", w->path);
	return 0;
}

static int copy_one(const struct walk *w, struct error *err)
{
	struct copying *c = w->ctx;
	AUTO(fd) int to = -1;
	AUTO(fd) int source = -1;
	AUTO(fd) int made = -1;

	to = walk_parent(c->top, w->path);
	if (to < 0)
		return fail_errno(err, "open folder of %s", w->path);
	switch (w->st.st_mode & S_IFMT) {
	case S_IFREG:
		return copy_file(c, w, to, err);
	case S_IFLNK:
		return copy_link(w, to, err);
	case S_IFIFO:
		return copy_pipe(w, to, err);
	case S_IFDIR:
		break;
	default: /* sockets, whose owner is gone; containers can't make devices */
		return 0;
	}
	if (!w->after)
		return mkdirat(to, w->name, 0700) < 0 ? fail_errno(err, "make %s", w->path) : 0;
	source = openat(w->folder, w->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	made = openat(to, w->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (source < 0 || made < 0)
		return fail_errno(err, "open %s", w->path);
	return copy_look(source, made, &w->st, w->path, err);
}

int files_copy(int from, int to, struct error *err)
{
	struct copying c = { .top = to };
	struct stat st;
	int r = walk(from, copy_one, &c, err);

	arena_clear(&c.arena);
	if (r < 0)
		return -1;
	if (fstat(from, &st) < 0)
		return fail_errno(err, "look at a volume");
	return copy_look(from, to, &st, "volume", err);
}

static int set_frozen(int fd, bool frozen, const char *path, struct error *err)
{
	struct fsxattr x;

	if (ioctl(fd, FS_IOC_FSGETXATTR, &x) < 0)
		return fail_errno(err, "%s: read flags", path);
	x.fsx_xflags &= ~(uint32_t)FS_XFLAG_IMMUTABLE;
	x.fsx_xflags |= frozen ? FS_XFLAG_IMMUTABLE : 0;
	if (ioctl(fd, FS_IOC_FSSETXATTR, &x) < 0)
		return fail_errno(err, "%s: set flags", path);
	return 0;
}

static int freeze_one(const struct walk *w, struct error *err)
{
	const bool *frozen = w->ctx;
	AUTO(fd) int fd = -1;

	if (!S_ISREG(w->st.st_mode) && !S_ISDIR(w->st.st_mode))
		return 0;
	fd = openat(w->folder, w->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, "open %s", w->path);
	return set_frozen(fd, *frozen, w->path, err);
}

int files_freeze(int folder, bool frozen, struct error *err)
{
	if (walk(folder, freeze_one, &frozen, err) < 0)
		return -1;
	return set_frozen(folder, frozen, "volume", err);
}
