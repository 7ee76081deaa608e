/*
 * cmd_gc.c - gc: carry out what gc.c decided, and say what was kept
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/table.h"
#include "base/text.h"
#include "images/mount.h"
#include "images/store.h"
#include "orchestrator/build_box.h"
#include "orchestrator/commands.h"
#include "orchestrator/gc_facts.h"
#include "orchestrator/rollout.h"
#include "orchestrator/session.h"
#include "runtime/pool_trim.h"

/* Its data goes to the trash, as with any destroy. Somebody who deploys it just now is a reason to keep it. */
static int remove_environment(struct session *s, const struct gc_item *item, struct error *err)
{
	struct options options = {
		.folder = "/",
		.root = s->options->root,
		.environment = item->name,
		.yes = true,
		.quiet = true,
		.gc = true,
	};
	AUTO(fd) int lock = -1;

	s->env = (struct environment){ .id = item->name, .name = item->shown };
	if (rollout_lock(s, &lock, err) < 0)
		return -1;
	auto_fd(&lock);
	return cmd_destroy(&options, 0, NULL, err);
}

/* A killed build leaves more than its folder. "<machine name>.<app>" */
static int remove_scratch(struct session *s, const struct gc_item *item, struct error *err)
{
	const char *dot = strchr(item->name, '.');

	if (dot) {
		s->env.id = arena_strndup(&s->arena, item->name, (size_t)(dot - item->name));
		if (box_remove(s, dot + 1, err) < 0)
			return -1;
	}
	return file_remove(AT_FDCWD, item->path, err);
}

static int carry_out(struct session *s, const struct gc_item *item, struct error *err)
{
	switch (item->kind) {
	case GC_ENVIRONMENT:
		return remove_environment(s, item, err);
	case GC_IMAGE:
		if (image_mount_ensure_no(s->host.mounts, item->name, err) < 0)
			return -1;
		return store_remove(s->host.images, item->name, err);
	case GC_CACHE:
		return file_remove(AT_FDCWD, item->path, err);
	case GC_SCRATCH:
		return remove_scratch(s, item, err);
	}
	return -1;
}

static struct json_t *item_json(const struct gc_item *item, const char *outcome)
{
	struct json_t *map = json_new_map();

	json_put_text(map, "kind", gc_kind_name(item->kind));
	json_put_text(map, "name", item->name);
	json_put_text(map, "outcome", outcome);
	json_put_text(map, "why", item->why);
	json_put(map, "bytes",
		 item->kind == GC_IMAGE ? json_new_number((int64_t)item->bytes) : NULL);
	return map;
}

struct report {
	struct json_t *list;
	struct table table;
	size_t removed, failed;
	uint64_t bytes;
};

static void note(struct report *r, const struct gc_item *item, const char *outcome, const char *why)
{
	json_add(r->list, item_json(item, outcome));
	table_row(&r->table, outcome, gc_kind_name(item->kind), item->shown, why, NULL);
}

/* All of them, whatever happens to one. */
static void go_through(struct session *s, struct gc_item *items, size_t n, struct report *r)
{
	bool dry = s->options->dry_run;
	struct error err;

	for (size_t i = 0; i < n; i++) {
		if (!items[i].remove) {
			note(r, &items[i], "kept", items[i].why);
		} else if (!dry && carry_out(s, &items[i], &err) < 0) {
			r->failed++;
			items[i].why = arena_strdup(&s->arena, err.text);
			note(r, &items[i], "failed", items[i].why);
		} else {
			r->removed++;
			r->bytes += items[i].bytes;
			note(r, &items[i], dry ? "would remove" : "removed", items[i].why);
		}
	}
}

/* Last, so that what was removed counts. That the disk below can't take anything back is no failure of what was asked for. */
static void give_back(struct session *s, struct report *r)
{
	const char *pool = s->host.pool;
	struct json_t *map = json_new_map();
	const char *outcome = "given back", *why = "what its file doesn't need any more";
	struct error err;
	uint64_t given;
	char size[16];
	int got = pool_trim(pool, &given, &err);

	if (got == POOL_HELD) {
		outcome = "kept";
		why = "the disk below it is nearly full: orch df";
	} else if (got < 0) {
		outcome = err.kind == ERROR_HOST ? "kept" : "failed";
		why = arena_strdup(&s->arena, err.text);
		r->failed += err.kind != ERROR_HOST;
	}
	if (got == POOL_NO_FILE || (got == 0 && !given)) {
		json_free(map);
		return;
	}
	json_put_text(map, "kind", "pool");
	json_put_text(map, "name", pool);
	json_put_text(map, "outcome", outcome);
	json_put_text(map, "why", why);
	json_put_number(map, "bytes", (int64_t)given);
	json_add(r->list, map);
	table_row(&r->table, outcome, "pool", text_bytes(size, given), why, NULL);
}

static void print(const struct session *s, struct report *r)
{
	char bytes[16];

	if (s->options->json) {
		session_print("orch.gc/1", "items", json_copy_deep(r->list));
		return;
	}
	if (s->options->quiet)
		return;
	table_print(&r->table, stdout);
	if (!s->options->expired || r->removed)
		fprintf(stderr, "%zu %s, %s of images; data of environments goes to the trash\n",
			r->removed, s->options->dry_run ? "would be removed" : "removed",
			text_bytes(bytes, r->bytes));
}

int cmd_gc(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	struct options options = *(const struct options *)ctx;
	struct report report = { 0 };
	struct gc_input in;
	struct gc_item *items;
	size_t n;
	int r;

	(void)argc;
	(void)argv;
	options.gc = true;
	if (session_open(&s, &options, err) < 0 || session_need_state(&s, "gc", err) < 0 ||
	    gc_facts(&s, &in, err) < 0)
		return -1;
	items = gc_decide(&s.arena, &in, &n);
	report.list = json_new_list();
	go_through(&s, items, n, &report);
	if (!options.dry_run && state_drop_secrets(s.state, err) < 0)
		report.failed++;
	if (!options.dry_run && !options.expired)
		give_back(&s, &report);
	print(&s, &report);
	r = report.failed ? fail(err, ERROR_SYSTEM, "%zu could not be removed", report.failed) : 0;
	json_free(report.list);
	table_clear(&report.table);
	return r;
}
