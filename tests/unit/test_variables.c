#include <criterion/criterion.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "orchestrator/contract.h"
#include "orchestrator/plan.h"
#include "orchestrator/variables.h"

Test(variables, names_get_a_prefix_and_env_is_upper_case)
{
	static const struct {
		const char *text, *name; /* NULL: refused */
	} cases[] = {
		{ "FOO", "env:FOO" },
		{ "foo_1", "env:FOO_1" },
		{ "env:foo", "env:FOO" },
		{ "php:memory_limit", "php:memory_limit" },
		{ "d8config:a.b:c", "d8config:a.b:c" },
		{ "_", "env:_" },
		{ "", NULL },
		{ "1A", NULL },
		{ "A-B", NULL },
		{ "A B", NULL },
		{ ":x", NULL },
		{ "x:", NULL },
		{ "a b:x", NULL },
		{ "a:x\ny", NULL },
		{ "PATH", NULL },
		{ "platform_branch", NULL },
		{ "orch_url", NULL },
	};
	AUTO(arena) struct arena arena = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *name = NULL;
		struct error err = { 0 };
		int r = variable_name(&arena, cases[i].text, &name, &err);

		cr_expect_eq(r, cases[i].name ? 0 : -1, "%s", cases[i].text);
		if (cases[i].name)
			cr_expect_str_eq(name, cases[i].name);
		else
			cr_expect_eq(err.kind, ERROR_INPUT, "%s", cases[i].text);
	}
}

#define OWN(n, v)                                                                \
	{                                                                        \
		.name = n, .app = "", .value = v, .build = true, .runtime = true \
	}
#define DOWN(n, v)                                                                                \
	{                                                                                         \
		.name = n, .app = "", .value = v, .build = true, .runtime = true, .inherit = true \
	}

static const struct var own[] = { OWN("env:A", "own") };
static const struct var parent[] = { DOWN("env:A", "parent"), DOWN("env:B", "parent"),
				     OWN("env:C", "parent") };
static const struct var grand[] = { DOWN("env:B", "grand"), DOWN("env:C", "grand"),
				    DOWN("env:D", "grand") };
static const struct var project[] = { DOWN("env:A", "project"), OWN("env:E", "project"),
				      DOWN("php:x", "project") };

Test(variables, the_nearest_counts)
{
	const struct variable_level levels[] = {
		{ "environment", own, ARRAY_SIZE(own), false },
		{ "environment p", parent, ARRAY_SIZE(parent), true },
		{ "environment g", grand, ARRAY_SIZE(grand), true },
		{ "project", project, ARRAY_SIZE(project), false },
	};
	static const char *const expected[][3] = {
		{ "env:A", "own", "environment" },     { "env:B", "parent", "environment p" },
		{ "env:C", "grand", "environment g" }, { "env:D", "grand", "environment g" },
		{ "env:E", "project", "project" },     { "php:x", "project", "project" },
	};
	AUTO(arena) struct arena arena = { 0 };
	size_t n;
	const struct var *got = variables_merge(&arena, "", levels, ARRAY_SIZE(levels), &n);

	cr_assert_eq(n, ARRAY_SIZE(expected));
	for (size_t i = 0; i < n; i++) {
		cr_expect_str_eq(got[i].name, expected[i][0]);
		cr_expect_str_eq(got[i].value, expected[i][1]);
		cr_expect_str_eq(got[i].from, expected[i][2]);
	}
}

static const struct var scoped[] = {
	{ .name = "env:A", .app = "web", .value = "web's", .inherit = true },
	{ .name = "env:B", .app = "web", .value = "web's own" },
	{ .name = "env:A", .app = "api", .value = "api's", .inherit = true },
	{ .name = "env:A", .app = "", .value = "all's", .inherit = true },
};
static const struct var above[] = {
	{ .name = "env:A", .app = "web", .value = "above" },
	{ .name = "env:C", .app = "web", .value = "web's above" },
	{ .name = "env:C", .app = "", .value = "above" },
};

/* On each level, one for the app before one for all. */
Test(variables, of_one_app)
{
	static const struct {
		bool inherited;
		const char *app, *values;
	} cases[] = {
		{ false, "web", "A=web's B=web's own C=web's above " },
		{ false, "api", "A=api's C=above " },
		{ false, "", "A=all's C=above " },
		{ true, "web", "A=web's C=web's above " },
		{ false, NULL, "A=all's A=api's A=web's B=web's own C=above C=web's above " },
	};
	AUTO(arena) struct arena arena = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct variable_level levels[] = {
			{ "environment", scoped, ARRAY_SIZE(scoped), cases[i].inherited },
			{ "project", above, ARRAY_SIZE(above), false },
		};
		size_t n;
		const struct var *got =
			variables_merge(&arena, cases[i].app, levels, ARRAY_SIZE(levels), &n);
		const char *all = "";

		for (size_t k = 0; k < n; k++)
			all = arena_printf(&arena, "%s%s=%s ", all, got[k].name + 4, got[k].value);
		cr_expect_str_eq(all, cases[i].values, "case %zu", i);
	}
}

static const struct var mixed[] = {
	{ .name = "app:s", .value = "{\"k\": [1]}", .json = true, .runtime = true },
	{ .name = "env:B", .value = "b", .build = true },
	{ .name = "env:F", .value = "f", .file = true, .runtime = true },
	{ .name = "env:S", .value = "d1", .sensitive = true, .build = true, .runtime = true },
	{ .name = "php:m", .value = "1G", .runtime = true },
};

Test(variables, a_document_tells_builds_from_the_app)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *got = variables_document(&arena, mixed, ARRAY_SIZE(mixed));

	cr_assert_str_eq(
		json_print(&arena, got, FORM_CANONICAL),
		"{\"build\":{\"env\":{\"B\":{\"value\":\"b\"},\"S\":{\"secret\":\"d1\"}}},"
		"\"runtime\":{\"app\":{\"s\":{\"value\":{\"k\":[1]}}},"
		"\"env\":{\"F\":{\"file\":true,\"value\":\"f\"},\"S\":{\"secret\":\"d1\"}},"
		"\"php\":{\"m\":{\"value\":\"1G\"}}}}");
	cr_assert_null(variables_document(&arena, NULL, 0));
}

/* A document with an app whose manifest has variables too. */
static struct json_t *desired(struct arena *arena, const struct var *list, size_t n)
{
	static const char text[] = "{\"containers\": {\"web\": {\"app\": {\"variables\": "
				   "{\"env\": {\"b\": \"manifest\", \"m\": \"manifest\"}}}}}}";
	struct error err;
	struct json_t *all = json_parse("test", text, strlen(text), &err);
	struct json_t *variables = variables_document(arena, list, n);

	if (variables)
		json_put(json_path(all, "containers", "web", NULL), "variables", variables);
	return all;
}

Test(variables, stand_in_for_the_manifests)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *all = desired(&arena, mixed, ARRAY_SIZE(mixed));
	AUTO(json) struct json_t *secrets = json_new_map();
	struct contract c = { .desired = all, .container = "web", .secrets = secrets };
	AUTO(json) struct json_t *run = NULL;
	AUTO(json) struct json_t *build = NULL;
	AUTO(json) struct json_t *identity = NULL;

	json_put_text(secrets, "d1", "geheim");
	run = contract_environment(&c, 1);
	build = contract_environment(&c, 0);
	c.secrets = NULL;
	identity = contract_environment(&c, 0);
	cr_expect_str_eq(json_get_text(run, "B", ""), "manifest");
	cr_expect_str_eq(json_get_text(run, "F", ""), "/run/secrets/F");
	cr_expect_str_eq(json_get_text(run, "S", ""), "geheim");
	cr_expect_null(json_get(run, "m"));
	cr_expect_str_eq(json_get_text(run, "PLATFORM_VARIABLES", ""),
			 contract_base64(&arena, "{\"app:s\":{\"k\":[1]}}", 19));
	cr_expect_str_eq(json_get_text(build, "B", ""), "b");
	cr_expect_str_eq(json_get_text(build, "M", ""), "manifest");
	cr_expect_str_eq(json_get_text(build, "S", ""), "geheim");
	cr_expect_null(json_get(build, "F"));
	cr_expect_str_eq(json_get_text(identity, "S", ""), "secret:d1");
}

static bool alive(void *ctx, const char *container)
{
	(void)ctx;
	(void)container;
	return true;
}

/* What it takes to come from these variables to those. */
static unsigned effects(const struct var *from, size_t n_from, const struct var *to, size_t n_to)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *before = desired(&arena, from, n_from);
	AUTO(json) struct json_t *after = desired(&arena, to, n_to);
	AUTO(json) struct json_t *record = json_new_map();
	struct json_t *entry =
		json_put(json_put(record, "containers", json_new_map()), "web", json_new_map());
	const struct plan_view view = { .alive = alive };
	struct plan plan;

	json_put_flag(entry, "made", true);
	json_put_flag(entry, "active", true);
	json_put(entry, "document", json_copy_deep(json_path(before, "containers", "web", NULL)));
	plan_make(&arena, after, record, &view, &plan);
	cr_assert_str_eq(plan.actions[0].container, "web");
	return plan.actions[0].effects;
}

Test(variables, take_no_more_than_they_need)
{
	struct var changed[ARRAY_SIZE(mixed)];
	static const unsigned expected[] = { EFFECT_RESTART, EFFECT_NONE, EFFECT_RESTART,
					     EFFECT_RESTART, EFFECT_RELOAD };

	for (size_t i = 0; i < ARRAY_SIZE(mixed); i++) {
		memcpy(changed, mixed, sizeof(mixed));
		changed[i].value = "2";
		cr_expect_eq(effects(mixed, 5, changed, 5), expected[i], "change %s",
			     mixed[i].name);
		cr_expect_eq(effects(NULL, 0, &mixed[i], 1), expected[i], "first %s",
			     mixed[i].name);
		cr_expect_eq(effects(&mixed[i], 1, NULL, 0), expected[i], "last %s", mixed[i].name);
	}
	/* Visible to both, a change is for both; the image is another matter. */
	cr_expect_eq(effects(mixed, 5, mixed, 5), EFFECT_NONE);
}
