#include "tests/unit/fake_backend.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "orchestrator/apply.h"

struct json_t *doc(const char *text)
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

/* Counts; whether it is this one that fails without doing anything. */
static bool refuses(struct fake *f)
{
	return ++f->calls == f->fail_at && !f->late;
}

static int done(const struct fake *f, struct error *err)
{
	return f->calls == f->fail_at ? fail(err, ERROR_SYSTEM, "call %u", f->calls) : 0;
}

struct json_t *one(const struct fake *f, const char *name)
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

	cr_expect_eq(json_number(json_path(one(f, name), "wanted", "disk", NULL), 0), 0,
		     "%s runs on its data", name);
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
		if (json_get_number(wanted, "disk", 0) && !json_get(f->data, name))
			json_put_number(f->data, name, ++f->volumes);
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

	if (!refuses(f))
		f->published = published;
	text_printf(&f->log, "rules %d%s\n", published,
		    json_path(desired, "network", "ending", NULL) ? " ending" : "");
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

struct json_t *opened_by(const struct fake *f, const char *name)
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
	if (f->clone && json_path(wanted, "app", "hooks", "clone", NULL))
		cr_expect(f->clean, "%s starts on data that isn't clean", name);
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

static void fake_explain(void *ctx, const char *name, struct text *out)
{
	(void)ctx;
	text_printf(out, "%s has no answer", name);
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

	if (!strcmp(which, "clone")) {
		cr_expect_null(json_get(one(f, name), "ready"), "%s was started", name);
		cr_expect(json_get_flag(one(f, "db"), "ready", false), "before its service");
		cr_expect(json_get_flag(json_path(f->saved, "containers", name, NULL), "at_hook",
					false),
			  "%s: unrecorded", name);
	} else {
		cr_expect(json_get_flag(one(f, name), "ready", false), "%s: %s", name, which);
	}
	if (!refuses(f) && !strcmp(which, "clone"))
		f->clean = true;
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

int run_fake(struct fake *f, const char *text, struct error *err)
{
	const struct apply_options options = { .hooks = true,
					       .clone = f->clone,
					       .timeout_ms = 60000 };
	const struct plan_view view = { .ctx = f, .alive = fake_alive };
	const struct backend b = {
		f,	     fake_save,	   fake_stop,  fake_discard, fake_network,
		fake_create, fake_release, fake_rules, fake_change,  fake_activate,
		fake_ready,  fake_explain, fake_wait,  fake_open,    fake_hook,
		fake_event,  fake_now,
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

void open_fake(struct fake *f)
{
	*f = (struct fake){
		.world = json_new_map(),
		.data = json_new_map(),
		.saved = json_new_map(),
	};
}

void close_fake(struct fake *f)
{
	json_free(f->world);
	json_free(f->data);
	json_free(f->saved);
	text_clear(&f->log);
}
