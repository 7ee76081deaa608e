/*
 * cmd_explain.c - what the code of a problem means; what there is to write in a file, and what its change causes
 */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "base/table.h"
#include "manifests/codes.h"
#include "manifests/format.h"
#include "orchestrator/commands.h"
#include "orchestrator/effects.h"
#include "orchestrator/options.h"
#include "orchestrator/session.h"

#define WIDTH 80

/* At most WIDTH characters a line, broken between words. */
static void print_paragraph(const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t len = strcspn(text, " ");

		if (column && column + 1 + len > WIDTH) {
			putchar('\n');
			column = 0;
		}
		if (column)
			putchar(' ');
		printf("%.*s", (int)len, text);
		column += len + (column > 0);
		text += len;
		text += strspn(text, " ");
	}
	putchar('\n');
}

static struct json_t *as_json(const struct code *code)
{
	struct json_t *o = json_new_map();

	json_put_text(o, "code", code->code);
	json_put_text(o, "title", code->title);
	json_put_text(o, "text", code->text);
	return o;
}

static void list_all(const struct options *options)
{
	struct json_t *list = json_new_list();

	for (size_t i = 0; i < n_codes; i++) {
		json_add(list, as_json(&codes[i]));
		if (!options->json)
			printf("%s  %s\n", codes[i].code, codes[i].title);
	}
	if (options->json)
		session_print("orch.explain/1", "codes", list);
	else
		json_free(list);
}

static const struct {
	const char *name;
	const struct key *key;
} files[] = {
	{ "app", &format_app },
	{ "services", &format_services },
	{ "routes", &format_routes },
};

struct keys {
	const char *file;
	struct json_t *seen, *list; /* owned */
	struct table table;
};

/* A map with keys of its own has no effect but theirs; a spelling of old that of the new one. */
static void add_key(void *ctx, const char *path, const struct key *key)
{
	AUTO(arena) struct arena arena = { 0 };
	struct keys *k = ctx;
	unsigned presence, effect = effect_of_key(k->file, path, &presence);
	const char *changed = effect_name(effect), *comes = effect_name(presence);
	bool other = key->kind == KEY_MAP || key->flags & KEY_OLD;
	struct json_t *map;

	/* All kinds of routes have some. */
	if (json_get(k->seen, path))
		return;
	json_put_flag(k->seen, path, true);
	map = json_add(k->list, json_new_map());
	json_put_text(map, "key", path);
	json_put_text(map, "about", key->about);
	json_put_flag(map, "old", key->flags & KEY_OLD);
	json_put_text(map, "effect", other ? NULL : changed);
	json_put_text(map, "presence", other ? NULL : comes);
	table_row(&k->table, path,
		  other			       ? ""
			  : effect == presence ? changed
					       : arena_printf(&arena, "%s (%s)", changed, comes),
		  key->about, NULL);
}

static void explain_keys(const struct options *options, size_t file)
{
	AUTO(json) struct json_t *seen = json_new_map();
	struct keys keys = { .file = files[file].name, .seen = seen, .list = json_new_list() };

	table_row(&keys.table, "KEY", "CHANGED (ADDED)", "WHAT IT IS", NULL);
	format_each(files[file].key, add_key, &keys);
	if (options->json) {
		session_print("orch.explain/1", "keys", keys.list);
	} else {
		table_print(&keys.table, stdout);
		json_free(keys.list);
	}
	table_clear(&keys.table);
}

int cmd_explain(void *ctx, int argc, const char **argv, struct error *err)
{
	const struct options *options = ctx;
	const struct code *code;

	if (!argc) {
		list_all(options);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (!strcmp(files[i].name, argv[0])) {
			explain_keys(options, i);
			return 0;
		}
	code = codes_find(argv[0]);
	if (!code)
		return fail(err, ERROR_ABSENT,
			    "no code \"%s\"; see them all: orch explain. Of files there are app, "
			    "services and routes",
			    argv[0]);
	if (options->json) {
		session_print("orch.explain/1", "code", as_json(code));
		return 0;
	}
	printf("%s: %s\n\n", code->code, code->title);
	print_paragraph(code->text);
	return 0;
}
