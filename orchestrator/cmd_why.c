/*
 * cmd_why.c - which generation made a container what it is, and what in the files caused that
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "orchestrator/commands.h"
#include "orchestrator/look.h"
#include "orchestrator/record.h"
#include "orchestrator/session.h"

struct answer {
	struct generation generation; /* .number 0: not known */
	struct json_t *action;	      /* of plan_json(); owned */
};

/* The last generation up to `last` that did something to the container. */
static int find(struct session *s, const char *name, int64_t last, struct answer *out,
		struct error *err)
{
	struct generation *list;
	size_t n;

	if (state_list_generations(s->state, &s->arena, s->env.id, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct generation *g = &list[i];
		AUTO(json) struct json_t *causes = NULL;

		if (g->number > last || !*g->causes)
			continue;
		causes = json_parse("causes", g->causes, strlen(g->causes), err);
		if (!causes)
			return -1;
		for (size_t k = 0; k < json_count(causes); k++) {
			const struct json_t *action = json_at(causes, k);

			if (strcmp(json_get_text(action, "container", ""), name) != 0)
				continue;
			*out = (struct answer){ *g, json_copy_deep(action) };
			return 0;
		}
	}
	return 0;
}

static const struct seen *find_seen(const struct seen *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i].name, name))
			return &list[i];
	return NULL;
}

static char *when(struct arena *arena, int64_t t, bool utc)
{
	time_t at = (time_t)t;
	char text[40];
	struct tm tm;

	if (utc)
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&at, &tm));
	else
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %z", localtime_r(&at, &tm));
	return arena_strdup(arena, text);
}

static const char *value(struct arena *arena, const struct json_t *v)
{
	if (json_kind_of(v) == KIND_NONE || json_kind_of(v) == KIND_NULL)
		return "-";
	return json_text(v, NULL) ? json_text(v, NULL) : json_print(arena, v, FORM_CANONICAL);
}

static void print_causes(struct arena *arena, const struct json_t *action)
{
	const struct json_t *causes = json_get(action, "causes");

	if (!json_count(causes))
		printf("  %s: %s\n", json_get_text(action, "action", ""),
		       json_get_text(action, "why", ""));
	for (size_t i = 0; i < json_count(causes); i++) {
		const struct json_t *c = json_at(causes, i);

		printf("  %-9s %-20s %s: %s -> %s\n", json_get_text(c, "effect", ""),
		       json_get_text(c, "where", ""), json_get_text(c, "key", ""),
		       value(arena, json_get(c, "before")), value(arena, json_get(c, "after")));
	}
}

static void print_text(struct session *s, const struct seen *c, const struct answer *a)
{
	struct arena *arena = &s->arena;
	const struct generation *g = &a->generation;

	printf("%s  %s  %s", c->name, c->type, c->state);
	if (c->alive)
		printf(" since %s", when(arena, c->since, false));
	printf("%s%s\n", *c->why ? "  " : "", c->why);
	if (!g->number) {
		printf("  what made it so was not recorded\n");
		return;
	}
	printf("  generation %lld of %s%s", (long long)g->number, when(arena, g->made, false),
	       *g->commit ? ", " : "");
	if (*g->commit)
		printf("commit %.7s %s", g->commit, g->subject);
	printf("\n");
	print_causes(arena, a->action);
	if (c->alive && c->generation > g->number)
		printf("  started again under generation %lld, as it was\n",
		       (long long)c->generation);
}

static void print_json(struct session *s, const struct seen *c, const struct answer *a)
{
	const struct generation *g = &a->generation;
	struct json_t *map = json_new_map();

	json_put_text(map, "container", c->name);
	json_put_text(map, "state", c->state);
	json_put_text(map, "since", c->alive ? when(&s->arena, c->since, true) : NULL);
	json_put_text(map, "state_why", c->why);
	json_put(map, "generation", g->number ? json_new_number(g->number) : NULL);
	json_put_text(map, "made", g->number ? when(&s->arena, g->made, true) : NULL);
	json_put_text(map, "commit", g->commit);
	json_put_text(map, "subject", g->subject);
	json_put(map, "action", json_copy_deep(json_get(a->action, "action")));
	json_put(map, "why", json_copy_deep(json_get(a->action, "why")));
	json_put(map, "causes",
		 a->action ? json_copy_deep(json_get(a->action, "causes")) : json_new_list());
	session_print("orch.why/1", "why", map);
}

int cmd_why(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	AUTO(json) struct json_t *record = NULL;
	const struct options *options = ctx;
	struct answer a = { 0 };
	const struct seen *c;
	struct seen *list;
	size_t n;

	(void)argc;
	if (session_open(&s, options, err) < 0 || session_environment(&s, err) < 0)
		return -1;
	record = record_load(&s.host, s.env.id, err);
	if (!record)
		return -1;
	look(&s.arena, &s.host, s.env.id, record, &list, &n);
	c = find_seen(list, n, argv[0]);
	if (!c)
		return fail(err, ERROR_ABSENT, "no container \"%s\" runs in %s; see them: orch ps",
			    argv[0], s.env.name);
	if (find(&s, c->name, c->generation, &a, err) < 0)
		return -1;
	if (options->json)
		print_json(&s, c, &a);
	else
		print_text(&s, c, &a);
	json_free(a.action);
	return 0;
}
