#include "runtime/swap.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "runtime/container.h"
#include "runtime/within.h"

#ifndef MOVE_MOUNT_BENEATH
#define MOVE_MOUNT_BENEATH 0x00000200 /* linux/mount.h since 6.5 */
#endif

/* A folder of the container to build the new tree on, unseen by its users: only its root may look. */
#define STAGE "/run/orch/stage"

static int open_in_root(const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

static int move(int tree, int at, unsigned flags)
{
	return (int)syscall(SYS_move_mount, tree, "", at, "",
			    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH | flags);
}

/* The running writable folders, cloned onto the new tree before anybody can see it. */
static int carry(const char *target, const char *const *submounts, struct error *err)
{
	size_t skip = strlen(target); /* "/app" against "app/cache": the tail is what follows it */

	for (size_t i = 0; submounts && submounts[i]; i++) {
		AUTO(fd) int from = open_in_root(submounts[i]);
		AUTO(fd) int at = -1;
		AUTO(fd) int tree = -1;
		char path[4096];

		if (from < 0)
			return fail_errno(err, "open /%s", submounts[i]);
		snprintf(path, sizeof(path), STAGE "/%s", submounts[i] + skip);
		at = open_in_root(path);
		tree = (int)syscall(SYS_open_tree, from, "",
				    AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
		if (at < 0 || tree < 0 || move(tree, at, 0) < 0)
			return fail_errno(err, "carry /%s over", submounts[i]);
	}
	return 0;
}

/* In the container's mount namespace. */
static int swap_inside(const char *target, int tree, const char *const *submounts,
		       struct error *err)
{
	AUTO(fd) int stage = -1;
	AUTO(fd) int staged = -1;
	AUTO(fd) int at = -1;

	if (mkdir(STAGE, 0700) < 0 && errno != EEXIST)
		return fail_errno(err, "make " STAGE);
	stage = open_in_root(STAGE);
	if (stage < 0 || move(tree, stage, 0) < 0)
		return fail_errno(err, "stage the new image");
	if (carry(target, submounts, err) < 0)
		goto undo;
	/* The whole of it as one tree, so that it appears with its writable folders or not at all. */
	staged = open_in_root(STAGE);
	at = open_in_root(target);
	if (staged < 0 || at < 0) {
		fail_errno(err, "open %s", target);
		goto undo;
	}
	if (move(staged, at, MOVE_MOUNT_BENEATH) < 0) {
		fail_errno(err, "mount the new image beneath %s", target);
		goto undo;
	}
	if (umount2(target, MNT_DETACH) < 0)
		return fail_errno(err, "peel off the old image");
	return 0;
undo:
	(void)umount2(STAGE, MNT_DETACH);
	return -1;
}

struct swap {
	const char *target;
	int tree;
	const char *const *submounts;
};

static int work(void *ctx, struct error *err)
{
	const struct swap *s = ctx;

	return swap_inside(s->target, s->tree, s->submounts, err);
}

int swap_mount(const struct container *c, const char *target, int tree,
	       const char *const *submounts, struct error *err)
{
	struct swap s = { .target = target, .tree = tree, .submounts = submounts };

	return within_mounts(c, work, &s, err);
}
