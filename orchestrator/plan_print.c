#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/json.h"
#include "base/text.h"
#include "orchestrator/plan.h"

static const char *verb(const struct action *a)
{
	switch (a->kind) {
	case ACTION_KEEP:
		return "none";
	case ACTION_CREATE:
		return "create";
	case ACTION_CHANGE:
		return effect_name(a->effects);
	case ACTION_REMOVE:
		return "remove";
	case ACTION_NETWORK:
		return "live";
	}
	abort();
}

static char mark(const struct action *a)
{
	switch (a->kind) {
	case ACTION_KEEP:
		return '=';
	case ACTION_CREATE:
		return '+';
	case ACTION_CHANGE:
		return a->effects >= EFFECT_RESTART ? '!' : '~';
	case ACTION_REMOVE:
		return '-';
	case ACTION_NETWORK:
		return '~';
	}
	abort();
}

/* Of those that people set: variables.h. */
static bool is_variable(const struct cause *c)
{
	return c->n >= 4 && !strcmp(c->path[0], "variables");
}

/* "app.variables.php.memory_limit" as the user knows it: without the key that the app's own document is under. */
static char *shown_path(struct arena *arena, const struct cause *c)
{
	size_t first = c->n > 1 && !strcmp(c->path[0], "app");
	AUTO(text) struct text t = { 0 };

	if (is_variable(c))
		return arena_printf(arena, "variable %s%s%s%s",
				    strcmp(c->path[2], "env") != 0
					    ? arena_printf(arena, "%s:%s", c->path[2], c->path[3])
					    : c->path[3],
				    c->where ? " (" : "", c->where ? c->where : "",
				    c->where ? ")" : "");

	for (size_t i = first; i < c->n; i++) {
		if (i > first)
			text_add(&t, ".");
		text_add(&t, c->path[i]);
	}
	return arena_strdup(arena, text_get(&t));
}

/* Passwords' hashes are nobody's to read. */
static bool is_hidden(const struct cause *c)
{
	return c->n && !strcmp(c->path[0], "access");
}

#define HIDDEN "(hidden)"
#define VALUE_MAX 40

/* Short enough for a line; digests by their first letters. */
static char *shown_value(struct arena *arena, const struct cause *c, const struct json_t *value)
{
	const char *text = json_text(value, NULL);

	if (!value)
		return arena_strdup(arena, "-");
	if (is_hidden(c))
		return arena_strdup(arena, HIDDEN);
	if (!text)
		text = json_print(arena, value, FORM_CANONICAL);
	if (c->n && (!strcmp(c->path[0], "code") || !strcmp(c->path[0], "base")) &&
	    strlen(text) >= 40)
		return arena_strndup(arena, text, 7);
	if (strlen(text) > VALUE_MAX)
		return arena_printf(arena, "%.*s...", VALUE_MAX - 3, text);
	return arena_strdup(arena, *text ? text : "\"\"");
}

static char *change_line(struct arena *arena, const char *path, const char *before,
			 const char *after)
{
	if (!before)
		return arena_printf(arena, "%s added: %s", path, after);
	if (!after)
		return arena_printf(arena, "%s removed", path);
	return arena_printf(arena, "%s %s -> %s", path, before, after);
}

/* An entry of a document, or one of its members. */
static const char *variable_text(struct arena *arena, const struct cause *c,
				 const struct json_t *entry)
{
	const struct json_t *value = json_get(entry, "value");

	if (!entry)
		return NULL;
	return value ? shown_value(arena, c, value) : "(sensitive)";
}

static char *cause_line(struct arena *arena, const struct cause *c)
{
	char *path = shown_path(arena, c);

	if (!is_variable(c))
		return change_line(arena, path, c->before ? shown_value(arena, c, c->before) : NULL,
				   c->after ? shown_value(arena, c, c->after) : NULL);
	if (c->n == 4)
		return change_line(arena, path, variable_text(arena, c, c->before),
				   variable_text(arena, c, c->after));
	if (!strcmp(c->path[4], "value") && c->before && c->after)
		return change_line(arena, path, shown_value(arena, c, c->before),
				   shown_value(arena, c, c->after));
	return arena_printf(arena, "%s changed", path);
}

void plan_print(const struct plan *plan, FILE *to)
{
	AUTO(arena) struct arena arena = { 0 };

	for (size_t i = 0; i < plan->n; i++) {
		const struct action *a = &plan->actions[i];

		if (!a->n) {
			fprintf(to, "  %c %-12s %-9s %s\n", mark(a), a->container, verb(a),
				a->why ? a->why : "");
			continue;
		}
		for (size_t k = 0; k < a->n; k++) {
			const struct cause *c = &a->causes[k];

			fprintf(to, "  %c %-12s %-9s %-20s %s\n", mark(a), a->container,
				a->kind == ACTION_CHANGE ? effect_name(c->effect) : verb(a),
				c->where && !is_variable(c) ? c->where : "", cause_line(&arena, c));
		}
	}
}

static struct json_t *value_json(const struct cause *c, const struct json_t *value)
{
	return value && is_hidden(c) ? json_new_text(HIDDEN) : json_copy_deep(value);
}

struct json_t *plan_json(const struct plan *plan)
{
	AUTO(arena) struct arena arena = { 0 };
	struct json_t *list = json_new_list();

	for (size_t i = 0; i < plan->n; i++) {
		const struct action *a = &plan->actions[i];
		struct json_t *item = json_add(list, json_new_map());
		struct json_t *causes;

		json_put_text(item, "container", a->container);
		json_put_text(item, "action", verb(a));
		json_put_text(item, "why", a->why);
		causes = json_put(item, "causes", json_new_list());
		for (size_t k = 0; k < a->n; k++) {
			const struct cause *c = &a->causes[k];
			struct json_t *row = json_add(causes, json_new_map());

			json_put_text(row, "key", shown_path(&arena, c));
			json_put_text(row, "effect", effect_name(c->effect));
			json_put_text(row, "where", c->where);
			json_put(row, "before", value_json(c, c->before));
			json_put(row, "after", value_json(c, c->after));
		}
	}
	return list;
}

char *plan_summary(struct arena *arena, const struct plan *plan)
{
	AUTO(text) struct text t = { 0 };

	for (size_t i = 0; i < plan->n && t.size < 160; i++) {
		const struct action *a = &plan->actions[i];

		if (a->kind == ACTION_KEEP)
			continue;
		text_printf(&t, "%s%s %s", t.size ? ", " : "", verb(a), a->container);
	}
	return arena_strdup(arena, t.size ? text_get(&t) : "nothing");
}
