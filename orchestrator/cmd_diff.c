/*
 * cmd_diff.c - how two environments differ: images, configuration, and the files of their volumes
 */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "orchestrator/commands.h"
#include "orchestrator/desired.h"
#include "orchestrator/lineage.h"
#include "orchestrator/plan.h"
#include "orchestrator/rollout.h"
#include "orchestrator/session.h"
#include "runtime/volume.h"
#include "runtime/volume_diff.h"

#define SHOWN 20 /* changed files of a volume, for people */
#define EXIT_DIFFERENCES 8

struct diff {
	struct session *s;
	struct environment sides[2];
	struct json_t *
		volumes; /* [{ "volume", "related", "why", "files": [{ "path", "change" }] }]; owned */
	size_t n;	 /* differences */
};

static bool always(void *ctx, const char *container)
{
	(void)ctx;
	(void)container;
	return true;
}

/* As if the first one's containers ran: what would have to be done to them to be the second one's. */
static int plan_both(struct diff *d, struct json_t **record, struct json_t **desired,
		     struct plan *plan, struct error *err)
{
	struct session *s = d->s;
	const struct plan_view view = { .alive = always };
	AUTO(json) struct json_t *first = session_document_of(s, &d->sides[0], 0, err);
	AUTO(json)
	struct json_t *second = first ? session_document_of(s, &d->sides[1], 0, err) : NULL;
	struct json_t *entries;
	const char **names;
	size_t n;

	if (!second)
		return -1;
	/* Names, URL and port are theirs by nature. */
	*desired = desired_remake(second, &d->sides[0]);
	*record = json_new_map();
	entries = json_put(*record, "containers", json_new_map());
	json_put(*record, "network", json_copy_deep(json_get(first, "network")));
	names = json_keys(&s->arena, json_get(first, "containers"), &n);
	for (size_t i = 0; i < n; i++) {
		struct json_t *entry = json_put(entries, names[i], json_new_map());

		json_put_flag(entry, "made", true);
		json_put_flag(entry, "active", true);
		json_put(entry, "document",
			 json_copy_deep(json_path(first, "containers", names[i], NULL)));
	}
	plan_make(&s->arena, *desired, *record, &view, plan);
	d->n += plan->changes;
	return 0;
}

static const char *word_of(char what)
{
	return what == '~' ? "changed" : what == '+' ? "added" : "removed";
}

static int add_volume(struct diff *d, const char *name, struct error *err)
{
	struct session *s = d->s;
	struct json_t *map = json_add(d->volumes, json_new_map());
	struct json_t *files = json_new_list();
	struct volume_change *changes = NULL;
	size_t n = 0;
	int r = volume_diff(
		&s->arena, s->host.pool, arena_printf(&s->arena, "%s/%s", d->sides[0].id, name),
		arena_printf(&s->arena, "%s/%s", d->sides[1].id, name), &changes, &n, err);

	json_put_text(map, "volume", name);
	json_put_flag(map, "related", r == 0);
	json_put(map, "files", files);
	if (r < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct json_t *file = json_add(files, json_new_map());

		json_put_text(file, "path", changes[i].path);
		json_put_text(file, "change", word_of(changes[i].what));
	}
	json_put_text(map, "why",
		      r == VOLUME_UNRELATED ? "they aren't copies of one another"
			      : r == VOLUME_UNSTAMPED
			      ? "the pool copies files, and keeps no account of what changed"
			      : NULL);
	d->n += n + (r == VOLUME_UNRELATED);
	return 0;
}

/* Those that both have; what only one has is a difference of configuration. */
static int add_volumes(struct diff *d, struct error *err)
{
	struct session *s = d->s;
	const char **names;
	bool any;
	size_t n;

	if (rollout_has_volumes(s, d->sides[0].id, &any, err) < 0)
		return -1;
	if (!any)
		return 0;
	if (volume_list(&s->arena, s->host.pool, d->sides[0].id, &names, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (volume_exists(s->host.pool,
				  arena_printf(&s->arena, "%s/%s", d->sides[1].id, names[i])) &&
		    add_volume(d, names[i], err) < 0)
			return -1;
	return 0;
}

static void print_volumes(const struct diff *d)
{
	for (size_t i = 0; i < json_count(d->volumes); i++) {
		const struct json_t *v = json_at(d->volumes, i), *files = json_get(v, "files");
		const char *name = json_get_text(v, "volume", "");
		size_t n = json_count(files);

		if (!json_get_flag(v, "related", false))
			printf("volume %s: files aren't compared: %s\n", name,
			       json_get_text(v, "why", ""));
		else
			printf("volume %s: %zu file%s differ%s\n", name, n, n == 1 ? "" : "s",
			       n == 1 ? "s" : "");
		for (size_t k = 0; k < n && k < SHOWN; k++)
			printf("  %-8s %s\n", json_get_text(json_at(files, k), "change", ""),
			       json_get_text(json_at(files, k), "path", ""));
		if (n > SHOWN)
			printf("  ... and %zu more: --json has all\n", n - SHOWN);
	}
}

static int show(struct diff *d, struct error *err)
{
	AUTO(json) struct json_t *record = NULL;
	AUTO(json) struct json_t *desired = NULL;
	struct plan plan;
	struct json_t *map;

	if (plan_both(d, &record, &desired, &plan, err) < 0 || add_volumes(d, err) < 0)
		return -1;
	if (!d->s->options->json) {
		printf("\"%s\" -> \"%s\"\n", d->sides[0].name, d->sides[1].name);
		plan_print(&plan, stdout);
		print_volumes(d);
		return 0;
	}
	map = json_new_map();
	json_put_text(map, "first", d->sides[0].name);
	json_put_text(map, "second", d->sides[1].name);
	json_put(map, "containers", plan_json(&plan));
	json_put(map, "volumes", TAKE_PTR(d->volumes));
	session_print("orch.diff/1", "diff", map);
	return 0;
}

static int find_sides(struct diff *d, int argc, const char **argv, struct error *err)
{
	struct session *s = d->s;

	for (int i = 0; i < 2; i++) {
		int r = i < argc ? lineage_find(s, argv[i], &d->sides[i], err) : 0;

		if (i >= argc) {
			d->sides[1] = d->sides[0];
			d->sides[0] = s->env;
			r = s->exists ? 0 : STATE_ABSENT;
		}
		if (r < 0)
			return -1;
		if (r == STATE_ABSENT || !d->sides[i].generation)
			return fail(err, ERROR_ABSENT, "no environment \"%s\"; see them: orch ls",
				    i < argc ? argv[i] : s->env.name);
	}
	return 0;
}

int cmd_diff(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	struct diff d = { .s = &s };
	struct error ignored;
	int r;

	if (!argc)
		return cmd_plan(ctx, argc, argv, err);
	if (session_open(&s, ctx, err) < 0 || session_need_state(&s, "diff", err) < 0)
		return -1;
	/* Machine names do without a project. */
	if (session_project(&s, argc == 1 ? err : &ignored) < 0 && argc == 1)
		return -1;
	if (find_sides(&d, argc, argv, err) < 0)
		return -1;
	d.volumes = json_new_list();
	r = show(&d, err);
	json_free(d.volumes);
	return r == 0 && d.n && s.options->detailed ? EXIT_DIFFERENCES : r;
}
