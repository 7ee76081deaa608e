#include "orchestrator/variables.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

#define NAME_MAX_BYTES 200
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* What orch gives stands above what people set: setting it would do nothing. */
static bool is_ours(const char *name)
{
	static const char *const names[] = { "PATH", "HOME", "USER",   "SHELL",
					     "LANG", "PORT", "SOCKET", "ORCH_URL" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return text_starts(name, "PLATFORM_");
}

static int check_env(char *name, struct error *err)
{
	for (char *p = name; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	if (!strchr(LETTERS "_", *name) || strspn(name, LETTERS DIGITS "_") != strlen(name))
		return fail(
			err, ERROR_INPUT,
			"\"%s\" is no name of a variable: letters, digits and _, not a digit first",
			name);
	if (is_ours(name))
		return fail(err, ERROR_INPUT, "%s is given by orch itself", name);
	return 0;
}

int variable_name(struct arena *arena, const char *text, const char **out, struct error *err)
{
	const char *colon = strchr(text, ':');
	const char *prefix = colon ? arena_strndup(arena, text, (size_t)(colon - text)) : "env";
	char *name = arena_strdup(arena, colon ? colon + 1 : text);

	if (!*prefix || strspn(prefix, LETTERS DIGITS "_-") != strlen(prefix))
		return fail(err, ERROR_INPUT, "\"%s\": a prefix has letters, digits, _ and -",
			    text);
	if (!*name || strlen(text) > NAME_MAX_BYTES)
		return fail(err, ERROR_INPUT, "\"%s\": a name has 1 to %d bytes", text,
			    NAME_MAX_BYTES);
	for (const char *p = name; *p; p++)
		if (iscntrl((unsigned char)*p))
			return fail(err, ERROR_INPUT, "a name has no control characters");
	if (!strcmp(prefix, "env") && check_env(name, err) < 0)
		return -1;
	*out = arena_printf(arena, "%s:%s", prefix, name);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct var *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return r ? r : strcmp(x->app, y->app);
}

/* all: one for an app and one for another are two. */
static bool has(const struct var *list, size_t n, const struct var *v, bool all)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i].name, v->name) && (!all || !strcmp(list[i].app, v->app)))
			return true;
	return false;
}

/* Those of one level that are for this app; NULL: for whichever. */
static void take(struct var *out, size_t *n, const struct variable_level *level, const char *app)
{
	for (size_t i = 0; i < level->n; i++) {
		const struct var *v = &level->list[i];

		if ((app && strcmp(v->app, app) != 0) || (level->inherited && !v->inherit) ||
		    has(out, *n, v, !app))
			continue;
		out[*n] = *v;
		out[(*n)++].from = level->from;
	}
}

struct var *variables_merge(struct arena *arena, const char *app,
			    const struct variable_level *levels, size_t n_levels, size_t *n)
{
	struct var *out;
	size_t room = 1;

	for (size_t i = 0; i < n_levels; i++)
		room += levels[i].n;
	out = arena_array(arena, room, sizeof(*out));
	*n = 0;
	for (size_t i = 0; i < n_levels; i++) {
		take(out, n, &levels[i], app);
		if (app && *app)
			take(out, n, &levels[i], "");
	}
	qsort(out, *n, sizeof(*out), by_name);
	return out;
}

static struct json_t *entry_of(const struct var *v)
{
	struct json_t *entry = json_new_map();
	struct json_t *value = NULL;
	struct error ignored;

	if (v->sensitive) {
		json_put_text(entry, "secret", v->value);
		if (v->json)
			json_put_flag(entry, "json", true);
	} else {
		if (v->json)
			value = json_parse(v->name, v->value, strlen(v->value), &ignored);
		json_put(entry, "value", value ? value : json_new_text(v->value));
	}
	if (v->file)
		json_put_flag(entry, "file", true);
	return entry;
}

static void put(struct arena *arena, struct json_t *map, const struct var *v)
{
	const char *name = strchr(v->name, ':') + 1;
	const char *prefix = arena_strndup(arena, v->name, (size_t)(name - 1 - v->name));
	struct json_t *names = json_get(map, prefix);

	if (!names)
		names = json_put(map, prefix, json_new_map());
	json_put(names, name, entry_of(v));
}

struct json_t *variables_document(struct arena *arena, const struct var *list, size_t n)
{
	struct json_t *document, *build, *runtime;

	if (!n)
		return NULL;
	document = json_new_map();
	build = json_put(document, "build", json_new_map());
	runtime = json_put(document, "runtime", json_new_map());
	for (size_t i = 0; i < n; i++) {
		if (list[i].build)
			put(arena, build, &list[i]);
		if (list[i].runtime)
			put(arena, runtime, &list[i]);
	}
	return document;
}

struct json_t *variable_value(const char *name, const struct json_t *entry,
			      const struct json_t *secrets)
{
	const char *digest = json_get_text(entry, "secret", NULL), *text;
	AUTO(arena) struct arena arena = { 0 };
	struct json_t *value = NULL;
	struct error ignored;

	if (json_get_flag(entry, "file", false) && secrets)
		return json_new_text(arena_printf(&arena, "/run/secrets/%s", name));
	if (!digest)
		return json_copy_deep(json_get(entry, "value"));
	text = json_get_text(secrets, digest, NULL);
	if (!text)
		return json_new_text(arena_printf(&arena, "secret:%s", digest));
	if (json_get_flag(entry, "json", false))
		value = json_parse(name, text, strlen(text), &ignored);
	return value ? value : json_new_text(text);
}
