/* Groups that stand still, and give their memory back; see cgroup.h */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "runtime/cgroup_trees.h"

#define FREEZE_TRIES 100
#define FREEZE_STEP_MS 100

static bool exists(const char *tree, const char *group)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", tree, group);
	return file_exists(path);
}

/* cgroup.events wakes whoever polls it for POLLPRI when "frozen" changes: cgroup-v2.rst. */
static int wait_frozen(const char *tree, const char *group, bool frozen, struct error *err)
{
	char path[PATH_MAX], text[128];
	AUTO(fd) int fd = -1;

	snprintf(path, sizeof(path), "%s/%s/cgroup.events", tree, group);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, "open %s", path);
	for (int tries = 0; tries < FREEZE_TRIES; tries++) {
		struct pollfd p = { .fd = fd, .events = POLLPRI };
		ssize_t got = pread(fd, text, sizeof(text) - 1, 0);

		if (got < 0)
			return fail_errno(err, "read %s", path);
		text[got] = '\0';
		if (strstr(text, frozen ? "frozen 1" : "frozen 0"))
			return 0;
		(void)poll(&p, 1, FREEZE_STEP_MS);
	}
	return fail(err, ERROR_TIMEOUT, "%s: a process doesn't freeze in %d s", group,
		    FREEZE_TRIES * FREEZE_STEP_MS / 1000);
}

int cgroup_freeze(const char *group, bool frozen, struct error *err)
{
	const struct cgroup_trees *t = cgroup_trees_get(err);
	struct error ignored;

	if (!t)
		return -1;
	if (!exists(t->v2, group))
		return 0;
	if (cgroup_put(t->v2, group, "cgroup.freeze", frozen ? "1" : "0", err) == 0 &&
	    wait_frozen(t->v2, group, frozen, err) == 0)
		return 0;
	if (frozen)
		(void)cgroup_put(t->v2, group, "cgroup.freeze", "0", &ignored);
	return -1;
}

bool cgroup_frozen(const char *group)
{
	struct error ignored;
	const struct cgroup_trees *t = cgroup_trees_get(&ignored);

	return t && cgroup_get_number(t->v2, group, "cgroup.freeze", NULL) == 1;
}

char *cgroup_freezer(struct arena *arena, const char *group)
{
	struct error ignored;
	const struct cgroup_trees *t = cgroup_trees_get(&ignored);

	return arena_printf(arena, "%s/%s/cgroup.freeze", t ? t->v2 : "", group);
}

/* v2: so many bytes, and EAGAIN when there are fewer. v1: all of them, again and again until it gives up. */
int cgroup_reclaim(const char *group, struct error *err)
{
	const struct cgroup_trees *t = cgroup_trees_get(err);
	const char *tree;
	char amount[32];

	if (!t)
		return -1;
	tree = t->limits_v1 ? t->v1[CGROUP_MEMORY] : t->v2;
	if (!*tree || !exists(tree, group))
		return 0;
	if (t->limits_v1)
		return cgroup_put(tree, group, "memory.force_empty", "0", err);
	snprintf(amount, sizeof(amount), "%llu",
		 (unsigned long long)cgroup_get_number(tree, group, "memory.current", NULL));
	if (cgroup_put(tree, group, "memory.reclaim", amount, err) < 0 && err->errnum != EAGAIN)
		return -1;
	return 0;
}
