/*
 * cmd_trash.c - trash ls|restore|empty
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "base/table.h"
#include "base/text.h"
#include "orchestrator/commands.h"
#include "orchestrator/destroy.h"
#include "orchestrator/record.h"
#include "orchestrator/session.h"
#include "orchestrator/trash.h"
#include "runtime/volume.h"

static void print_json(const struct trashed *list, size_t n)
{
	struct json_t *out = json_new_list();
	char when[TEXT_TIME];

	for (size_t i = 0; i < n; i++) {
		struct json_t *map = json_add(out, json_new_map());

		json_put_text(map, "name", list[i].name);
		json_put_text(map, "environment", list[i].environment);
		json_put_text(map, "containers", list[i].containers);
		json_put_number(map, "snapshots", (int64_t)list[i].snapshots);
		json_put_number(map, "bytes", (int64_t)list[i].bytes);
		json_put_text(map, "thrown_away", text_time(when, list[i].when));
		json_put_text(map, "kept_until", text_time(when, list[i].when + TRASH_KEPT_S));
	}
	session_print("orch.trash/1", "trash", out);
}

static int list(struct session *s, const struct trashed *all, size_t n)
{
	AUTO(table) struct table table = { 0 };
	int64_t now = (int64_t)time(NULL);
	char age[32], size[32];

	if (s->options->json) {
		print_json(all, n);
		return 0;
	}
	table_row(&table, "NAME", "CONTAINERS", "SNAPSHOTS", "SIZE", "AGE", NULL);
	for (size_t i = 0; i < n; i++)
		table_row(&table, all[i].name, *all[i].containers ? all[i].containers : "-",
			  arena_printf(&s->arena, "%zu", all[i].snapshots),
			  text_bytes(size, all[i].bytes),
			  text_duration(age, (uint64_t)(now - all[i].when) * 1000), NULL);
	table_print(&table, stdout);
	return 0;
}

/* By its name, or the newest of an environment: by machine name, or by branch (its slug), if only one has it. */
static const struct trashed *find(struct session *s, const struct trashed *all, size_t n,
				  const char *name, struct error *err)
{
	const char *slug = arena_printf(&s->arena, "%s-", project_slug(&s->arena, name));
	const struct trashed *found = NULL;

	for (size_t i = 0; i < n; i++)
		if (!strcmp(all[i].name, name) || !strcmp(all[i].environment, name))
			return &all[i];
	for (size_t i = 0; i < n; i++) {
		const char *id = all[i].environment;

		if (!text_starts(id, slug) || strchr(id + strlen(slug), '-'))
			continue;
		if (found && strcmp(found->environment, id) != 0) {
			fail(err, ERROR_INPUT, "several are called %s; say which: orch trash ls",
			     name);
			return NULL;
		}
		found = found ? found : &all[i];
	}
	if (!found)
		fail(err, ERROR_ABSENT, "nothing in the trash is called \"%s\": orch trash ls",
		     name);
	return found;
}

static int restore(struct session *s, const struct trashed *all, size_t n, const char *name,
		   struct error *err)
{
	const struct trashed *t = find(s, all, n, name, err);
	AUTO(fd) int lock = -1;
	int r;

	if (!t)
		return -1;
	s->env = (struct environment){ .id = t->environment, .name = t->environment };
	r = session_lock(s, &lock, err);
	if (r != 0)
		return r < 0 ? -1
			     : fail(err, ERROR_CONFLICT, "another command is at work on %s",
				    t->environment);
	r = state_find(s->state, &s->arena, t->environment, &s->env, err);
	if (r < 0)
		return -1;
	if (r == 0 && s->env.wanted)
		return fail(err, ERROR_CONFLICT, "%s runs; first: orch stop -e %s", s->env.name,
			    s->env.name);
	if (trash_restore(&s->host, t, err) < 0 ||
	    (r == STATE_ABSENT && record_remove(&s->host, t->environment, err) < 0))
		return -1;
	if (!s->options->quiet)
		fprintf(stderr, "%s has the volumes of %s again; start it: %s\n", t->containers,
			t->environment, r == 0 ? "orch start" : "orch deploy");
	return 0;
}

static int empty(struct session *s, struct error *err)
{
	int64_t age = (int64_t)(s->options->older_than_ms / 1000);
	int64_t before = (int64_t)time(NULL) + 1 - age;
	size_t n;

	if (!s->options->older_than_ms && !s->options->yes)
		return fail(err, ERROR_INPUT,
			    "this deletes all of the trash: --yes, or --older-than TIME");
	if (trash_expire(&s->host, before, &n, err) < 0)
		return -1;
	if (!s->options->quiet)
		fprintf(stderr, "%zu deleted\n", n);
	return 0;
}

static int run(struct session *s, int argc, const char **argv, struct error *err)
{
	struct trashed *all;
	size_t n;

	if (trash_list(&s->arena, &s->host, &all, &n, err) < 0)
		return -1;
	if (!strcmp(argv[0], "ls") && argc == 1)
		return list(s, all, n);
	if (!strcmp(argv[0], "restore") && argc == 2)
		return restore(s, all, n, argv[1], err);
	if (!strcmp(argv[0], "empty") && argc == 1)
		return empty(s, err);
	return fail(err, ERROR_INPUT, "orch trash ls | restore NAME | empty [--older-than TIME]");
}

int cmd_trash(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	struct environment *all;
	struct error ignored;
	size_t n;
	int r;

	if (session_open(&s, ctx, err) < 0 || session_need_state(&s, "trash", err) < 0 ||
	    destroy_finish_all(&s, err) < 0)
		return -1;
	if (trash_open(&s.host, err) < 0)
		return -1;
	r = run(&s, argc, argv, err);
	/* Where nothing runs, nothing stays mounted. */
	if (state_list(s.state, &s.arena, &all, &n, &ignored) == 0 && n == 0)
		(void)pool_close(s.host.pool, &ignored);
	return r;
}
