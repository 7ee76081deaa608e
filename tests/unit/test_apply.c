#include <criterion/criterion.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "orchestrator/apply.h"
#include "orchestrator/desired.h"

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

#define DB "'db': {'type': 'mariadb:10.11', 'disk': 512, 'configuration': {'password': 'one'}}"
#define APP_LINKS "'relationships': {'database': {'service': 'db', 'endpoint': 'main'}}"
#define NETWORK "'network': {'paths': {}, 'publish': {'to': 'app'}}"

static const char first[] =
	"{'commit': 'c1', 'containers': {" DB ", 'kv': {'type': 'redis:7.0', 'disk': 64},"
	" 'app': {'code': {'image': 'i1'}, " APP_LINKS ", 'app': {'hooks':"
	"  {'deploy': 'migrate', 'post_deploy': 'warm'}}},"
	" 'reader': {'type': 'nodejs:18', 'limits': {'memory': 1}, " APP_LINKS "},"
	" 'worker': {'type': 'nodejs:18', " APP_LINKS "}}, " NETWORK "}";

/* Dropped, new, another image, another version, other limits, and a password that three have to learn. */
static const char second[] =
	"{'commit': 'c2', 'containers': {"
	" 'db': {'type': 'mariadb:10.11', 'disk': 512, 'configuration': {'password': 'two'}},"
	" 'app': {'code': {'image': 'i2'}, " APP_LINKS ", 'app': {'hooks':"
	"  {'deploy': 'migrate', 'post_deploy': 'warm'}}},"
	" 'reader': {'type': 'nodejs:18', 'limits': {'memory': 2}, " APP_LINKS "},"
	" 'search': {'type': 'opensearch:2'},"
	" 'worker': {'type': 'nodejs:20', " APP_LINKS "}}, " NETWORK "}";

/* The same as the first but for what db opens. */
static const char password_only[] =
	"{'commit': 'c1', 'containers': {"
	" 'db': {'type': 'mariadb:10.11', 'disk': 512, 'configuration': {'password': 'two'}},"
	" 'kv': {'type': 'redis:7.0', 'disk': 64},"
	" 'app': {'code': {'image': 'i1'}, " APP_LINKS ", 'app': {'hooks':"
	"  {'deploy': 'migrate', 'post_deploy': 'warm'}}},"
	" 'reader': {'type': 'nodejs:18', 'limits': {'memory': 1}, " APP_LINKS "},"
	" 'worker': {'type': 'nodejs:18', " APP_LINKS "}}, " NETWORK "}";

/* A world of JSON: { NAME: { "alive", "released", "wanted", "knows", "looks" } } */
struct fake {
	struct json_t *world, *data, *saved;
	const struct json_t *desired;
	unsigned calls, fail_at;
	bool late; /* the call that fails has done its work */
	bool published;
	uint64_t now;
	struct text log;
};

/* Counts; whether it is this one that fails without doing anything. */
static bool refuses(struct fake *f)
{
	return ++f->calls == f->fail_at && !f->late;
}

static int done(const struct fake *f, struct error *err)
{
	return f->calls == f->fail_at ? fail(err, ERROR_SYSTEM, "call %u", f->calls) : 0;
}

static struct json_t *one(const struct fake *f, const char *name)
{
	return json_get(f->world, name);
}

static int fake_save(void *ctx, struct json_t *record, struct error *err)
{
	struct fake *f = ctx;

	if (!refuses(f)) {
		json_free(f->saved);
		f->saved = json_copy_deep(record);
	}
	return done(f, err);
}

static int fake_stop(void *ctx, const char *name, struct error *err)
{
	struct fake *f = ctx;

	if (!refuses(f))
		json_drop(f->world, name);
	text_printf(&f->log, "stop %s\n", name);
	return done(f, err);
}

static int fake_discard(void *ctx, const char *name, struct error *err)
{
	struct fake *f = ctx;

	cr_expect_null(one(f, name), "%s runs on its data", name);
	if (!refuses(f))
		json_drop(f->data, name);
	return done(f, err);
}

static int fake_network(void *ctx, const struct json_t *desired, struct error *err)
{
	struct fake *f = ctx;

	(void)desired;
	(void)refuses(f);
	return done(f, err);
}

static int fake_create(void *ctx, const char *name, const struct json_t *wanted,
		       struct json_t *entry, struct error *err)
{
	struct fake *f = ctx;
	struct json_t *made;

	cr_expect_not_null(json_path(f->saved, "containers", name, NULL),
			   "%s is made before it is recorded", name);
	cr_expect_not(json_get_flag(json_path(f->saved, "containers", name, NULL), "made", false));
	if (!refuses(f)) {
		made = json_put(f->world, name, json_new_map());
		json_put_flag(made, "alive", true);
		json_put(made, "wanted", json_copy_deep(wanted));
		json_put_flag(f->data, name, true);
		json_put_number(entry, "pid", 7);
	}
	text_printf(&f->log, "create %s\n", name);
	return done(f, err);
}

static int fake_release(void *ctx, const char *name, struct error *err)
{
	struct fake *f = ctx;

	cr_expect_eq(json_get_number(json_path(f->saved, "containers", name, NULL), "pid", 0), 7,
		     "%s is released before its pid is recorded", name);
	if (!refuses(f))
		json_put_flag(one(f, name), "released", true);
	return done(f, err);
}

static int fake_rules(void *ctx, const struct json_t *desired, bool published, struct error *err)
{
	struct fake *f = ctx;

	(void)desired;
	if (!refuses(f))
		f->published = published;
	text_printf(&f->log, "rules %d\n", published);
	return done(f, err);
}

static int fake_change(void *ctx, const char *name, const struct json_t *wanted, unsigned effects,
		       struct error *err)
{
	struct fake *f = ctx;

	if (!refuses(f))
		json_put(one(f, name), "wanted", json_copy_deep(wanted));
	text_printf(&f->log, "change %s %s\n", name, effect_name(effects));
	return done(f, err);
}

static struct json_t *opened_by(const struct fake *f, const char *name)
{
	const struct json_t *configuration =
		json_path(f->world, name, "wanted", "configuration", NULL);
	struct json_t *opened = json_new_map();

	json_put_text(json_put(opened, "main", json_new_map()), "password",
		      json_get_text(configuration, "password", ""));
	return opened;
}

/* All services that it relates to as the record has them. */
static int fake_activate(void *ctx, const char *name, const struct json_t *desired,
			 const struct json_t *record, const char *how, struct error *err)
{
	struct fake *f = ctx;
	const struct json_t *wanted = json_path(desired, "containers", name, NULL);
	const char *on =
		json_text(json_path(wanted, "relationships", "database", "service", NULL), NULL);

	cr_assert(json_get_flag(one(f, name), "released", false), "%s", name);
	if (on)
		cr_expect(json_get_flag(one(f, on), "ready", false), "%s before %s", name, on);
	if (!refuses(f)) {
		json_put(one(f, name), "wanted", json_copy_deep(wanted));
		json_put(one(f, name), "knows",
			 on ? json_copy_deep(json_path(record, "containers", on, "opened", NULL))
			    : NULL);
		json_put_flag(one(f, name), "ready", false);
		json_put_number(one(f, name), "looks", 0);
	}
	text_printf(&f->log, "%s %s\n", how, name);
	return done(f, err);
}

/* At the second look. */
static int fake_ready(void *ctx, const char *name, struct error *err)
{
	struct fake *f = ctx;
	struct json_t *c = one(f, name);
	int64_t looks = json_get_number(c, "looks", 0) + 1;

	(void)refuses(f);
	json_put_number(c, "looks", looks);
	json_put_flag(c, "ready", looks >= 2);
	return done(f, err) < 0 ? -1 : looks >= 2;
}

static int fake_wait(void *ctx, unsigned ms, struct error *err)
{
	struct fake *f = ctx;

	(void)refuses(f);
	f->now += ms;
	return done(f, err);
}

static struct json_t *fake_open(void *ctx, const char *name, struct error *err)
{
	struct fake *f = ctx;

	(void)refuses(f);
	return done(f, err) < 0 ? NULL : opened_by(f, name);
}

static int fake_hook(void *ctx, const char *name, const char *which, struct error *err)
{
	struct fake *f = ctx;

	cr_expect(json_get_flag(one(f, name), "ready", false), "%s: %s", name, which);
	(void)refuses(f);
	text_printf(&f->log, "hook %s %s\n", name, which);
	return done(f, err);
}

static void fake_event(void *ctx, const char *what, const char *name, const char *detail,
		       uint64_t ms)
{
	(void)ctx;
	(void)what;
	(void)name;
	(void)detail;
	(void)ms;
}

static uint64_t fake_now(void *ctx)
{
	return ((struct fake *)ctx)->now;
}

static bool fake_alive(void *ctx, const char *name)
{
	return one(ctx, name) != NULL;
}

static int run(struct fake *f, const char *text, struct error *err)
{
	const struct apply_options options = { .hooks = true, .timeout_ms = 60000 };
	const struct plan_view view = { .ctx = f, .alive = fake_alive };
	const struct backend b = {
		f,	     fake_save,	   fake_stop,  fake_discard, fake_network,
		fake_create, fake_release, fake_rules, fake_change,  fake_activate,
		fake_ready,  fake_wait,	   fake_open,  fake_hook,    fake_event,
		fake_now,
	};
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *desired = doc(text);
	AUTO(json) struct json_t *record = json_copy_deep(f->saved);
	struct plan plan;

	f->calls = 0;
	text_clear(&f->log);
	plan_make(&arena, desired, record, &view, &plan);
	return apply(&plan, desired, record, &b, &options, err);
}

static void open_fake(struct fake *f)
{
	*f = (struct fake){
		.world = json_new_map(),
		.data = json_new_map(),
		.saved = json_new_map(),
	};
}

static void close_fake(struct fake *f)
{
	json_free(f->world);
	json_free(f->data);
	json_free(f->saved);
	text_clear(&f->log);
}

static void run_well(struct fake *f, const char *text)
{
	struct error err = { 0 };

	f->fail_at = 0;
	cr_assert_eq(run(f, text, &err), 0);
}

/* What runs is what should, knowing what it has to. */
static void expect_world(struct fake *f, const char *text)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *desired = doc(text);
	const struct json_t *wanted = json_get(desired, "containers");
	size_t n;
	const char **names = json_keys(&arena, wanted, &n);

	cr_expect_eq(json_count(f->world), n);
	cr_expect_eq(json_count(f->data), n);
	cr_expect(f->published);
	for (size_t i = 0; i < n; i++) {
		const struct json_t *c = one(f, names[i]), *w = json_get(wanted, names[i]);
		AUTO(json) struct json_t *now = opened_by(f, "db");

		cr_expect(json_same(json_get(c, "wanted"), w), "%s", names[i]);
		cr_expect(json_get_flag(c, "ready", false), "%s", names[i]);
		if (json_get(w, "relationships"))
			cr_expect(json_same(json_get(c, "knows"), now), "%s knows %s", names[i],
				  json_print(&arena, json_get(c, "knows"), FORM_CANONICAL));
	}
}

/* Each thing that runs is in the record: a crash now would lose nothing. */
static void expect_recorded(const struct fake *f)
{
	AUTO(arena) struct arena arena = { 0 };
	size_t n;
	const char **names = json_keys(&arena, f->world, &n);

	for (size_t i = 0; i < n; i++)
		cr_expect_not_null(json_path(f->saved, "containers", names[i], NULL),
				   "%s runs unrecorded", names[i]);
	cr_expect(json_get_flag(f->data, "db", false) ||
		  !json_path(f->saved, "containers", "db", "opened", NULL));
}

/* Fail at each call there is; carrying on has to lead to where a run without failures leads. */
static void fail_everywhere(const char *before, const char *after, bool late)
{
	AUTO(arena) struct arena arena = { 0 };
	struct fake good;
	const char *expected;

	open_fake(&good);
	if (before)
		run_well(&good, before);
	run_well(&good, after);
	expect_world(&good, after);
	expected = json_print(&arena, good.saved, FORM_CANONICAL);
	cr_assert_gt(good.calls, 10);
	for (unsigned at = 1; at <= good.calls; at++) {
		struct error err = { 0 };
		struct fake f;

		open_fake(&f);
		if (before)
			run_well(&f, before);
		f.fail_at = at;
		f.late = late;
		cr_expect_eq(run(&f, after, &err), -1, "call %u", at);
		cr_expect_eq(f.calls, at, "goes on after call %u failed", at);
		expect_recorded(&f);
		run_well(&f, after);
		expect_world(&f, after);
		cr_expect_str_eq(json_print(&arena, f.saved, FORM_CANONICAL), expected, "call %u",
				 at);
		close_fake(&f);
	}
	close_fake(&good);
}

Test(apply, a_first_deploy_can_be_carried_on_from_anywhere)
{
	fail_everywhere(NULL, first, false);
	fail_everywhere(NULL, first, true);
}

Test(apply, a_change_of_everything_can_be_carried_on_from_anywhere)
{
	fail_everywhere(first, second, false);
	fail_everywhere(first, second, true);
}

Test(apply, nobody_misses_a_new_password_after_a_crash)
{
	fail_everywhere(first, password_only, false);
	fail_everywhere(first, password_only, true);
}

static size_t place_of(const struct fake *f, const char *line)
{
	const char *log = text_get(&f->log);
	const char *at = strstr(log, line);

	cr_assert_not_null(at, "no '%s' in:\n%s", line, log);
	return (size_t)(at - log);
}

Test(apply, opens_a_new_group_to_the_host_when_it_is_ready)
{
	struct fake f;

	open_fake(&f);
	run_well(&f, first);
	cr_expect_lt(place_of(&f, "create app\n"), place_of(&f, "rules 0\n"));
	cr_expect_lt(place_of(&f, "rules 0\n"), place_of(&f, "start db\n"));
	cr_expect_lt(place_of(&f, "start db\n"), place_of(&f, "start app\n"));
	cr_expect_lt(place_of(&f, "start kv\n"), place_of(&f, "start app\n"));
	cr_expect_lt(place_of(&f, "start app\n"), place_of(&f, "hook app deploy\n"));
	cr_expect_lt(place_of(&f, "hook app deploy\n"), place_of(&f, "rules 1\n"));
	cr_expect_lt(place_of(&f, "rules 1\n"), place_of(&f, "hook app post_deploy\n"));
	close_fake(&f);
}

Test(apply, runs_the_deploy_hook_once_a_commit)
{
	struct fake f;

	open_fake(&f);
	run_well(&f, first);
	cr_expect_not_null(strstr(text_get(&f.log), "hook app deploy\n"));
	run_well(&f, first);
	cr_expect_null(strstr(text_get(&f.log), "hook app deploy\n"));
	run_well(&f, password_only);
	cr_expect_null(strstr(text_get(&f.log), "hook app deploy\n"));
	run_well(&f, second);
	cr_expect_not_null(strstr(text_get(&f.log), "hook app deploy\n"));
	close_fake(&f);
}

Test(apply, restarts_who_has_to_learn_a_new_password)
{
	struct fake f;

	open_fake(&f);
	run_well(&f, first);
	run_well(&f, password_only);
	cr_expect_lt(place_of(&f, "restart db\n"), place_of(&f, "restart app\n"));
	cr_expect_lt(place_of(&f, "restart db\n"), place_of(&f, "restart reader\n"));
	cr_expect_null(strstr(text_get(&f.log), " kv\n"));
	cr_expect_null(strstr(text_get(&f.log), "create "));
	close_fake(&f);
}

Test(apply, leaves_alone_what_is_as_it_should_be)
{
	struct fake f;

	open_fake(&f);
	run_well(&f, first);
	run_well(&f, first);
	cr_expect_str_eq(text_get(&f.log), "rules 1\nhook app post_deploy\n");
	close_fake(&f);
}

Test(apply, makes_again_what_died_and_only_that)
{
	struct fake f;

	open_fake(&f);
	run_well(&f, first);
	json_drop(f.world, "reader");
	run_well(&f, first);
	expect_world(&f, first);
	(void)place_of(&f, "create reader\n");
	(void)place_of(&f, "start reader\n");
	cr_expect_null(strstr(text_get(&f.log), " db\n"));
	cr_expect_null(strstr(text_get(&f.log), "start app\n"));
	close_fake(&f);
}
