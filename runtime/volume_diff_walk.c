/*
 * volume_diff_walk.c - volumes that are images: all files of both are looked at, none is read
 *
 * Copies of one image have the same file system in them, and a file that neither changed has the same inode and the same time of
 * its last change in both.
 */
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/statfs.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/text.h"
#include "runtime/volume_diff.h"
#include "runtime/volume_diff_parts.h"
#include "runtime/walk.h"

struct looking {
	int there;
	char alone; /* how what the other one doesn't have is marked */
	bool both;  /* say also what differs */
	struct diff *d;
	struct text gone; /* the folder that only this one has, and that was said */
};

/* Reading alone changes an inode too: its access time. */
bool diff_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_nlink == b->st_nlink && a->st_size == b->st_size &&
		a->st_mode == b->st_mode && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
		a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static bool below_gone(const struct looking *l, const char *path)
{
	const char *gone = text_get(&l->gone);
	size_t len = strlen(gone);

	return len && !strncmp(path, gone, len) && path[len] == '/';
}

static int look(const struct walk *w, struct error *err)
{
	struct looking *l = w->ctx;
	AUTO(fd) int folder = -1;
	struct stat st;

	(void)err;
	if (w->after || below_gone(l, w->path))
		return 0;
	folder = walk_parent(l->there, w->path);
	if (folder < 0 || fstatat(folder, w->name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		diff_add(l->d, l->alone, w->path);
		text_clear(&l->gone);
		if (S_ISDIR(w->st.st_mode))
			text_add(&l->gone, w->path);
		return 0;
	}
	if (l->both &&
	    (S_ISDIR(st.st_mode) ? !S_ISDIR(w->st.st_mode) : !diff_same_file(&w->st, &st)))
		diff_add(l->d, '~', w->path);
	return 0;
}

static int look_at_all(struct diff *d, int here, int there, char alone, bool both,
		       struct error *err)
{
	struct looking l = { .there = there, .alone = alone, .both = both, .d = d };
	int r = walk(here, look, &l, err);

	text_clear(&l.gone);
	return r;
}

int diff_walk(struct diff *d, int first, int second, struct error *err)
{
	struct statfs a, b;
	struct stat x, y;

	if (fstat(first, &x) < 0 || fstat(second, &y) < 0 || fstatfs(first, &a) < 0 ||
	    fstatfs(second, &b) < 0)
		return fail_errno(err, "look at a volume");
	if (x.st_dev == y.st_dev)
		return x.st_ino == y.st_ino ? 0 : VOLUME_UNSTAMPED;
	if (a.f_type != EXT4_SUPER_MAGIC || b.f_type != EXT4_SUPER_MAGIC)
		return VOLUME_UNSTAMPED;
	if (memcmp(&a.f_fsid, &b.f_fsid, sizeof(a.f_fsid)) != 0)
		return VOLUME_UNRELATED;
	return look_at_all(d, first, second, '-', true, err) < 0 ||
			look_at_all(d, second, first, '+', false, err) < 0
		? -1
		: 0;
}
