#include "orchestrator/group.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "orchestrator/host.h"
#include "runtime/cgroup.h"
#include "runtime/volume.h"

char *group_snapshot_name(struct arena *arena, const char *id, const char *tag)
{
	return arena_printf(arena, "%s@%s", id, tag);
}

int group_remove(const struct host *h, const char *folder, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char **names;
	size_t n;

	const char *path = arena_printf(&arena, "%s/%s", h->pool, folder);
	int r = file_list(&arena, path, &names, &n, err);

	if (r != 0)
		return r < 0 ? -1 : 0;
	for (size_t i = 0; i < n; i++) {
		const char *name = names[i];
		size_t len = strlen(name);

		/* ".db.new": nobody came to have it, and it goes with the volume that it was to be. */
		if (name[0] == '.' && text_ends(name, ".new") && len > 5)
			name = arena_strndup(&arena, name + 1, len - 5);
		if (volume_ensure_no(h->pool, arena_printf(&arena, "%s/%s", folder, name), err) < 0)
			return -1;
	}
	return file_remove(AT_FDCWD, path, err);
}

int group_remove_unfinished(const struct host *h, const char *id, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *prefix = group_snapshot_name(&arena, id, "");
	const char *foreign = group_snapshot_name(&arena, id, GROUP_SYNCED "~");
	const char **all;
	size_t n;
	int r = file_list(&arena, h->pool, &all, &n, err);

	if (r != 0)
		return r < 0 ? -1 : 0;
	for (size_t i = 0; i < n; i++)
		if (text_starts(all[i], prefix) && text_ends(all[i], "~") &&
		    strcmp(all[i], foreign) != 0 && group_remove(h, all[i], err) < 0)
			return -1;
	return 0;
}

int group_remove_snapshots(const struct host *h, const char *id, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	size_t len = strlen(id), n;
	const char **all;
	int r = file_list(&arena, h->pool, &all, &n, err);

	if (r != 0)
		return r < 0 ? -1 : 0;
	for (size_t i = 0; i < n; i++)
		if (!strncmp(all[i], id, len) && (all[i][len] == '@' || all[i][len] == '~') &&
		    group_remove(h, all[i], err) < 0)
			return -1;
	return 0;
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

/*
 * A snapshot writes out what its volume has in memory. What is written before the group stands still
 * isn't waited for while it does: under load that is a tenth of the time.
 */
static int flush(struct arena *arena, const struct host *h, const char *from,
		 const char *const *names, size_t n, struct error *err)
{
	for (size_t i = 0; i < n; i++)
		if (volume_sync(h->pool, arena_printf(arena, "%s/%s", from, names[i]), err) < 0)
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
	if (cgroup && flush(&arena, h, from, names, n, err) < 0)
		return -1;
	since = clock_us();
	if (cgroup && n)
		r = snapshot_frozen(&arena, h, from, names, n, unfinished, read_only, cgroup, err);
	else
		r = snapshot_all(&arena, h, from, names, n, unfinished, read_only, err);
	if (held_us)
		*held_us = cgroup && n ? clock_us() - since : 0;
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

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int group_prune(const struct host *h, const char *id, const char *prefix, size_t keep,
		struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	size_t n_tags, n = 0;
	uint64_t *numbers;
	const char **tags;

	if (group_list(&arena, h, id, &tags, &n_tags, err) < 0)
		return -1;
	numbers = arena_array(&arena, n_tags + 1, sizeof(*numbers));
	for (size_t i = 0; i < n_tags; i++)
		if (text_starts(tags[i], prefix) &&
		    text_to_u64(tags[i] + strlen(prefix), INT64_MAX, &numbers[n]) == 0)
			n++;
	qsort(numbers, n, sizeof(*numbers), by_number);
	for (size_t i = 0; i + keep < n; i++) {
		const char *tag =
			arena_printf(&arena, "%s%llu", prefix, (unsigned long long)numbers[i]);

		if (group_remove(h, group_snapshot_name(&arena, id, tag), err) < 0)
			return -1;
	}
	return 0;
}

/* What only `id` has stays with it: a service that the other one doesn't know. */
static int keep_others(struct arena *arena, const struct host *h, const char *id, const char *to,
		       struct error *err)
{
	const char **names;
	size_t n;

	if (volume_list(arena, h->pool, id, &names, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (!volume_exists(h->pool, arena_printf(arena, "%s/%s", to, names[i])) &&
		    snapshot_all(arena, h, id, &names[i], 1, to, false, err) < 0)
			return -1;
	return 0;
}

int group_replace(const struct host *h, const char *id, const char *from, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *unfinished = arena_printf(&arena, "%s~", id);
	const char *made = arena_printf(&arena, "%s/%s", h->pool, unfinished);
	const char *final = arena_printf(&arena, "%s/%s", h->pool, id);
	const char **names;
	size_t n;

	if (!file_exists(arena_printf(&arena, "%s/%s", h->pool, from)))
		return fail(err, ERROR_ABSENT, "there is no snapshot %s any more", from);
	if (volume_list(&arena, h->pool, from, &names, &n, err) < 0 ||
	    group_remove(h, unfinished, err) < 0)
		return -1;
	if ((mkdir(made, 0700) < 0) || (mkdir(final, 0700) < 0 && errno != EEXIST))
		return fail_errno(err, "make %s", made);
	if (snapshot_all(&arena, h, from, names, n, unfinished, false, err) < 0 ||
	    keep_others(&arena, h, id, unfinished, err) < 0)
		return -1;
	if (renameat2(AT_FDCWD, made, AT_FDCWD, final, RENAME_EXCHANGE) < 0)
		return fail_errno(err, "exchange %s and %s", made, final);
	return group_remove(h, unfinished, err);
}
