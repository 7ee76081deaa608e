#include "base/copy.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/error.h"

#define BESIDE ".orch-copy~" /* one at a time in a folder; what a crash left is replaced */
#define MAX_RANGE (1u << 30)
#define MAX_DEPTH 256

static int copy_in(int from, const char *name, int to, const char *as, unsigned depth,
		   struct copy *c, struct error *err);

static int finish(int to, const char *as, struct copy *c, uint64_t bytes, struct error *err)
{
	if (renameat(to, BESIDE, to, as) < 0)
		return fail_errno(err, "write %s", as);
	c->copied++;
	c->bytes += bytes;
	return 0;
}

/* What is between offset and end has data. */
static int copy_range(int in, int out, off_t offset, off_t end)
{
	char block[1 << 16];

	while (offset < end) {
		off_t to = offset;
		size_t want = end - offset > MAX_RANGE ? MAX_RANGE : (size_t)(end - offset);
		ssize_t n = copy_file_range(in, &offset, out, &to, want, 0);

		if (n > 0)
			continue;
		if (n == 0)
			return 0; /* it became shorter */
		if (errno != EXDEV && errno != EINVAL && errno != EOPNOTSUPP && errno != ENOSYS)
			return -1;
		n = pread(in, block, want < sizeof(block) ? want : sizeof(block), offset);
		if (n <= 0)
			return (int)n;
		n = pwrite(out, block, (size_t)n, offset);
		if (n < 0)
			return -1;
		offset += n;
	}
	return 0;
}

/* Holes stay holes: lseek(2), SEEK_DATA. */
static int copy_data(int in, int out, off_t size)
{
	off_t data = 0, hole;

	if (ftruncate(out, size) < 0)
		return -1;
	while ((data = lseek(in, data, SEEK_DATA)) >= 0 && data < size) {
		hole = lseek(in, data, SEEK_HOLE);
		if (hole < 0 || copy_range(in, out, data, hole) < 0)
			return -1;
		data = hole;
	}
	return data < 0 && errno != ENXIO ? -1 : 0;
}

static int copy_file(int from, const char *name, int to, const char *as, struct copy *c,
		     struct error *err)
{
	/* Not blocking: it may have become a pipe. */
	AUTO(fd)
	int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	AUTO(fd) int out = -1;
	struct stat st, there;

	if (in < 0 || fstat(in, &st) < 0)
		return fail_errno(err, "open %s", name);
	if (!S_ISREG(st.st_mode)) {
		c->skipped++;
		return 0;
	}
	if (!c->always && fstatat(to, as, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISREG(there.st_mode) && there.st_size == st.st_size &&
	    there.st_mtim.tv_sec == st.st_mtim.tv_sec &&
	    there.st_mtim.tv_nsec == st.st_mtim.tv_nsec) {
		c->unchanged++;
		return 0;
	}
	(void)unlinkat(to, BESIDE, 0);
	out = openat(to, BESIDE, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return fail_errno(err, "create %s", as);
	if (copy_data(in, out, st.st_size) < 0 || fchown(out, c->uid, c->gid) < 0 ||
	    fchmod(out, st.st_mode & 0777) < 0 ||
	    futimens(out, (struct timespec[]){ st.st_atim, st.st_mtim }) < 0) {
		fail_errno(err, "write %s", as);
		(void)unlinkat(to, BESIDE, 0);
		return -1;
	}
	return finish(to, as, c, (uint64_t)st.st_size, err);
}

static int copy_link(int from, const char *name, int to, const char *as, struct copy *c,
		     struct error *err)
{
	char target[PATH_MAX], had[PATH_MAX];
	ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);
	ssize_t n_had = readlinkat(to, as, had, sizeof(had));

	if (n < 0)
		return fail_errno(err, "read link %s", name);
	if (n == n_had && !memcmp(target, had, (size_t)n)) {
		c->unchanged++;
		return 0;
	}
	target[n] = '\0';
	(void)unlinkat(to, BESIDE, 0);
	if (symlinkat(target, to, BESIDE) < 0 ||
	    fchownat(to, BESIDE, c->uid, c->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_errno(err, "make link %s", as);
	return finish(to, as, c, 0, err);
}

static int copy_list(DIR *in, int out, unsigned depth, struct copy *c, struct error *err)
{
	const struct dirent *e;

	while ((e = readdir(in)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    copy_in(dirfd(in), e->d_name, out, e->d_name, depth + 1, c, err) < 0)
			return -1;
	return 0;
}

static int copy_folder(int from, const char *name, int to, const char *as, unsigned depth,
		       struct copy *c, struct error *err)
{
	AUTO(dir) DIR *in = NULL;
	AUTO(fd) int out = -1;
	bool made = mkdirat(to, as, 0700) == 0;
	struct stat st;
	int fd;

	if (depth == MAX_DEPTH)
		return fail(err, ERROR_INPUT, "more than %d folders in each other", MAX_DEPTH);
	if (!made && errno != EEXIST)
		return fail_errno(err, "make folder %s", as);
	out = openat(to, as, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (out < 0)
		return fail_errno(err, "open folder %s", as);
	fd = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	in = fd < 0 ? NULL : fdopendir(fd);
	if (!in || fstat(fd, &st) < 0) {
		fail_errno(err, "open folder %s", name);
		if (!in)
			auto_fd(&fd);
		return -1;
	}
	if (copy_list(in, out, depth, c, err) < 0)
		return fail_in(err, "%s", name);
	if (!made)
		return 0;
	if (fchown(out, c->uid, c->gid) < 0 || fchmod(out, st.st_mode & 0777) < 0 ||
	    futimens(out, (struct timespec[]){ st.st_atim, st.st_mtim }) < 0)
		return fail_errno(err, "write folder %s", as);
	return 0;
}

static int copy_in(int from, const char *name, int to, const char *as, unsigned depth,
		   struct copy *c, struct error *err)
{
	struct stat st;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_errno(err, "stat %s", name);
	if (S_ISDIR(st.st_mode))
		return copy_folder(from, name, to, as, depth, c, err);
	if (S_ISLNK(st.st_mode))
		return copy_link(from, name, to, as, c, err);
	if (S_ISREG(st.st_mode) && strcmp(name, BESIDE) != 0)
		return copy_file(from, name, to, as, c, err);
	c->skipped++;
	return 0;
}

int copy_entry(int from, const char *name, int to, const char *as, struct copy *c,
	       struct error *err)
{
	return copy_in(from, name, to, as, 0, c, err);
}
