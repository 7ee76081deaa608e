/* Each key of an app says what its change causes: one that is forgotten would recreate its container. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/json.h"
#include "manifests/format.h"
#include "orchestrator/effects.h"

#define PATH_MAX_ 12

/* Not in the app's part of the document, or what makes another container. */
static bool is_elsewhere(const char *path)
{
	static const char *const keys[] = { "name", "type", "relationships", "mounts" };
	size_t len = strcspn(path, ".");

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (strlen(keys[i]) == len && !strncmp(keys[i], path, len))
			return true;
	return false;
}

static void check_key(void *ctx, const char *path, const struct key *key)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *value = json_new_text("x");
	const char *keys[PATH_MAX_] = { "app" };
	char *copy = arena_strdup(&arena, path);
	size_t *n = ctx, count = 1;

	if (is_elsewhere(path) || (key->flags & KEY_OLD))
		return;
	for (char *s = copy; s && count < PATH_MAX_; count++) {
		keys[count] = s;
		s = strchr(s, '.');
		if (s)
			*s++ = '\0';
	}
	cr_expect_lt(effect_of(keys, count, value, NULL), EFFECT_RECREATE, "%s", path);
	(*n)++;
}

Test(effects, of_each_key)
{
	size_t n = 0;

	format_each(&format_app, check_key, &n);
	cr_expect_gt(n, 100);
}

Test(effects, of_a_key_of_the_manifest_is_that_of_what_it_comes_to)
{
	static const struct {
		const char *file, *key;
		unsigned effect, presence;
	} keys[] = {
		{ "app", "size", EFFECT_LIVE, EFFECT_LIVE },
		{ "app", "web.size", EFFECT_LIVE, EFFECT_LIVE },
		{ "app", "workers.*.disk", EFFECT_LIVE, EFFECT_RECREATE },
		{ "app", "workers.*.mounts.*.source", EFFECT_RECREATE, EFFECT_RECREATE },
		{ "app", "workers.*.commands.start", EFFECT_RESTART, EFFECT_RESTART },
		{ "app", "workers", EFFECT_NONE, EFFECT_NONE },
		{ "app", "web.commands.start", EFFECT_RESTART, EFFECT_RESTART },
		{ "app", "web.locations.*.root", EFFECT_RELOAD, EFFECT_RELOAD },
		{ "app", "hooks.build", EFFECT_SWAP, EFFECT_SWAP },
		{ "app", "hooks.deploy", EFFECT_NONE, EFFECT_NONE },
		{ "services", "*.type", EFFECT_RECREATE, EFFECT_RECREATE },
		{ "services", "*.size", EFFECT_LIVE, EFFECT_LIVE },
		{ "services", "*.configuration", EFFECT_RESTART, EFFECT_RESTART },
		{ "services", "*.access", EFFECT_NONE, EFFECT_NONE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		unsigned presence;

		cr_expect_eq(effect_of_key(keys[i].file, keys[i].key, &presence), keys[i].effect,
			     "%s", keys[i].key);
		cr_expect_eq(presence, keys[i].presence, "%s", keys[i].key);
	}
}

/* Other routes are a reload of the router, whatever is other in them. */
static void check_route(void *ctx, const char *path, const struct key *key)
{
	AUTO(json) struct json_t *value = json_new_text("x");
	const char *keys[] = { "routes", "https://{default}/", path };
	size_t *n = ctx;

	(void)key;
	cr_expect_eq(effect_of(keys, 3, value, NULL), EFFECT_RELOAD, "%s", path);
	(*n)++;
}

Test(effects, of_routes)
{
	size_t n = 0;

	format_each(&format_routes, check_route, &n);
	cr_expect_gt(n, 20);
}
