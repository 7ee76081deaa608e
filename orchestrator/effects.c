#include "orchestrator/effects.h"

#include <stdbool.h>
#include <string.h>

#include "base/auto.h"
#include "base/json.h"

/*
 * The longest row that the path starts with decides; a '*' is any one key. `presence` is
 * what it takes when the key comes or goes, if that is another thing than a changed value.
 */
static const struct row {
	const char *path;
	unsigned effect, presence;
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
	{ "resources", EFFECT_NONE }, /* "limits" says it */
	{ "container_profile", EFFECT_NONE },
	{ "disk", EFFECT_LIVE, EFFECT_RECREATE },
	{ "variables", EFFECT_RESTART },
	{ "variables.runtime.php.*", EFFECT_RELOAD },
	{ "variables.runtime.*.*", EFFECT_RESTART },
	{ "variables.build.*.*", EFFECT_NONE }, /* "code" says it */
	{ "app", EFFECT_RECREATE },
	{ "app.name", EFFECT_RECREATE },
	{ "app.type", EFFECT_NONE },  /* "type" and "base" say it */
	{ "app.size", EFFECT_NONE },  /* "limits" says it */
	{ "app.disk", EFFECT_NONE },  /* "disk" says it */
	{ "app.build", EFFECT_NONE }, /* "code" says it */
	{ "app.hooks", EFFECT_NONE },
	{ "app.access", EFFECT_NONE },
	{ "app.additional_hosts", EFFECT_RESTART },
	{ "app.container_profile", EFFECT_NONE }, /* "limits" says it */
	{ "app.crons", EFFECT_RELOAD },
	{ "app.dependencies", EFFECT_NONE }, /* "code" says it */
	{ "app.firewall", EFFECT_LIVE },
	{ "app.move_to_root", EFFECT_RELOAD },
	{ "app.operations", EFFECT_RELOAD },
	{ "app.preflight", EFFECT_NONE },
	{ "app.resources", EFFECT_NONE }, /* "limits" says it */
	{ "app.runtime", EFFECT_RESTART },
	{ "app.source", EFFECT_NONE },
	{ "app.stack", EFFECT_NONE },
	{ "app.timezone", EFFECT_RELOAD },
	{ "app.worker", EFFECT_RESTART },
	{ "app.workers", EFFECT_NONE }, /* containers of their own */
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

unsigned effect_of(const char *const *path, size_t n, const struct json_t *before,
		   const struct json_t *after)
{
	bool comes_or_goes = absent(before) != absent(after);
	const struct row *best = NULL;
	unsigned below = EFFECT_NONE;
	size_t longest = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool inside = false;
		size_t keys = common(rows[i].path, path, n, &inside);

		if (keys && inside)
			below |= rows[i].effect;
		else if (keys > longest) {
			longest = keys;
			best = &rows[i];
		}
	}
	if (!best)
		return below ? below : EFFECT_RECREATE;
	return below | (comes_or_goes && best->presence ? best->presence : best->effect);
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
