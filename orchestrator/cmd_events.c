/*
 * cmd_events.c - what happened in an environment, in order of time
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "orchestrator/commands.h"
#include "orchestrator/control.h"
#include "orchestrator/say.h"
#include "orchestrator/session.h"

#define FOLLOW_MS 200
#define ALL 1000000

static void print_json(const struct session *s, const struct event *e)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *map = json_new_map();

	json_put_text(map, "environment", s->env.name);
	json_put_number(map, "number", e->number);
	json_put_text(map, "time", say_when(&arena, e->made_ms / 1000, true));
	json_put_text(map, "event", e->what);
	json_put_text(map, "container", *e->container ? e->container : NULL);
	json_put_text(map, "detail", e->detail);
	json_put_number(map, "ms", e->ms);
	printf("%s\n", json_print(&arena, map, FORM_COMPACT));
}

static void print(const struct session *s, const struct event *e)
{
	AUTO(arena) struct arena arena = { 0 };
	char took[16];

	if (s->options->json) {
		print_json(s, e);
		return;
	}
	printf("%s  %-13s %-12s %s", say_when(&arena, e->made_ms / 1000, false), e->what,
	       *e->container ? e->container : "-", e->detail);
	if (e->ms)
		printf("%s(%s)", *e->detail ? " " : "", text_duration(took, (uint64_t)e->ms));
	putchar('\n');
}

/* Those behind *after, at most the last so many of them. */
static int print_new(struct session *s, int64_t *after, int64_t last, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	struct event *list;
	size_t n;

	if (state_list_events(s->state, &arena, s->env.id, *after, last, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		print(s, &list[i]);
		*after = list[i].number;
	}
	return fflush(stdout) == 0 ? 0 : fail_errno(err, "write");
}

static int follow(struct session *s, int64_t after, struct error *err)
{
	const struct timespec step = { .tv_nsec = FOLLOW_MS * 1000000L };
	int r = 0;

	while (r == 0 && !control_interrupts) {
		AUTO(arena) struct arena arena = { 0 };
		struct environment env;

		if (print_new(s, &after, ALL, err) < 0)
			return -1;
		(void)nanosleep(&step, NULL);
		r = state_find(s->state, &arena, s->env.id, &env, err);
	}
	if (r == 0 && print_new(s, &after, ALL, err) < 0)
		return -1;
	return r < 0 ? -1 : r == STATE_ABSENT ? 0 : ERROR_INTERRUPTED;
}

int cmd_events(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	const struct options *options = ctx;
	uint64_t last = 100;
	int64_t after = 0;

	(void)argc;
	(void)argv;
	if (options->tail && !strcmp(options->tail, "all"))
		last = ALL;
	else if (options->tail && text_to_u64(options->tail, ALL, &last) < 0)
		return fail(err, ERROR_INPUT, "--tail: \"%s\" is no number, and not \"all\"",
			    options->tail);
	if (session_open(&s, options, err) < 0 || session_environment(&s, err) < 0 ||
	    print_new(&s, &after, (int64_t)last, err) < 0)
		return -1;
	return options->follow ? follow(&s, after, err) : 0;
}
