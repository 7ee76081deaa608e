/*
 * cmd_list.c - ps, show, history: what is there
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
#include "orchestrator/look.h"
#include "orchestrator/say.h"
#include "orchestrator/session.h"
#include "orchestrator/urls.h"

static double cpu_percent(const struct seen *c)
{
	int64_t up = (int64_t)time(NULL) - c->since;

	return up > 0 ? (double)c->cpu_us / 10000 / (double)up : 0;
}

static struct json_t *seen_json(struct arena *arena, const struct seen *c)
{
	struct json_t *map = json_new_map();

	json_put_text(map, "container", c->name);
	json_put_text(map, "kind", c->kind);
	json_put_text(map, "type", c->type);
	json_put_text(map, "state", c->state);
	json_put_flag(map, "ready", c->ready);
	json_put_number(map, "pid", c->alive ? c->pid : 0);
	json_put_text(map, "since", c->alive ? say_when(arena, c->since, true) : NULL);
	json_put_number(map, "generation", c->generation);
	json_put_number(map, "cpu_us", (int64_t)c->cpu_us);
	json_put_number(map, "memory", (int64_t)c->memory);
	json_put_number(map, "memory_limit", (int64_t)c->memory_limit);
	json_put_number(map, "processes", (int64_t)c->pids);
	json_put_number(map, "restarts", c->restarts);
	json_put_text(map, "why", c->why);
	return map;
}

static void ps_row(struct arena *arena, struct table *t, const struct seen *c)
{
	char used[32], limit[32];

	table_row(t, c->name, c->type, c->state, c->ready ? "yes" : "no",
		  c->alive ? say_ago(arena, c->since) : "-",
		  arena_printf(arena, "%lld", (long long)c->generation),
		  arena_printf(arena, "%.1f%%", cpu_percent(c)),
		  arena_printf(arena, "%s/%s", text_bytes(used, c->memory),
			       text_bytes(limit, c->memory_limit)),
		  arena_printf(arena, "%u", c->restarts), *c->why ? c->why : "-", NULL);
}

int cmd_ps(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	AUTO(json) struct json_t *record = NULL;
	AUTO(table) struct table table = { 0 };
	const struct options *options = ctx;
	struct json_t *list;
	struct seen *seen;
	size_t n;

	(void)argc;
	(void)argv;
	if (session_supervised(&s, options, &record, err) < 0)
		return -1;
	look(&s.arena, &s.host, s.env.id, record, &seen, &n);
	for (size_t i = 0; i < n; i++)
		if (s.env.paused && seen[i].alive)
			seen[i].state = "paused";
	if (options->json) {
		list = json_new_list();
		for (size_t i = 0; i < n; i++)
			json_add(list, seen_json(&s.arena, &seen[i]));
		session_print("orch.ps/1", "containers", list);
		return 0;
	}
	table_row(&table, "CONTAINER", "TYPE", "STATE", "READY", "UP", "GEN", "CPU", "MEM",
		  "RESTARTS", "WHY", NULL);
	for (size_t i = 0; i < n; i++)
		ps_row(&s.arena, &table, &seen[i]);
	table_print(&table, stdout);
	return 0;
}

int cmd_show(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	AUTO(json) struct json_t *record = NULL;
	AUTO(json) struct json_t *document = NULL;
	const struct json_t *part;
	struct json_t *copy;

	if (session_supervised(&s, ctx, &record, err) < 0)
		return -1;
	if (!s.env.generation)
		return fail(err, ERROR_ABSENT, "%s has no generation yet: orch deploy", s.env.name);
	document = session_document(&s, 0, err);
	if (!document)
		return -1;
	part = argc ? json_path(document, "containers", argv[0], NULL) : document;
	if (!part)
		return fail(err, ERROR_ABSENT, "no container \"%s\" in %s; see them: orch ps",
			    argv[0], s.env.name);
	copy = json_copy_deep(part);
	if (!argc)
		json_put(copy, "urls", urls_json(&s, &s.env));
	session_print("orch.show/1", argc ? argv[0] : "environment", copy);
	return 0;
}

int cmd_history(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	AUTO(table) struct table table = { 0 };
	AUTO(json) struct json_t *list = json_new_list();
	const struct options *options = ctx;
	struct generation *all;
	size_t n;

	(void)argc;
	(void)argv;
	if (session_open(&s, options, err) < 0 || session_environment(&s, err) < 0 ||
	    state_list_generations(s.state, &s.arena, s.env.id, &all, &n, err) < 0)
		return -1;
	table_row(&table, "GEN", "MADE", "COMMIT", "RESULT", "WHAT", NULL);
	for (size_t i = 0; i < n; i++) {
		const struct generation *g = &all[i];
		struct json_t *map = json_add(list, json_new_map());
		bool now = g->number == s.env.generation;

		json_put_number(map, "generation", g->number);
		json_put_text(map, "made", say_when(&s.arena, g->made, true));
		json_put_text(map, "commit", g->commit);
		json_put_text(map, "subject", g->subject);
		json_put_text(map, "result", g->result);
		json_put_text(map, "summary", g->summary);
		json_put_flag(map, "wanted", now);
		table_row(&table,
			  arena_printf(&s.arena, "%lld%s", (long long)g->number, now ? "*" : ""),
			  say_when(&s.arena, g->made, false),
			  *g->commit ? arena_printf(&s.arena, "%.7s %s", g->commit, g->subject)
				     : "-",
			  arena_strndup(&s.arena, *g->result ? g->result : "at work",
					strcspn(*g->result ? g->result : "at work", "\n")),
			  g->summary, NULL);
	}
	if (options->json)
		session_print("orch.history/1", "generations", TAKE_PTR(list));
	else
		table_print(&table, stdout);
	return 0;
}
