#include "orchestrator/effects.h"

#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/json.h"
#include "base/text.h"

#define KEYS 16

/*
 * The longest row that the path starts with decides; a '*' is any one key. `presence` is
 * what it takes when the key comes or goes, if that is another thing than a changed value.
 * `in`: the part of the document that says what this key of the manifest comes to.
 */
static const struct row {
	const char *path;
	unsigned effect, presence;
	const char *in;
} rows[] = {
	{ "kind", EFFECT_RECREATE },
	{ "type", EFFECT_RECREATE },
	{ "base", EFFECT_RECREATE },
	{ "address", EFFECT_RECREATE },
	{ "code", EFFECT_SWAP },
	{ "code.tree",
	  EFFECT_NONE }, /* "code.image" says it: another tree can give the same image */
	{ "relationships", EFFECT_RESTART },
	{ "mounts", EFFECT_RECREATE },
	{ "configuration", EFFECT_RESTART },
	{ "environment", EFFECT_RESTART },
	{ "url", EFFECT_RESTART },
	{ "endpoints", EFFECT_LIVE },
	{ "firewall", EFFECT_LIVE },
	{ "rules", EFFECT_RELOAD },
	{ "routes", EFFECT_RELOAD },
	{ "upstreams", EFFECT_RELOAD },
	{ "versions", EFFECT_RELOAD }, /* nothing is kept of another one */
	{ "domains", EFFECT_RELOAD },
	{ "access", EFFECT_RELOAD },
	{ "limits", EFFECT_LIVE },
	{ "resources", EFFECT_NONE, .in = "limits" },
	{ "container_profile", EFFECT_NONE, .in = "limits" },
	{ "disk", EFFECT_LIVE, EFFECT_RECREATE },
	{ "variables", EFFECT_RESTART },
	{ "variables.runtime.php.*", EFFECT_RELOAD },
	{ "variables.runtime.*.*", EFFECT_RESTART },
	{ "variables.build.*.*", EFFECT_NONE, .in = "code" },
	{ "app", EFFECT_RECREATE },
	{ "app.name", EFFECT_RECREATE },
	{ "app.type", EFFECT_NONE, .in = "type" },
	{ "app.size", EFFECT_NONE, .in = "limits" },
	{ "app.disk", EFFECT_NONE, .in = "disk" },
	{ "app.relationships", EFFECT_NONE, .in = "relationships" },
	{ "app.mounts", EFFECT_NONE, .in = "mounts" },
	{ "app.build", EFFECT_NONE, .in = "code" },
	{ "app.hooks", EFFECT_NONE },
	{ "app.hooks.build", EFFECT_NONE, .in = "code" },
	{ "app.access", EFFECT_NONE },
	{ "app.additional_hosts", EFFECT_RESTART },
	{ "app.container_profile", EFFECT_NONE, .in = "limits" },
	{ "app.crons", EFFECT_RELOAD },
	{ "app.dependencies", EFFECT_NONE, .in = "code" },
	{ "app.firewall", EFFECT_LIVE },
	{ "app.move_to_root", EFFECT_RELOAD },
	{ "app.operations", EFFECT_RELOAD },
	{ "app.preflight", EFFECT_NONE },
	{ "app.resources", EFFECT_NONE, .in = "limits" },
	{ "app.runtime", EFFECT_RESTART },
	{ "app.source", EFFECT_NONE },
	{ "app.source.root", EFFECT_NONE, .in = "code" },
	{ "app.stack", EFFECT_NONE, .in = "type" },
	{ "app.timezone", EFFECT_RELOAD },
	{ "app.worker", EFFECT_RESTART },
	{ "app.workers", EFFECT_NONE },		   /* containers of their own */
	{ "app.workers.*.timezone", EFFECT_NONE }, /* of crons, which it has none of */
	{ "app.workers.*.commands", EFFECT_NONE, .in = "app.worker" },
	{ "app.web.move_to_root", EFFECT_RELOAD },
	{ "app.variables", EFFECT_RESTART },
	{ "app.variables.php", EFFECT_RELOAD },
	{ "app.web", EFFECT_RESTART },
	{ "app.web.commands", EFFECT_RESTART },
	{ "app.web.locations", EFFECT_RELOAD },
	{ "app.web.upstream", EFFECT_RESTART },
};

/* How many keys of the row the path goes along; *whole when it ends inside the row. */
static size_t common(const char *row, const char *const *path, size_t n, bool *inside)
{
	size_t keys = 0;

	while (*row) {
		size_t len = strcspn(row, ".");

		if (keys == n) {
			*inside = true;
			return keys;
		}
		if (!(len == 1 && *row == '*') &&
		    (strlen(path[keys]) != len || strncmp(row, path[keys], len) != 0))
			return 0;
		keys++;
		row += len;
		row += *row == '.';
	}
	*inside = false;
	return keys;
}

static bool absent(const struct json_t *value)
{
	return json_kind_of(value) == KIND_NONE || json_kind_of(value) == KIND_NULL;
}

/* The row that decides; *below: what the rows further down need together. */
static const struct row *find(const char *const *path, size_t n, unsigned *below)
{
	const struct row *best = NULL;
	size_t longest = 0;

	*below = EFFECT_NONE;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool inside = false;
		size_t keys = common(rows[i].path, path, n, &inside);

		if (keys && inside)
			*below |= rows[i].effect;
		else if (keys > longest) {
			longest = keys;
			best = &rows[i];
		}
	}
	return best;
}

unsigned effect_of(const char *const *path, size_t n, const struct json_t *before,
		   const struct json_t *after)
{
	bool comes_or_goes = absent(before) != absent(after);
	unsigned below;
	const struct row *row = find(path, n, &below);

	if (!row)
		return below ? below : EFFECT_RECREATE;
	return below | (comes_or_goes && row->presence ? row->presence : row->effect);
}

static size_t split(struct arena *arena, const char *path, const char **keys)
{
	char *rest = arena_strdup(arena, path), *key;
	size_t n = 0;

	while (n < KEYS && (key = strsep(&rest, ".")))
		keys[n++] = key;
	return n;
}

static const struct row *find_text(struct arena *arena, const char *prefix, const char *path)
{
	const char *keys[KEYS];
	unsigned below;
	size_t n = split(arena, arena_printf(arena, "%s%s", prefix, path), keys);

	return find(keys, n, &below);
}

/* What `web` and workers have of their own takes the place of what the app says. */
static const char *without_instance(struct arena *arena, const char *key)
{
	static const char *const instances[] = { "web.", "workers.*." };

	for (size_t i = 0; i < ARRAY_SIZE(instances); i++) {
		const char *own = key + strlen(instances[i]);

		if (text_starts(key, instances[i]) &&
		    !strchr(find_text(arena, "app.", key)->path + strlen("app."), '.') &&
		    strcmp(find_text(arena, "app.", own)->path, "app") != 0)
			return own;
	}
	return key;
}

unsigned effect_of_key(const char *file, const char *key, unsigned *presence)
{
	AUTO(arena) struct arena arena = { 0 };
	const struct row *row = NULL;

	if (!strcmp(file, "services")) {
		key += text_starts(key, "*.") ? 2 : 0;
		row = find_text(&arena, "app.", key);
		row = strcmp(row->path, "app") != 0 ? row : find_text(&arena, "", key);
	} else if (!strcmp(file, "routes")) {
		row = find_text(&arena, "routes.", key);
	}
	if (!row)
		row = find_text(&arena, "app.", without_instance(&arena, key));
	while (row->in)
		row = find_text(&arena, "", row->in);
	*presence = row->presence ? row->presence : row->effect;
	return row->effect;
}

bool effect_in_parts(const char *const *path, size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool inside = false;

		if (common(rows[i].path, path, n, &inside) && inside)
			return true;
	}
	return false;
}

const char *effect_name(unsigned effects)
{
	if (effects & EFFECT_RECREATE)
		return "recreate";
	if (effects & EFFECT_RESTART)
		return "restart";
	if (effects & EFFECT_SWAP)
		return "swap";
	if (effects & EFFECT_RELOAD)
		return "reload";
	if (effects & EFFECT_LIVE)
		return "live";
	return "none";
}
