/*
 * cmd_list.c - ps, ls, status, show, history: what is there
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "base/table.h"
#include "base/text.h"
#include "orchestrator/commands.h"
#include "orchestrator/look.h"
#include "orchestrator/record.h"
#include "orchestrator/session.h"
#include "orchestrator/supervise.h"

/* The environment with its record; a dead supervisor of one that should run is started again. */
static int open_all(struct session *s, const struct options *options, struct json_t **record,
		    struct error *err)
{
	if (session_open(s, options, err) < 0 || session_environment(s, err) < 0)
		return -1;
	*record = record_load(&s->host, s->env.id, err);
	if (!*record)
		return -1;
	if (s->env.wanted && geteuid() == 0)
		return supervise_ensure(&s->host, s->env.id, err);
	return 0;
}

static const char *ago(struct arena *arena, int64_t since)
{
	char text[32];
	int64_t now = (int64_t)time(NULL);

	if (since <= 0)
		return "-";
	return arena_strdup(arena,
			    text_duration(text, (uint64_t)(now > since ? now - since : 0) * 1000));
}

static const char *when(struct arena *arena, int64_t t, bool utc)
{
	time_t at = (time_t)t;
	char text[40];
	struct tm tm;

	if (t <= 0)
		return "-";
	if (utc)
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&at, &tm));
	else
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %z", localtime_r(&at, &tm));
	return arena_strdup(arena, text);
}

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
	json_put_text(map, "since", c->alive ? when(arena, c->since, true) : NULL);
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
		  c->alive ? ago(arena, c->since) : "-",
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
	if (open_all(&s, options, &record, err) < 0)
		return -1;
	look(&s.arena, &s.host, s.env.id, record, &seen, &n);
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

static const char *url_of(struct arena *arena, const struct environment *e)
{
	if (!e->publish_port)
		return "-";
	return arena_printf(arena, "http://%s:%u/",
			    !strcmp(e->publish_address, "0.0.0.0") ? "127.0.0.1"
								   : e->publish_address,
			    e->publish_port);
}

/* "running", "stopped", "degraded" (should run, and not all does), "new". */
static const char *state_of(struct session *s, const struct environment *e, size_t *ready,
			    size_t *n)
{
	AUTO(json) struct json_t *record = NULL;
	struct error ignored;
	struct seen *seen;

	*ready = *n = 0;
	record = record_load(&s->host, e->id, &ignored);
	if (record)
		look(&s->arena, &s->host, e->id, record, &seen, n);
	for (size_t i = 0; i < *n; i++)
		*ready += seen[i].ready;
	if (!e->generation)
		return "new";
	if (!e->wanted)
		return "stopped";
	return *n && *ready == *n ? "running" : "degraded";
}

static struct json_t *environment_json(struct session *s, const struct environment *e)
{
	struct json_t *map = json_new_map();
	size_t ready, n;

	json_put_text(map, "environment", e->name);
	json_put_text(map, "machine_name", e->id);
	json_put_text(map, "project", e->project);
	json_put_text(map, "folder", e->folder);
	json_put_text(map, "type", e->type);
	json_put_text(map, "state", state_of(s, e, &ready, &n));
	json_put_number(map, "ready", (int64_t)ready);
	json_put_number(map, "containers", (int64_t)n);
	json_put_number(map, "generation", e->generation);
	json_put_text(map, "url", e->publish_port ? url_of(&s->arena, e) : NULL);
	json_put_text(map, "made", when(&s->arena, e->made, true));
	return map;
}

int cmd_ls(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	AUTO(table) struct table table = { 0 };
	const struct options *options = ctx;
	struct environment *all = NULL;
	struct json_t *list;
	size_t n = 0, ready, total;

	(void)argc;
	(void)argv;
	if (session_open(&s, options, err) < 0 ||
	    (s.state && state_list(s.state, &s.arena, &all, &n, err) < 0))
		return -1;
	if (options->json) {
		list = json_new_list();
		for (size_t i = 0; i < n; i++)
			json_add(list, environment_json(&s, &all[i]));
		session_print("orch.ls/1", "environments", list);
		return 0;
	}
	table_row(&table, "PROJECT", "ENVIRONMENT", "TYPE", "STATE", "READY", "GEN", "AGE", "URL",
		  "NAME", NULL);
	for (size_t i = 0; i < n; i++) {
		const char *state = state_of(&s, &all[i], &ready, &total);

		table_row(&table, all[i].project, all[i].name, all[i].type, state,
			  arena_printf(&s.arena, "%zu/%zu", ready, total),
			  arena_printf(&s.arena, "%lld", (long long)all[i].generation),
			  ago(&s.arena, all[i].made), url_of(&s.arena, &all[i]), all[i].id, NULL);
	}
	table_print(&table, stdout);
	return 0;
}

int cmd_status(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	AUTO(json) struct json_t *record = NULL;
	const struct options *options = ctx;
	const char *state, *commit;
	size_t ready, n;

	(void)argc;
	(void)argv;
	if (open_all(&s, options, &record, err) < 0)
		return -1;
	if (options->json) {
		session_print("orch.status/1", "environment", environment_json(&s, &s.env));
		return 0;
	}
	state = state_of(&s, &s.env, &ready, &n);
	commit = json_get_text(record, "commit", "");
	printf("%s (%s, %s) of %s: %s, %zu of %zu containers ready\n", s.env.name, s.env.id,
	       s.env.type, s.env.project, state, ready, n);
	printf("  generation  %lld", (long long)s.env.generation);
	if (*commit)
		printf("   commit %.7s", commit);
	printf("\n  url         %s\n  folder      %s\n", url_of(&s.arena, &s.env), s.env.folder);
	if (s.env.good != s.env.generation)
		printf("  generation %lld isn't reached yet; the last good one is %lld\n",
		       (long long)s.env.generation, (long long)s.env.good);
	return 0;
}

int cmd_show(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	AUTO(json) struct json_t *record = NULL;
	AUTO(json) struct json_t *document = NULL;
	const struct json_t *part;

	if (open_all(&s, ctx, &record, err) < 0)
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
	session_print("orch.show/1", argc ? argv[0] : "environment", json_copy_deep(part));
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
		json_put_text(map, "made", when(&s.arena, g->made, true));
		json_put_text(map, "commit", g->commit);
		json_put_text(map, "subject", g->subject);
		json_put_text(map, "result", g->result);
		json_put_text(map, "summary", g->summary);
		json_put_flag(map, "wanted", now);
		table_row(&table,
			  arena_printf(&s.arena, "%lld%s", (long long)g->number, now ? "*" : ""),
			  when(&s.arena, g->made, false),
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
