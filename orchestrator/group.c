#include "orchestrator/group.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "orchestrator/host.h"
#include "runtime/cgroup.h"
#include "runtime/volume.h"

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

char *group_snapshot_name(struct arena *arena, const char *id, const char *tag)
{
	return arena_printf(arena, "%s@%s", id, tag);
}

int group_remove(const struct host *h, const char *folder, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char **names;
	size_t n;

	if (volume_list(&arena, h->pool, folder, &names, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (volume_ensure_no(h->pool, arena_printf(&arena, "%s/%s", folder, names[i]),
				     err) < 0)
			return -1;
	return file_remove(AT_FDCWD, arena_printf(&arena, "%s/%s", h->pool, folder), err);
}

static int snapshot_all(struct arena *arena, const struct host *h, const char *from,
			const char *const *names, size_t n, const char *to, bool read_only,
			struct error *err)
{
	for (size_t i = 0; i < n; i++)
		if (volume_snapshot(h->pool, arena_printf(arena, "%s/%s", from, names[i]),
				    arena_printf(arena, "%s/%s", to, names[i]), read_only, err) < 0)
			return -1;
	return 0;
}

/* Standing still or not, the group goes on afterwards. */
static int snapshot_frozen(struct arena *arena, const struct host *h, const char *from,
			   const char *const *names, size_t n, const char *to, bool read_only,
			   const char *cgroup, struct error *err)
{
	struct error ignored;
	int r;

	if (cgroup_freeze(cgroup, true, err) < 0)
		return -1;
	r = snapshot_all(arena, h, from, names, n, to, read_only, err);
	if (cgroup_freeze(cgroup, false, r < 0 ? &ignored : err) < 0)
		return -1;
	return r;
}

int group_copy(const struct host *h, const char *from, const char *to, bool read_only,
	       const char *cgroup, uint64_t *held_us, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *unfinished = arena_printf(&arena, "%s~", to);
	const char *made = arena_printf(&arena, "%s/%s", h->pool, unfinished);
	const char *final = arena_printf(&arena, "%s/%s", h->pool, to);
	const char **names;
	uint64_t since;
	size_t n;
	int r;

	if (file_exists(final))
		return fail(err, ERROR_CONFLICT, "%s has its volumes already", to);
	if (volume_list(&arena, h->pool, from, &names, &n, err) < 0 ||
	    group_remove(h, unfinished, err) < 0)
		return -1;
	if (mkdir(made, 0700) < 0)
		return fail_errno(err, "make %s", made);
	since = now_us();
	if (cgroup && n)
		r = snapshot_frozen(&arena, h, from, names, n, unfinished, read_only, cgroup, err);
	else
		r = snapshot_all(&arena, h, from, names, n, unfinished, read_only, err);
	if (held_us)
		*held_us = cgroup && n ? now_us() - since : 0;
	if (r < 0)
		return -1;
	return rename(made, final) < 0 ? fail_errno(err, "rename %s", made) : 0;
}

int group_list(struct arena *arena, const struct host *h, const char *id, const char ***tags,
	       size_t *n, struct error *err)
{
	size_t len = strlen(id), n_all, kept = 0;
	const char **all;
	int r = file_list(arena, h->pool, &all, &n_all, err);

	*n = 0;
	if (r != 0)
		return r < 0 ? -1 : 0;
	for (size_t i = 0; i < n_all; i++)
		if (!strncmp(all[i], id, len) && all[i][len] == '@' &&
		    all[i][strlen(all[i]) - 1] != '~')
			all[kept++] = all[i] + len + 1;
	*tags = all;
	*n = kept;
	return 0;
}
