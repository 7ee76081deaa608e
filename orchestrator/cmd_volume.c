/*
 * cmd_volume.c - volume: an environment's volumes, and snapshots of all of them as of one moment
 */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/table.h"
#include "base/text.h"
#include "orchestrator/commands.h"
#include "orchestrator/group.h"
#include "orchestrator/progress.h"
#include "orchestrator/record.h"
#include "orchestrator/rollout.h"
#include "orchestrator/session.h"
#include "orchestrator/storage.h"
#include "orchestrator/supervise.h"
#include "runtime/volume.h"

#define TAG_MAX 60
#define NAMED_MAX \
	64 /* snapshots of an environment that somebody named: each makes counting dearer */
#define TAG_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

struct work {
	struct session *s;
	struct progress progress;
	uint64_t since;
	int lock;
};

/* Those that orch gives itself it also removes by itself. */
static int check_new_tag(const char *tag, struct error *err)
{
	size_t len = strlen(tag);

	if (!len || len > TAG_MAX || strspn(tag, TAG_LETTERS) != len || *tag == '.' || *tag == '-')
		return fail(err, ERROR_INPUT,
			    "\"%s\" can't be a snapshot's name: letters, digits, '-', '_' and '.'",
			    tag);
	if ((tag[0] == 'g' && strspn(tag + 1, "0123456789") == len - 1) ||
	    text_starts(tag, "before-") || !strcmp(tag, "synced"))
		return fail(err, ERROR_INPUT,
			    "names such as \"%s\" are those of orch's own snapshots, which come "
			    "and go: choose another",
			    tag);
	return 0;
}

static int check_number(struct session *s, struct error *err)
{
	struct error ignored;
	const char **tags;
	size_t n, named = 0;

	if (group_list(&s->arena, &s->host, s->env.id, &tags, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		named += check_new_tag(tags[i], &ignored) == 0;
	if (named < NAMED_MAX)
		return 0;
	return fail(err, ERROR_CONFLICT,
		    "%s has %d snapshots, which is the limit; remove some: orch volume ls, orch "
		    "volume rm NAME",
		    s->env.name, NAMED_MAX);
}

static bool has_snapshot(struct session *s, const char *tag)
{
	return file_exists(arena_printf(&s->arena, "%s/%s", s->host.pool,
					group_snapshot_name(&s->arena, s->env.id, tag)));
}

static int need_snapshot(struct session *s, const char *tag, struct error *err)
{
	bool any;

	if (rollout_has_volumes(s, s->env.id, &any, err) < 0)
		return -1;
	if (strspn(tag, TAG_LETTERS) == strlen(tag) && has_snapshot(s, tag))
		return 0;
	return fail(err, ERROR_ABSENT, "%s has no snapshot \"%s\"; see them: orch volume ls",
		    s->env.name, tag);
}

static int list(struct work *w, const char **argv, struct error *err)
{
	AUTO(table) struct table table = { 0 };
	struct session *s = w->s;
	struct json_t *all_json = json_new_list();
	struct arena *arena = &s->arena;
	struct storage all;
	char used[16], own[16];

	(void)argv;
	if (storage_look(s, &all, err) < 0)
		return -1;
	table_row(&table, "SNAPSHOT", "VOLUME", "USED", "EXCLUSIVE", NULL);
	for (size_t i = 0; i < all.n; i++) {
		const struct storage_item *item = &all.items[i];

		if (item->kind > STORAGE_SNAPSHOT || strcmp(item->environment, s->env.id) != 0)
			continue;
		json_add(all_json, storage_item_json(item));
		table_row(&table, *item->tag ? item->tag : "-", item->name,
			  arena_strdup(arena, text_bytes(used, item->usage.used)),
			  arena_strdup(arena, text_bytes(own, item->usage.exclusive)), NULL);
	}
	if (s->options->json) {
		session_print("orch.volume/1", "volumes", all_json);
		return 0;
	}
	json_free(all_json);
	table_print(&table, stdout);
	return 0;
}

static int snapshot(struct work *w, const char **argv, struct error *err)
{
	struct session *s = w->s;
	bool any;

	if (check_new_tag(argv[0], err) < 0 || rollout_has_volumes(s, s->env.id, &any, err) < 0)
		return -1;
	if (!any)
		return fail(err, ERROR_ABSENT, "%s has no volumes", s->env.name);
	if (has_snapshot(s, argv[0]))
		return fail(err, ERROR_CONFLICT,
			    "%s has a snapshot \"%s\" already; remove it: orch volume rm %s",
			    s->env.name, argv[0], argv[0]);
	if (check_number(s, err) < 0)
		return -1;
	return rollout_snapshot(s, &w->progress, argv[0], err);
}

/* Under a name that somebody chose it isn't removed when newer ones push it out. */
static int clone(struct work *w, const char **argv, struct error *err)
{
	struct session *s = w->s;

	if (need_snapshot(s, argv[0], err) < 0 || check_new_tag(argv[1], err) < 0 ||
	    check_number(s, err) < 0)
		return -1;
	if (group_copy(&s->host, group_snapshot_name(&s->arena, s->env.id, argv[0]),
		       group_snapshot_name(&s->arena, s->env.id, argv[1]), true, NULL, NULL,
		       err) < 0)
		return -1;
	if (!s->options->quiet)
		fprintf(stderr, "snapshot \"%s\" is also \"%s\" now\n", argv[0], argv[1]);
	return 0;
}

/* Nobody starts it meanwhile: who would has to wait for the supervisor's lock. Cut short, the next start does it. */
static int restore_stopped(struct work *w, const char *from, struct error *err)
{
	struct session *s = w->s;
	AUTO(fd) int lock = -1;

	if (state_set_data(s->state, s->env.id, s->env.cloned, from, "", err) < 0 ||
	    supervise_lock(&s->host, s->env.id, &lock, err) < 0 ||
	    group_replace(&s->host, s->env.id, from, err) < 0)
		return -1;
	return state_set_data(s->state, s->env.id, s->env.cloned, "", "", err);
}

static int restore(struct work *w, const char **argv, struct error *err)
{
	struct session *s = w->s;
	const char *from = group_snapshot_name(&s->arena, s->env.id, argv[0]);
	const char *kept;

	if (need_snapshot(s, argv[0], err) < 0)
		return -1;
	if (s->env.paused)
		return fail(err, ERROR_CONFLICT, "\"%s\" is paused; first: orch resume -e %s",
			    s->env.name, s->env.name);
	if (rollout_keep(s, &w->progress, "before-restore-", &kept, err) < 0)
		return fail_in(err, "nothing was changed");
	if (!s->env.wanted || !s->env.good) {
		if (restore_stopped(w, from, err) < 0)
			return -1;
	} else {
		if (state_set_data(s->state, s->env.id, s->env.cloned, from, kept, err) < 0 ||
		    rollout_converge(s, &w->progress, err) < 0)
			return -1;
	}
	if (!s->options->quiet && !w->progress.json)
		fprintf(stderr,
			"%s has the data of \"%s\"; that of before is kept: orch volume restore "
			"%s\n",
			s->env.name, argv[0], *kept ? strchr(kept, '@') + 1 : argv[0]);
	return 0;
}

/* A volume that no container has any more. */
static int remove_volume(struct work *w, const char *name, struct error *err)
{
	struct session *s = w->s;
	AUTO(json) struct json_t *document = session_document(s, 0, err);
	const char *volume = arena_printf(&s->arena, "%s/%s", s->env.id, name);

	if (!document)
		return -1;
	if (json_path(document, "containers", name, NULL))
		return fail(
			err, ERROR_CONFLICT,
			"volume %s is used by container %s of \"%s\"; take the container out of "
			"the manifest, or: orch destroy -e %s",
			name, name, s->env.name, s->env.name);
	return volume_ensure_no(s->host.pool, volume, err);
}

static int rm(struct work *w, const char **argv, struct error *err)
{
	struct session *s = w->s;
	const char *name = argv[0], *folder;
	bool any;

	if (rollout_has_volumes(s, s->env.id, &any, err) < 0)
		return -1;
	if (any && strspn(name, TAG_LETTERS) == strlen(name) &&
	    volume_exists(s->host.pool, arena_printf(&s->arena, "%s/%s", s->env.id, name)))
		return remove_volume(w, name, err);
	if (need_snapshot(s, name, err) < 0)
		return -1;
	folder = group_snapshot_name(&s->arena, s->env.id, name);
	if ((s->env.restoring && !strcmp(s->env.restoring, folder)) ||
	    (s->env.fallback && !strcmp(s->env.fallback, folder)))
		return fail(err, ERROR_CONFLICT,
			    "\"%s\" is being restored from snapshot %s; first: orch start -e %s",
			    s->env.name, name, s->env.name);
	if (group_remove(&s->host, folder, err) < 0)
		return -1;
	if (!s->options->quiet)
		fprintf(stderr, "snapshot \"%s\" is gone\n", name);
	return 0;
}

static const struct verb {
	const char *name, *usage;
	int n; /* arguments */
	bool changes;
	int (*run)(struct work *w, const char **argv, struct error *err);
} verbs[] = {
	{ "ls", "", 0, false, list },
	{ "snapshot", "NAME", 1, true, snapshot },
	{ "clone", "SNAPSHOT NAME", 2, true, clone },
	{ "restore", "NAME", 1, true, restore },
	{ "rm", "NAME", 1, true, rm },
};

static int run(struct work *w, const struct verb *verb, const char **argv, struct error *err)
{
	struct session *s = w->s;

	if (session_need_state(s, "volume", err) < 0 || session_environment(s, err) < 0)
		return -1;
	if (verb->changes && rollout_lock(s, &w->lock, err) < 0)
		return -1;
	/* As it is now that nobody else changes it. */
	if (verb->changes && session_environment(s, err) < 0)
		return -1;
	return verb->run(w, argv, err);
}

int cmd_volume(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	struct work w = { .s = &s, .progress = progress_of(ctx), .since = clock_ms(), .lock = -1 };
	const struct verb *verb = NULL;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(argv[0], verbs[i].name))
			verb = &verbs[i];
	if (!verb)
		return fail(err, ERROR_INPUT,
			    "orch volume has ls, snapshot, clone, restore and rm, not \"%s\"",
			    argv[0]);
	if (argc - 1 != verb->n)
		return fail(err, ERROR_INPUT, "usage: orch volume %s %s", verb->name, verb->usage);
	if (session_open(&s, ctx, err) < 0)
		return -1;
	r = run(&w, verb, argv + 1, err);
	auto_fd(&w.lock);
	return r;
}
