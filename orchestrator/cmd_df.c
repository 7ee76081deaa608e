/*
 * cmd_df.c - df: what takes how much of the disk
 */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "base/table.h"
#include "base/text.h"
#include "orchestrator/commands.h"
#include "orchestrator/session.h"
#include "orchestrator/storage.h"

static const char *bytes(struct arena *arena, uint64_t n)
{
	char text[16];

	return arena_strdup(arena, text_bytes(text, n));
}

/* Of all of one kind; of one environment's when it isn't NULL. */
struct sum {
	size_t n;
	uint64_t exclusive, referenced;
};

static struct sum sum(const struct storage *all, enum storage_kind kind, const char *environment)
{
	struct sum s = { 0 };

	for (size_t i = 0; i < all->n; i++) {
		const struct storage_item *item = &all->items[i];

		if (item->kind != kind ||
		    (environment && strcmp(item->environment, environment) != 0))
			continue;
		s.n++;
		s.exclusive += item->usage.exclusive;
		s.referenced += item->usage.referenced;
	}
	return s;
}

static struct json_t *sum_json(struct sum s)
{
	struct json_t *map = json_new_map();

	json_put_number(map, "volumes", (int64_t)s.n);
	json_put_number(map, "referenced", (int64_t)s.referenced);
	json_put_number(map, "exclusive", (int64_t)s.exclusive);
	return map;
}

struct json_t *storage_item_json(const struct storage_item *item)
{
	struct json_t *map = json_new_map();

	json_put_text(map, "kind", storage_kind_name(item->kind));
	json_put_text(map, "environment", item->environment);
	json_put_text(map, "volume", item->name);
	json_put_text(map, "snapshot", *item->tag ? item->tag : NULL);
	json_put_number(map, "used", (int64_t)item->usage.used);
	json_put_number(map, "limit", (int64_t)item->disk);
	json_put_number(map, "referenced", (int64_t)item->usage.referenced);
	json_put_number(map, "exclusive", (int64_t)item->usage.exclusive);
	json_put_number(map, "shared", (int64_t)(item->usage.referenced - item->usage.exclusive));
	return map;
}

struct json_t *storage_pool_json(const struct pool_space *p)
{
	struct json_t *map = json_new_map();

	json_put_text(map, "driver", p->driver);
	json_put_text(map, "folder", p->target);
	json_put_flag(map, "file", p->file);
	json_put_flag(map, "limits", p->limits);
	json_put_flag(map, "held", p->held);
	json_put_number(map, "size", (int64_t)p->size);
	json_put_number(map, "used", (int64_t)p->used);
	json_put_number(map, "free", (int64_t)p->free);
	if (p->file) {
		json_put_number(map, "file_size", (int64_t)p->file_size);
		json_put_number(map, "file_taken", (int64_t)p->file_taken);
		json_put_number(map, "disk_free", (int64_t)p->disk_free);
	}
	return map;
}

static void print_json(const struct storage *all)
{
	struct json_t *map = json_new_map();
	struct json_t *list = json_put(map, "volumes", json_new_list());
	struct json_t *images = json_put(map, "images", json_new_map());

	for (size_t i = 0; i < all->n; i++)
		json_add(list, storage_item_json(&all->items[i]));
	json_put(map, "snapshots", sum_json(sum(all, STORAGE_SNAPSHOT, NULL)));
	json_put(map, "trash", sum_json(sum(all, STORAGE_TRASH, NULL)));
	json_put(map, "other", sum_json(sum(all, STORAGE_OTHER, NULL)));
	json_put_number(images, "images", (int64_t)all->n_images);
	json_put_number(images, "bytes", (int64_t)all->images);
	if (all->pool)
		json_put(map, "pool", storage_pool_json(&all->space));
	json_put_number(map, "total", (int64_t)all->total);
	session_print("orch.df/1", "usage", map);
}

static const char *state_of(const struct storage_item *item)
{
	if (!item->disk)
		return "";
	return item->usage.used >= item->disk / 50 * 49	  ? "full: raise \"disk\""
		: item->usage.used >= item->disk / 10 * 9 ? "nearly full"
							  : "";
}

static void row(struct arena *arena, struct table *t, const struct storage *all,
		const struct storage_item *item)
{
	struct sum kept = sum(all, STORAGE_SNAPSHOT, item->environment);

	table_row(t, item->environment, item->name, bytes(arena, item->usage.used),
		  item->disk ? bytes(arena, item->disk) : "-",
		  item->disk ? arena_printf(arena, "%.0f%%",
					    (double)item->usage.used * 100 / (double)item->disk)
			     : "-",
		  bytes(arena, item->usage.referenced - item->usage.exclusive),
		  bytes(arena, item->usage.exclusive),
		  kept.n ? arena_printf(arena, "%zu", kept.n) : "-", state_of(item), NULL);
}

static void print_sum(struct arena *arena, const char *what, struct sum s)
{
	if (s.n)
		printf("%-10s %zu volumes, %s that only they hold\n", what, s.n,
		       bytes(arena, s.exclusive));
}

void storage_print_pool(struct arena *arena, const struct pool_space *p)
{
	printf("%-10s %s%s%s: %s of %s used, %s free\n", "pool", p->driver, p->target ? " in " : "",
	       p->target	 ? p->target
		       : p->file ? " in a file"
				 : "",
	       bytes(arena, p->used), bytes(arena, p->size), bytes(arena, p->free));
	if (p->file)
		printf("%-10s takes %s of the disk, which has %s free; at most %s\n", "its file",
		       bytes(arena, p->file_taken), bytes(arena, p->disk_free),
		       bytes(arena, p->file_size));
	if (p->held)
		printf("%-10s the disk below the pool is full: the pool ends at %s until there is "
		       "room on it\n",
		       "FULL", bytes(arena, p->size));
	else if (p->free < (UINT64_C(16) << 20))
		printf("%-10s the pool is full: remove what isn't needed%s\n", "FULL",
		       p->file ? ", or orch pool grow SIZE" : "");
	if (!p->limits)
		printf("%-10s \"disk\" is not enforced on it\n", "limits");
	if (!p->constant)
		printf("%-10s take as long as there are %s\n", "snapshots",
		       !strcmp(p->driver, "copy") ? "bytes, and as much space" : "files");
}

static void print(struct session *s, const struct storage *all)
{
	AUTO(table) struct table table = { 0 };

	table_row(&table, "ENVIRONMENT", "VOLUME", "USED", "LIMIT", "USE", "SHARED", "EXCLUSIVE",
		  "SNAPSHOTS", "", NULL);
	for (size_t i = 0; i < all->n; i++)
		if (all->items[i].kind == STORAGE_VOLUME)
			row(&s->arena, &table, all, &all->items[i]);
	table_print(&table, stdout);
	print_sum(&s->arena, "snapshots", sum(all, STORAGE_SNAPSHOT, NULL));
	print_sum(&s->arena, "trash", sum(all, STORAGE_TRASH, NULL));
	print_sum(&s->arena, "other", sum(all, STORAGE_OTHER, NULL));
	printf("%-10s %zu, %s\n", "images", all->n_images, bytes(&s->arena, all->images));
	if (all->pool)
		storage_print_pool(&s->arena, &all->space);
	printf("%-10s %s\n", "total", bytes(&s->arena, all->total));
}

int cmd_df(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	const struct options *options = ctx;
	struct storage all;

	(void)argc;
	(void)argv;
	if (host_need_root("df", err) < 0 || session_open(&s, options, err) < 0 ||
	    storage_look(&s, &all, err) < 0)
		return -1;
	if (options->json)
		print_json(&all);
	else
		print(&s, &all);
	return 0;
}
