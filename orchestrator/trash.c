#include "orchestrator/trash.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "orchestrator/group.h"
#include "orchestrator/host.h"
#include "runtime/volume.h"

#define FOLDER "trash"

int trash_open(const struct host *h, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };

	if (!file_exists(h->pool) && !file_exists(arena_printf(&arena, "%s.img", h->pool)))
		return TRASH_ABSENT;
	return pool_ensure(h->pool, 0, err);
}

/* A read-only volume can't be moved to another folder: rename(2) would have to write its "..". */
static int move(const struct host *h, const char *from, const char *to, bool snapshot,
		bool read_only, struct error *err)
{
	if (!snapshot)
		return volume_move(h->pool, from, to, err);
	if (volume_snapshot(h->pool, from, to, read_only, err) < 0)
		return -1;
	return volume_ensure_no(h->pool, from, err);
}

int trash_put(const struct host *h, const char *folder, const char *container, int64_t when,
	      struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *from = arena_printf(&arena, "%s/%s", folder, container);
	const char *to;

	do {
		to = arena_printf(&arena, FOLDER "/%s.%s.%lld", folder, container,
				  (long long)when++);
	} while (volume_exists(h->pool, to));
	return move(h, from, to, strchr(folder, '@'), false, err);
}

int trash_put_all(const struct host *h, const char *folder, int64_t when, size_t *n,
		  struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char **names;
	size_t n_names;

	if (volume_list(&arena, h->pool, folder, &names, &n_names, err) < 0)
		return -1;
	for (size_t i = 0; i < n_names; i++)
		if (trash_put(h, folder, names[i], when, err) < 0)
			return -1;
	*n += n_names;
	return group_remove(h, folder, err);
}

/* "<folder>.<container>.<seconds>" in its parts; -1 when it isn't one. */
static int parse(struct arena *arena, const char *volume, char **folder, char **container,
		 uint64_t *when)
{
	char *dot;

	*folder = arena_strdup(arena, volume);
	dot = strrchr(*folder, '.');
	if (!dot || text_to_u64(dot + 1, INT64_MAX, when) < 0)
		return -1;
	*dot = '\0';
	dot = strrchr(*folder, '.');
	if (!dot || dot == *folder || !dot[1])
		return -1;
	*dot = '\0';
	*container = dot + 1;
	return 0;
}

typedef ARENA_LIST(struct trashed) trashed_list;

static struct trashed *entry_of(struct arena *arena, trashed_list *list, const char *folder,
				uint64_t when, size_t max)
{
	const char *environment = arena_strndup(arena, folder, strcspn(folder, "@"));
	struct trashed *t;

	for (size_t i = 0; i < list->n; i++)
		if (list->items[i].when == (int64_t)when &&
		    !strcmp(list->items[i].environment, environment))
			return &list->items[i];
	t = arena_push(arena, list);
	*t = (struct trashed){
		.name = arena_printf(arena, "%s.%llu", environment, (unsigned long long)when),
		.environment = environment,
		.when = (int64_t)when,
		.volumes = arena_array(arena, max, sizeof(*t->volumes)),
		.containers = "",
	};
	return t;
}

static int by_time(const void *a, const void *b)
{
	const struct trashed *x = a, *y = b;

	return x->when != y->when ? (x->when < y->when) - (x->when > y->when)
				  : strcmp(x->name, y->name);
}

int trash_list(struct arena *arena, const struct host *h, struct trashed **out, size_t *n,
	       struct error *err)
{
	trashed_list list = { 0 };
	const char **names;
	size_t n_names;

	if (volume_list(arena, h->pool, FOLDER, &names, &n_names, err) < 0)
		return -1;
	for (size_t i = 0; i < n_names; i++) {
		struct volume_usage usage = { 0 };
		struct error ignored;
		struct trashed *t;
		char *folder, *container;
		uint64_t when;

		if (parse(arena, names[i], &folder, &container, &when) < 0)
			continue;
		t = entry_of(arena, &list, folder, when, n_names);
		t->volumes[t->n++] = names[i];
		if (strchr(folder, '@')) {
			t->snapshots++;
			continue;
		}
		(void)volume_usage(h->pool, arena_printf(arena, FOLDER "/%s", names[i]), &usage,
				   &ignored);
		t->bytes += usage.referenced;
		t->containers = arena_printf(arena, "%s%s%s", t->containers,
					     *t->containers ? " " : "", container);
	}
	if (list.n)
		qsort(list.items, list.n, sizeof(*list.items), by_time);
	*out = list.items;
	*n = list.n;
	return 0;
}

static int each(const struct host *h, const struct trashed *t, bool really, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };

	for (size_t i = 0; i < t->n; i++) {
		const char *from = arena_printf(&arena, FOLDER "/%s", t->volumes[i]), *to;
		char *folder, *container;
		bool snapshot;
		uint64_t when;

		if (parse(&arena, t->volumes[i], &folder, &container, &when) < 0)
			continue;
		snapshot = strchr(folder, '@');
		to = arena_printf(&arena, "%s/%s", folder, container);
		/* One that a killed restore copied, or that was made since: it stays in the trash. */
		if (snapshot && volume_exists(h->pool, to))
			continue;
		if (really && move(h, from, to, snapshot, snapshot, err) < 0)
			return -1;
		if (!really && volume_exists(h->pool, to))
			return fail(err, ERROR_CONFLICT,
				    "%s has a volume \"%s\" already; nothing was changed", folder,
				    container);
	}
	return 0;
}

int trash_restore(const struct host *h, const struct trashed *t, struct error *err)
{
	return each(h, t, false, err) < 0 || each(h, t, true, err) < 0 ? -1 : 0;
}

int trash_remove(const struct host *h, const struct trashed *t, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };

	for (size_t i = 0; i < t->n; i++)
		if (volume_ensure_no(h->pool, arena_printf(&arena, FOLDER "/%s", t->volumes[i]),
				     err) < 0)
			return -1;
	return 0;
}

int trash_expire(const struct host *h, int64_t before, size_t *n, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	struct trashed *list;
	size_t n_list;

	*n = 0;
	if (trash_list(&arena, h, &list, &n_list, err) < 0)
		return -1;
	for (size_t i = 0; i < n_list; i++) {
		if (list[i].when >= before)
			continue;
		if (trash_remove(h, &list[i], err) < 0)
			return -1;
		++*n;
	}
	return 0;
}
