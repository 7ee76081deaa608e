#include "runtime/walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"

struct walking {
	int (*one)(const struct walk *w, struct error *err);
	void *ctx;
	dev_t device;
	char path[PATH_MAX];
};

static int enter(struct walking *all, int folder, size_t len, int depth, struct error *err);

/* all->path holds the name's folder in its first len bytes. */
static int visit(struct walking *all, int folder, const char *name, size_t len, int depth,
		 struct error *err)
{
	struct walk w = { .folder = folder, .name = name, .path = all->path, .ctx = all->ctx };
	int n = snprintf(all->path + len, sizeof(all->path) - len, "%s%s", len ? "/" : "", name);
	AUTO(fd) int below = -1;

	if (n < 0 || (size_t)n >= sizeof(all->path) - len || depth == WALK_DEPTH)
		return fail(err, ERROR_SYSTEM, "%.200s...: too deep", all->path);
	if (fstatat(folder, name, &w.st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : fail_errno(err, "look at %s", all->path);
	if (w.st.st_dev != all->device)
		return 0;
	if (all->one(&w, err) < 0)
		return -1;
	if (!S_ISDIR(w.st.st_mode))
		return 0;
	below = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (below < 0)
		return fail_errno(err, "open %s", all->path);
	if (enter(all, below, len + (size_t)n, depth + 1, err) < 0)
		return -1;
	all->path[len + (size_t)n] = '\0';
	w.after = true;
	return all->one(&w, err);
}

static int enter(struct walking *all, int folder, size_t len, int depth, struct error *err)
{
	int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO(dir) DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *e;

	if (!dir) {
		auto_fd(&copy);
		return fail_errno(err, "open a folder");
	}
	while ((e = readdir(dir)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    visit(all, folder, e->d_name, len, depth, err) < 0)
			return -1;
	return 0;
}

int walk(int top, int (*one)(const struct walk *w, struct error *err), void *ctx, struct error *err)
{
	struct walking all = { .one = one, .ctx = ctx };
	struct stat st;

	if (fstat(top, &st) < 0)
		return fail_errno(err, "look at a folder");
	all.device = st.st_dev;
	return enter(&all, top, 0, 0, err);
}

int walk_parent(int top, const char *path)
{
	const char *slash = strrchr(path, '/');
	char parent[PATH_MAX];

	snprintf(parent, sizeof(parent), "%.*s", slash ? (int)(slash - path) : 1,
		 slash ? path : ".");
	return file_open_beneath(top, parent, O_RDONLY | O_DIRECTORY);
}
