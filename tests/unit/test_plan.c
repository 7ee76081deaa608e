#include <criterion/criterion.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "orchestrator/plan.h"

/* Documents in C, with ' for ". */
static struct json_t *doc(const char *text)
{
	AUTO(arena) struct arena arena = { 0 };
	char *copy = arena_strdup(&arena, text);
	struct error err;
	struct json_t *value;

	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	value = json_parse("test", copy, strlen(copy), &err);
	cr_assert_not_null(value, "%s", text);
	return value;
}

static const char desired_text[] =
	"{'commit': 'c1', 'containers': {"
	" 'db': {'kind': 'service', 'type': 'mariadb:10.11', 'base': 'b1', 'disk': 512},"
	" 'app': {'kind': 'app', 'type': 'php:8.2', 'base': 'b2', 'disk': null,"
	"  'code': {'image': 'i1', 'tree': 't1'}, 'limits': {'memory': 1},"
	"  'relationships': {'database': {'service': 'db', 'endpoint': 'mysql'}},"
	"  'app': {'hooks': {'deploy': 'true'}, 'variables': {'env': {'a': '1'},"
	"   'php': {'memory_limit': '128M'}}}}},"
	" 'network': {'paths': {'app -> db tcp/3306': {}}}}";

/* What is recorded after desired_text was applied. */
static struct json_t *record_of(const struct json_t *desired)
{
	AUTO(arena) struct arena arena = { 0 };
	const struct json_t *containers = json_get(desired, "containers");
	struct json_t *record = json_new_map();
	struct json_t *entries = json_put(record, "containers", json_new_map());
	size_t n;
	const char **names = json_keys(&arena, containers, &n);

	for (size_t i = 0; i < n; i++) {
		struct json_t *entry = json_put(entries, names[i], json_new_map());

		json_put_flag(entry, "made", true);
		json_put_flag(entry, "active", true);
		json_put(entry, "document", json_copy_deep(json_get(containers, names[i])));
	}
	json_put(record, "network", json_copy_deep(json_get(desired, "network")));
	return record;
}

static bool alive(void *ctx, const char *container)
{
	const char *dead = ctx;

	return !dead || strcmp(dead, container) != 0;
}

static const struct action *find(const struct plan *plan, const char *container)
{
	for (size_t i = 0; i < plan->n; i++)
		if (!strcmp(plan->actions[i].container, container))
			return &plan->actions[i];
	cr_assert_fail("no action for %s", container);
	return NULL;
}

struct fixture {
	struct arena arena;
	struct json_t *desired, *record;
	struct plan plan;
};

static void setup(struct fixture *f)
{
	*f = (struct fixture){ .desired = doc(desired_text) };
	f->record = record_of(f->desired);
}

static void make(struct fixture *f, const char *dead)
{
	struct plan_view view = { .ctx = (void *)(uintptr_t)dead, .alive = alive };

	plan_make(&f->arena, f->desired, f->record, &view, &f->plan);
}

static void teardown(struct fixture *f)
{
	json_free(f->desired);
	json_free(f->record);
	arena_clear(&f->arena);
}

static struct json_t *part(const struct fixture *f, const char *container)
{
	return json_path(f->desired, "containers", container, NULL);
}

Test(plan_make, creates_everything_where_nothing_runs)
{
	struct fixture f;

	setup(&f);
	json_free(f.record);
	f.record = json_new_map();
	make(&f, NULL);
	cr_assert_eq(f.plan.n, 3);
	cr_expect_eq(f.plan.changes, 3);
	cr_expect_str_eq(f.plan.actions[0].container, "app");
	cr_expect_str_eq(f.plan.actions[1].container, "db");
	cr_expect_eq(f.plan.actions[0].kind, ACTION_CREATE);
	cr_expect_eq(f.plan.actions[1].kind, ACTION_CREATE);
	cr_expect_eq(f.plan.actions[2].kind, ACTION_NETWORK);
	cr_expect_str_eq(f.plan.actions[0].why, "new");
	cr_expect_eq(f.plan.actions[0].wanted, part(&f, "app"));
	cr_expect_str_eq(plan_summary(&f.arena, &f.plan), "create app, create db, live network");
	teardown(&f);
}

Test(plan_make, keeps_what_is_the_same)
{
	struct fixture f;

	setup(&f);
	make(&f, NULL);
	cr_assert_eq(f.plan.n, 3);
	cr_expect_eq(f.plan.changes, 0);
	for (size_t i = 0; i < f.plan.n; i++) {
		cr_expect_eq(f.plan.actions[i].kind, ACTION_KEEP);
		cr_expect_eq(f.plan.actions[i].n, 0);
	}
	cr_expect_str_eq(plan_summary(&f.arena, &f.plan), "nothing");
	teardown(&f);
}

static void expect_path(const struct cause *c, const char *expected)
{
	char path[200] = "";

	for (size_t i = 0; i < c->n; i++) {
		strcat(path, i ? "." : "");
		strcat(path, c->path[i]);
	}
	cr_expect_str_eq(path, expected);
}

Test(plan_make, swaps_for_new_code)
{
	struct fixture f;
	const struct action *a;

	setup(&f);
	json_put_text(json_get(part(&f, "app"), "code"), "image", "i2");
	json_put_text(json_get(part(&f, "app"), "code"), "tree", "t2");
	make(&f, NULL);
	a = find(&f.plan, "app");
	cr_expect_eq(a->kind, ACTION_CHANGE);
	cr_expect_eq(a->effects, EFFECT_SWAP);
	cr_assert_eq(a->n, 2);
	expect_path(&a->causes[0], "code.image");
	expect_path(&a->causes[1], "code.tree");
	cr_expect_eq(a->causes[1].effect, EFFECT_NONE);
	cr_expect_str_eq(json_text(a->causes[0].before, ""), "i1");
	cr_expect_str_eq(json_text(a->causes[0].after, ""), "i2");
	cr_expect_eq(f.plan.changes, 1);
	cr_expect_str_eq(plan_summary(&f.arena, &f.plan), "swap app");
	teardown(&f);
}

static struct json_t *variables(const struct fixture *f, const char *prefix)
{
	return json_path(part(f, "app"), "app", "variables", prefix, NULL);
}

Test(plan_make, reloads_for_a_php_variable_and_restarts_for_others)
{
	struct fixture f;
	const struct action *a;

	setup(&f);
	json_put_text(variables(&f, "php"), "memory_limit", "256M");
	make(&f, NULL);
	a = find(&f.plan, "app");
	cr_expect_eq(a->effects, EFFECT_RELOAD);
	cr_assert_eq(a->n, 1);
	expect_path(&a->causes[0], "app.variables.php.memory_limit");

	json_put_text(variables(&f, "env"), "b", "2");
	make(&f, NULL);
	a = find(&f.plan, "app");
	cr_expect_eq(a->effects, EFFECT_RELOAD | EFFECT_RESTART);
	cr_assert_eq(a->n, 2);
	expect_path(&a->causes[0], "app.variables.env.b");
	cr_expect_null(a->causes[0].before);
	cr_expect_not_null(a->causes[0].after);
	cr_expect_str_eq(plan_summary(&f.arena, &f.plan), "restart app");
	teardown(&f);
}

Test(plan_make, recreates_for_another_base_or_type_or_unknown_key)
{
	static const char *const keys[] = { "base", "type", "kind", "address", "new_key" };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		struct fixture f;

		setup(&f);
		json_put_text(part(&f, "db"), keys[i], "other");
		make(&f, NULL);
		cr_expect_eq(find(&f.plan, "db")->kind, ACTION_CHANGE, "%s", keys[i]);
		cr_expect_eq(find(&f.plan, "db")->effects, EFFECT_RECREATE, "%s", keys[i]);
		cr_expect_eq(find(&f.plan, "app")->kind, ACTION_KEEP, "%s", keys[i]);
		teardown(&f);
	}
}

Test(plan_make, removes_what_is_dropped_and_says_whether_it_has_data)
{
	struct fixture f;

	setup(&f);
	json_drop(json_get(f.desired, "containers"), "db");
	make(&f, NULL);
	cr_assert_eq(f.plan.n, 3);
	cr_expect_eq(f.plan.actions[0].kind, ACTION_REMOVE, "removals come first");
	cr_expect_str_eq(f.plan.actions[0].container, "db");
	cr_expect(f.plan.actions[0].data);
	cr_expect_null(f.plan.actions[0].wanted);
	json_drop(json_get(f.desired, "containers"), "app");
	make(&f, NULL);
	cr_expect_not(find(&f.plan, "app")->data);
	cr_expect_str_eq(plan_summary(&f.arena, &f.plan), "remove app, remove db");
	teardown(&f);
}

Test(plan_make, throws_away_the_data_of_what_has_no_disk_any_more)
{
	struct fixture f;
	struct json_t *entry;

	setup(&f);
	json_drop(part(&f, "db"), "disk");
	make(&f, NULL);
	cr_expect(find(&f.plan, "db")->data);
	cr_expect(find(&f.plan, "db")->effects & EFFECT_RECREATE);
	cr_expect_not(find(&f.plan, "app")->data);
	/* Cut short behind the change. */
	entry = json_path(f.record, "containers", "db", NULL);
	json_put(entry, "document", json_copy_deep(part(&f, "db")));
	json_put_flag(entry, "leaves", true);
	make(&f, NULL);
	cr_expect_eq(find(&f.plan, "db")->kind, ACTION_CHANGE);
	cr_expect(find(&f.plan, "db")->data);
	json_put_number(part(&f, "db"), "disk", 512);
	make(&f, NULL);
	cr_expect_not(find(&f.plan, "db")->data);
	teardown(&f);
}

Test(plan_make, removes_everything_when_nothing_is_desired)
{
	struct fixture f;

	setup(&f);
	json_free(f.desired);
	f.desired = NULL;
	make(&f, NULL);
	cr_assert_eq(f.plan.n, 2);
	cr_expect_eq(f.plan.actions[0].kind, ACTION_REMOVE);
	cr_expect_eq(f.plan.actions[1].kind, ACTION_REMOVE);
	teardown(&f);
}

Test(plan_make, creates_again_what_died_or_was_left_unfinished)
{
	struct fixture f;
	struct json_t *entry;

	setup(&f);
	make(&f, "db");
	cr_expect_eq(find(&f.plan, "db")->kind, ACTION_CREATE);
	cr_expect_str_eq(find(&f.plan, "db")->why, "not running");
	cr_expect_eq(find(&f.plan, "app")->kind, ACTION_KEEP);

	entry = json_path(f.record, "containers", "app", NULL);
	json_put_flag(entry, "active", false);
	make(&f, NULL);
	cr_expect_eq(find(&f.plan, "app")->kind, ACTION_CHANGE);
	cr_expect_eq(find(&f.plan, "app")->effects, EFFECT_RESTART);
	cr_expect_str_eq(find(&f.plan, "app")->why, "left unfinished");

	json_put_flag(entry, "made", false);
	make(&f, NULL);
	cr_expect_eq(find(&f.plan, "app")->kind, ACTION_CREATE);
	cr_expect_str_eq(find(&f.plan, "app")->why, "left unfinished");
	teardown(&f);
}

Test(plan_make, updates_the_network_alone)
{
	struct fixture f;
	const struct action *a;

	setup(&f);
	json_put(json_path(f.desired, "network", "paths", NULL), "app -> db tcp/80",
		 json_new_map());
	make(&f, NULL);
	cr_expect_eq(f.plan.changes, 1);
	a = &f.plan.actions[f.plan.n - 1];
	cr_expect_eq(a->kind, ACTION_NETWORK);
	cr_expect_eq(a->effects, EFFECT_LIVE);
	cr_assert_eq(a->n, 1);
	expect_path(&a->causes[0], "paths.app -> db tcp/80");
	teardown(&f);
}

static const char *where(void *ctx, struct arena *arena, const char *container,
			 const char *const *path, size_t n)
{
	(void)ctx;
	return arena_printf(arena, "%s:%s:%zu", container, path[n - 1], n);
}

Test(plan_make, asks_where_a_change_stands)
{
	struct fixture f;
	struct plan_view view = { .alive = alive, .where = where };

	setup(&f);
	json_put_number(json_get(part(&f, "app"), "limits"), "memory", 2);
	plan_make(&f.arena, f.desired, f.record, &view, &f.plan);
	cr_assert_eq(find(&f.plan, "app")->n, 1);
	cr_expect_str_eq(find(&f.plan, "app")->causes[0].where, "app:memory:2");
	teardown(&f);
}

Test(effect_of, is_what_the_table_says)
{
	static const struct {
		const char *path[4];
		unsigned effect;
	} cases[] = {
		{ { "type" }, EFFECT_RECREATE },
		{ { "typ" }, EFFECT_RECREATE },
		{ { "type2" }, EFFECT_RECREATE },
		{ { "code" }, EFFECT_SWAP },
		{ { "code", "tree" }, EFFECT_NONE },
		{ { "limits", "memory" }, EFFECT_LIVE },
		{ { "upstreams", "app:http" }, EFFECT_RELOAD },
		{ { "versions", "app" }, EFFECT_RELOAD },
		{ { "domains" }, EFFECT_RELOAD },
		{ { "access", "basic_auth", "guest" }, EFFECT_RELOAD },
		{ { "endpoints", "mysql", "port" }, EFFECT_LIVE },
		{ { "relationships", "database", "service" }, EFFECT_RESTART },
		{ { "configuration", "schemas" }, EFFECT_RESTART },
		{ { "mounts", "var" }, EFFECT_RECREATE },
		{ { "app", "hooks", "deploy" }, EFFECT_NONE },
		{ { "app", "build", "flavor" }, EFFECT_NONE },
		{ { "app", "future" }, EFFECT_RECREATE },
		{ { "app", "variables" }, EFFECT_RESTART | EFFECT_RELOAD },
		{ { "app", "variables", "php" }, EFFECT_RELOAD },
		{ { "app", "variables", "phpx" }, EFFECT_RESTART },
		{ { "app", "web", "locations", "/" }, EFFECT_RELOAD },
		{ { "app", "web", "commands", "start" }, EFFECT_RESTART },
		{ { "unknown", "key" }, EFFECT_RECREATE },
	};
	AUTO(json) struct json_t *one = json_new_number(1);
	AUTO(json) struct json_t *two = json_new_number(2);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t n = 0;

		while (n < 4 && cases[i].path[n])
			n++;
		cr_expect_eq(effect_of(cases[i].path, n, one, two), cases[i].effect,
			     "%s.%s gives %u", cases[i].path[0], n > 1 ? cases[i].path[1] : "",
			     effect_of(cases[i].path, n, one, two));
	}
}

Test(effect_of, a_disk_that_comes_or_goes_is_more_than_one_that_grows)
{
	static const char *const disk[] = { "disk" };
	AUTO(json) struct json_t *one = json_new_number(1);
	AUTO(json) struct json_t *two = json_new_number(2);
	AUTO(json) struct json_t *null = json_new_null();

	cr_expect_eq(effect_of(disk, 1, one, two), EFFECT_LIVE);
	cr_expect_eq(effect_of(disk, 1, NULL, two), EFFECT_RECREATE);
	cr_expect_eq(effect_of(disk, 1, one, null), EFFECT_RECREATE);
}

Test(effect_name, is_of_the_greatest)
{
	cr_expect_str_eq(effect_name(EFFECT_NONE), "none");
	cr_expect_str_eq(effect_name(EFFECT_LIVE | EFFECT_RELOAD), "reload");
	cr_expect_str_eq(effect_name(EFFECT_SWAP | EFFECT_RELOAD), "swap");
	cr_expect_str_eq(effect_name(EFFECT_SWAP | EFFECT_RESTART), "restart");
	cr_expect_str_eq(effect_name(31), "recreate");
}
