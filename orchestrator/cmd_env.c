/*
 * cmd_env.c - ls, status, open, env set: environments as a whole
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "base/process.h"
#include "base/table.h"
#include "base/text.h"
#include "orchestrator/access.h"
#include "orchestrator/commands.h"
#include "orchestrator/group.h"
#include "orchestrator/look.h"
#include "orchestrator/record.h"
#include "orchestrator/rollout.h"
#include "orchestrator/say.h"
#include "orchestrator/session.h"
#include "orchestrator/tree.h"
#include "orchestrator/ttl.h"
#include "orchestrator/urls.h"
#include "runtime/volume.h"

/* One environment, looked at. */
struct view {
	const struct environment *e;
	size_t ready, n; /* containers */
	bool sized;	 /* the pool could be asked */
	uint64_t exclusive, referenced;
	bool asleep;
};

/* As the pool counts: at its last commit. Unknown while it isn't mounted. */
static void measure(struct session *s, struct view *v)
{
	const char **names;
	struct error ignored;
	size_t n;

	if (!pool_mounted(s->host.pool) ||
	    volume_list(&s->arena, s->host.pool, v->e->id, &names, &n, &ignored) < 0)
		return;
	v->sized = true;
	for (size_t i = 0; i < n; i++) {
		const char *name = arena_printf(&s->arena, "%s/%s", v->e->id, names[i]);
		struct volume_usage usage = { 0 };

		if (volume_usage(s->host.pool, name, &usage, &ignored) < 0) {
			v->sized = false;
			return;
		}
		v->exclusive += usage.exclusive;
		v->referenced += usage.referenced;
	}
}

static struct view view_of(struct session *s, const struct environment *e)
{
	struct view v = { .e = e };
	struct error ignored;
	AUTO(json) struct json_t *record = record_load(&s->host, e->id, &ignored);
	struct seen *seen = NULL;

	if (record)
		look(&s->arena, &s->host, e->id, record, &seen, &v.n);
	for (size_t i = 0; i < v.n; i++)
		v.ready += seen[i].ready;
	v.asleep = json_get(record, "asleep") != NULL;
	measure(s, &v);
	return v;
}

/* It should run, and not all of it does. */
static bool degraded(const struct view *v)
{
	return !strcmp(environment_status(v->e), "active") && (!v->n || v->ready < v->n);
}

/* What came before environment_status: "running", "asleep", "stopped", "degraded", "new". */
static const char *state_of(const struct view *v)
{
	if (!v->e->generation)
		return "new";
	if (!v->e->wanted)
		return "stopped";
	if (v->asleep)
		return "asleep";
	return v->n && v->ready == v->n ? "running" : "degraded";
}

static struct json_t *view_json(struct session *s, const struct view *v)
{
	const struct environment *e = v->e;
	struct json_t *map = json_new_map(), *size;

	json_put_text(map, "environment", e->name);
	json_put_text(map, "machine_name", e->id);
	json_put_text(map, "title", e->title && *e->title ? e->title : NULL);
	json_put_text(map, "project", e->project);
	json_put_text(map, "project_id", e->project_id);
	json_put_text(map, "folder", e->folder);
	json_put_text(map, "parent", e->parent && *e->parent ? e->parent : NULL);
	json_put_text(map, "type", e->type);
	json_put_text(map, "status", environment_status(e));
	json_put_flag(map, "degraded", degraded(v));
	json_put_text(map, "state", state_of(v));
	json_put_number(map, "ready", (int64_t)v->ready);
	json_put_number(map, "containers", (int64_t)v->n);
	json_put_number(map, "generation", e->generation);
	json_put_number(map, "good", e->good);
	json_put_text(map, "url", e->publish_port ? url_of(s, e) : NULL);
	json_put(map, "urls", urls_json(s, e));
	json_put_number(map, "keep", e->keep ? e->keep : GROUP_KEEP);
	json_put_text(map, "made", say_when(&s->arena, e->made, true));
	json_put_text(map, "expires", e->expires ? say_when(&s->arena, e->expires, true) : NULL);
	size = json_put(map, "size", v->sized ? json_new_map() : NULL);
	if (v->sized) {
		json_put_number(size, "exclusive", (int64_t)v->exclusive);
		json_put_number(size, "shared", (int64_t)(v->referenced - v->exclusive));
	}
	return map;
}

/* "12M +340M": its own, and what it shares with others. */
static const char *say_size(struct arena *arena, const struct view *v)
{
	char own[16], shared[16];

	if (!v->sized)
		return "-";
	text_bytes(own, v->exclusive);
	if (v->referenced <= v->exclusive)
		return arena_strdup(arena, own);
	return arena_printf(arena, "%s +%s", own, text_bytes(shared, v->referenced - v->exclusive));
}

static const char *say_status(const struct view *v)
{
	if (v->asleep && !strcmp(environment_status(v->e), "active"))
		return "asleep";
	return degraded(v) ? "degraded" : environment_status(v->e);
}

static void ls_row(struct session *s, struct table *t, const struct tree_row *row,
		   const struct view *v)
{
	const struct environment *e = v->e;
	struct arena *arena = &s->arena;

	table_row(t, e->project, arena_printf(arena, "%s%s", row->line, e->name), e->type,
		  say_status(v), arena_printf(arena, "%zu/%zu", v->ready, v->n),
		  arena_printf(arena, "%lld", (long long)e->generation), say_ago(arena, e->made),
		  say_left(arena, e->expires), say_size(arena, v), url_of(s, e), e->id, NULL);
}

int cmd_ls(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	AUTO(json) struct json_t *list = json_new_list();
	AUTO(table) struct table table = { 0 };
	const struct options *options = ctx;
	struct environment *all = NULL;
	struct tree_row *rows;
	size_t n = 0;

	(void)argc;
	(void)argv;
	if (session_open(&s, options, err) < 0 ||
	    (s.state && state_list(s.state, &s.arena, &all, &n, err) < 0))
		return -1;
	rows = tree_make(&s.arena, all, n);
	table_row(&table, "PROJECT", "ENVIRONMENT", "TYPE", "STATUS", "READY", "GEN", "AGE",
		  "EXPIRES", "SIZE", "URL", "NAME", NULL);
	for (size_t i = 0; i < n; i++) {
		const struct view v = view_of(&s, rows[i].environment);
		struct json_t *map = json_add(list, view_json(&s, &v));

		json_put_number(map, "depth", rows[i].depth);
		ls_row(&s, &table, &rows[i], &v);
	}
	if (options->json)
		session_print("orch.ls/1", "environments", TAKE_PTR(list));
	else
		table_print(&table, stdout);
	return 0;
}

static void print_status(struct session *s, const struct view *v, const char *commit)
{
	const struct environment *e = v->e;
	const char **urls;
	size_t n;

	printf("%s (%s, %s) of %s: %s, %zu of %zu containers ready\n", e->name, e->id, e->type,
	       e->project, say_status(v), v->ready, v->n);
	if (e->title && *e->title)
		printf("  title       %s\n", e->title);
	printf("  generation  %lld", (long long)e->generation);
	if (*commit)
		printf("   commit %.7s", commit);
	urls = urls_of(s, e, &n);
	for (size_t i = 0; i < n; i++)
		printf("\n  %-12s%s", i ? "" : "url", urls[i]);
	printf("\n  folder      %s\n  age         %s\n", e->folder, say_ago(&s->arena, e->made));
	if (e->access && *e->access)
		printf("  access      not for anybody: orch env set --auth, --access\n");
	if (e->parent && *e->parent)
		printf("  parent      %s\n", e->parent);
	if (e->expires)
		printf("  expires in  %s   (%s)\n", say_left(&s->arena, e->expires),
		       say_when(&s->arena, e->expires, false));
	printf("  size        %s\n", say_size(&s->arena, v));
	if (e->keep)
		printf("  keeps       %lld snapshots of a kind\n", (long long)e->keep);
	if (e->paused)
		printf("  it is paused; go on with: orch resume -e %s\n", e->name);
	if (e->good != e->generation)
		printf("  generation %lld isn't reached yet; the last good one is %lld\n",
		       (long long)e->generation, (long long)e->good);
}

int cmd_status(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	AUTO(json) struct json_t *record = NULL;
	const struct options *options = ctx;
	struct view v;

	(void)argc;
	(void)argv;
	if (session_supervised(&s, options, &record, err) < 0)
		return -1;
	v = view_of(&s, &s.env);
	if (options->json)
		session_print("orch.status/1", "environment", view_json(&s, &v));
	else
		print_status(&s, &v, json_get_text(record, "commit", ""));
	return 0;
}

/* Only where somebody sits in front of it; never a browser as root. */
static bool has_desktop(void)
{
	return geteuid() != 0 && isatty(STDOUT_FILENO) &&
		(getenv("DISPLAY") || getenv("WAYLAND_DISPLAY"));
}

int cmd_open(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	const struct options *options = ctx;
	const char *url;

	(void)argc;
	(void)argv;
	if (session_open(&s, options, err) < 0 || session_environment(&s, err) < 0)
		return -1;
	if (!s.env.generation || !s.env.publish_port)
		return fail(err, ERROR_ABSENT, "%s was never deployed: orch deploy", s.env.name);
	url = url_of(&s, &s.env);
	if (options->json)
		session_print("orch.open/1", "url", json_new_text(url));
	else
		printf("%s\n", url);
	if (!options->json && has_desktop()) {
		const char *const command[] = { "xdg-open", url, NULL };
		const struct process_spec spec = { .argv = command };
		struct error ignored;

		/* Where there is none, the line above has said it. */
		(void)process_run(&spec, &ignored);
	}
	return 0;
}

static int set_type(struct session *s, const char *type, struct error *err)
{
	if (!strcmp(type, s->env.type))
		return 0;
	if (environment_is_production(&s->env))
		return fail(err, ERROR_INPUT,
			    "%s is the default branch's environment: it is production and stays so",
			    s->env.name);
	s->env.type = type;
	return 0;
}

/* "-" is none; else another environment of the project that doesn't descend from this one. */
static int set_parent(struct session *s, const char *name, struct error *err)
{
	const struct environment *parent = NULL, *up;
	struct environment *all;
	size_t n, steps;

	if (!strcmp(name, "-")) {
		s->env.parent = "";
		return 0;
	}
	if (state_list(s->state, &s->arena, &all, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (!strcmp(all[i].project_id, s->env.project_id) &&
		    (!strcmp(all[i].id, name) || !strcmp(all[i].name, name)))
			parent = &all[i];
	if (!parent)
		return fail(err, ERROR_ABSENT, "%s has no environment \"%s\"; see them: orch ls",
			    s->env.project, name);
	up = parent;
	for (steps = 0; up && steps <= n; steps++) {
		const struct environment *next = NULL;

		if (!strcmp(up->id, s->env.id))
			return fail(err, ERROR_INPUT,
				    "%s can't be below %s, which is itself or below it",
				    s->env.name, parent->name);
		for (size_t i = 0; i < n; i++)
			if (up->parent && !strcmp(all[i].id, up->parent))
				next = &all[i];
		up = next;
	}
	s->env.parent = parent->id;
	return 0;
}

static int set_keep(struct session *s, const char *text, struct error *err)
{
	uint64_t n;

	if (text_to_u64(text, GROUP_KEEP_MAX, &n) < 0 || n < 1)
		return fail(err, ERROR_INPUT, "--keep %s: a number from 1 to %d", text,
			    GROUP_KEEP_MAX);
	s->env.keep = (int64_t)n;
	return 0;
}

static int env_set(struct session *s, struct error *err)
{
	const struct options *o = s->options;
	AUTO(fd) int lock = -1;

	if (!o->type && !o->title && !o->parent && !o->ttl && !o->keep && !o->access && !o->auth)
		return fail(err, ERROR_INPUT,
			    "nothing to set: orch env set --type staging, --title, --ttl, "
			    "--parent, --keep, --auth, --access");
	if (rollout_lock(s, &lock, err) < 0 || session_environment(s, err) < 0)
		return -1;
	if ((o->type && set_type(s, o->type, err) < 0) ||
	    (o->parent && set_parent(s, o->parent, err) < 0) ||
	    (o->ttl && ttl_set(&s->env, o->ttl, err) < 0) ||
	    (o->keep && set_keep(s, o->keep, err) < 0))
		return -1;
	if (o->access || o->auth)
		s->env.access = access_set(&s->arena, s->env.access, o->access, o->auth, err);
	if (!s->env.access)
		return -1;
	if (o->title)
		s->env.title = o->title;
	if (state_save(s->state, &s->env, err) < 0)
		return -1;
	if (o->ttl)
		ttl_look(&s->host, &s->env);
	if (!o->quiet)
		fprintf(stderr, "%s is set%s\n", s->env.name,
			o->type		  ? "; the app is told with the next orch deploy"
				: o->keep ? "; snapshots beyond that go with the next orch deploy"
				: o->access || o->auth ? "; the next orch deploy does it"
						       : "");
	return 0;
}

int cmd_env(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;

	(void)argc;
	if (strcmp(argv[0], "set") != 0)
		return fail(err, ERROR_INPUT, "orch env set: there is no \"%s\"", argv[0]);
	if (session_open(&s, ctx, err) < 0 || session_need_state(&s, "env set", err) < 0 ||
	    session_environment(&s, err) < 0)
		return -1;
	return env_set(&s, err);
}
