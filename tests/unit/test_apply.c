#include <criterion/criterion.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "tests/unit/fake_backend.h"

#define DB "'db': {'type': 'mariadb:10.11', 'disk': 512, 'configuration': {'password': 'one'}}"
#define APP_LINKS "'relationships': {'database': {'service': 'db', 'endpoint': 'main'}}"
#define NETWORK "'network': {'paths': {}, 'publish': {'to': 'app'}}"

static const char first[] =
	"{'commit': 'c1', 'containers': {" DB ", 'kv': {'type': 'redis:7.0', 'disk': 64},"
	" 'app': {'code': {'image': 'i1'}, " APP_LINKS ", 'app': {'hooks':"
	"  {'deploy': 'migrate', 'post_deploy': 'warm'}}},"
	" 'reader': {'type': 'nodejs:18', 'limits': {'memory': 1}, " APP_LINKS "},"
	" 'worker': {'type': 'nodejs:18', 'disk': 64, " APP_LINKS "}}, " NETWORK "}";

/* Dropped, new, other code, another version without a disk, other limits, and a password that three learn. */
static const char second[] =
	"{'commit': 'c2', 'containers': {"
	" 'db': {'type': 'mariadb:10.11', 'disk': 512, 'configuration': {'password': 'two'}},"
	" 'app': {'code': {'image': 'i2'}, " APP_LINKS ", 'app': {'hooks':"
	"  {'deploy': 'migrate', 'post_deploy': 'warm'}}},"
	" 'reader': {'type': 'nodejs:18', 'limits': {'memory': 2}, " APP_LINKS "},"
	" 'search': {'type': 'opensearch:2', 'disk': 64},"
	" 'worker': {'type': 'nodejs:20', " APP_LINKS "}}, " NETWORK "}";

/* The same as the first but for what db opens. */
static const char password_only[] =
	"{'commit': 'c1', 'containers': {"
	" 'db': {'type': 'mariadb:10.11', 'disk': 512, 'configuration': {'password': 'two'}},"
	" 'kv': {'type': 'redis:7.0', 'disk': 64},"
	" 'app': {'code': {'image': 'i1'}, " APP_LINKS ", 'app': {'hooks':"
	"  {'deploy': 'migrate', 'post_deploy': 'warm'}}},"
	" 'reader': {'type': 'nodejs:18', 'limits': {'memory': 1}, " APP_LINKS "},"
	" 'worker': {'type': 'nodejs:18', 'disk': 64, " APP_LINKS "}}, " NETWORK "}";

/* The first, with another container in front. */
static const char fronted[] =
	"{'commit': 'c1', 'containers': {" DB ", 'kv': {'type': 'redis:7.0', 'disk': 64},"
	" 'app': {'code': {'image': 'i1'}, " APP_LINKS ", 'app': {'hooks':"
	"  {'deploy': 'migrate', 'post_deploy': 'warm'}}}, 'front': {'type': 'router:1'},"
	" 'reader': {'type': 'nodejs:18', 'limits': {'memory': 1}, " APP_LINKS "},"
	" 'worker': {'type': 'nodejs:18', 'disk': 64, " APP_LINKS "}},"
	" 'network': {'paths': {}, 'publish': {'to': 'front'}}}";

/* The first, with a clone hook. */
static const char cloned[] =
	"{'commit': 'c1', 'containers': {" DB ", 'app': {'code': {'image': 'i1'}, " APP_LINKS
	", 'app': {'hooks': {'clone': 'clean', 'deploy': 'migrate'}}}}, " NETWORK "}";
static bool clones;

static void run_well(struct fake *f, const char *text)
{
	struct error err = { 0 };

	f->fail_at = 0;
	cr_assert_eq(run_fake(f, text, &err), 0);
}

/* What runs is what should, knowing what it has to. */
static void expect_world(struct fake *f, const char *text)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *desired = doc(text);
	const struct json_t *wanted = json_get(desired, "containers");
	size_t n, disks = 0;
	const char **names = json_keys(&arena, wanted, &n);

	cr_expect_eq(json_count(f->world), n);
	cr_expect(f->published);
	for (size_t i = 0; i < n; i++) {
		const struct json_t *c = one(f, names[i]), *w = json_get(wanted, names[i]);
		AUTO(json) struct json_t *now = opened_by(f, "db");

		disks += json_get(w, "disk") != NULL;
		cr_expect(json_same(json_get(c, "wanted"), w), "%s", names[i]);
		cr_expect(json_get_flag(c, "ready", false), "%s", names[i]);
		if (json_get(w, "relationships"))
			cr_expect(json_same(json_get(c, "knows"), now), "%s knows %s", names[i],
				  json_print(&arena, json_get(c, "knows"), FORM_CANONICAL));
	}
	cr_expect_eq(json_count(f->data), disks);
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
	cr_expect(json_get(f->data, "db") ||
		  !json_path(f->saved, "containers", "db", "opened", NULL));
}

/* Fail at each call there is; carrying on has to lead to where a run without failures leads. */
static void fail_everywhere(const char *before, const char *after, bool late)
{
	AUTO(arena) struct arena arena = { 0 };
	struct fake good;
	const char *expected;

	open_fake(&good);
	good.clone = clones;
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
		f.clone = clones;
		if (before)
			run_well(&f, before);
		f.fail_at = at;
		f.late = late;
		cr_expect_eq(run_fake(&f, after, &err), -1, "call %u", at);
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

/*
 * Fail at each call there is; going back has to lead to what was before, with the data that was there: unless it was
 * the very end that failed, when the data of what was dropped is in the trash.
 */
static void return_from_everywhere(const char *before, const char *after, bool late)
{
	AUTO(arena) struct arena arena = { 0 };
	unsigned discarded = 0;

	for (unsigned at = 1;; at++) {
		struct error err = { 0 };
		const char *data;
		struct fake f;
		int r;

		open_fake(&f);
		run_well(&f, before);
		data = json_print(&arena, f.data, FORM_CANONICAL);
		f.fail_at = at;
		f.late = late;
		r = run_fake(&f, after, &err);
		discarded += r < 0 && !json_get(f.data, "kv");
		if (r < 0 && json_get(f.data, "kv")) {
			run_well(&f, before);
			expect_world(&f, before);
			cr_expect_str_eq(json_print(&arena, f.data, FORM_CANONICAL), data,
					 "call %u", at);
		}
		close_fake(&f);
		if (r == 0)
			break;
		cr_expect_leq(discarded, 4);
	}
}

Test(apply, a_change_of_everything_can_be_undone_from_anywhere)
{
	return_from_everywhere(first, second, false);
	return_from_everywhere(first, second, true);
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

Test(apply, lets_what_is_under_way_end_where_another_container_is_published)
{
	struct fake f;

	open_fake(&f);
	run_well(&f, first);
	run_well(&f, fronted);
	cr_expect_lt(place_of(&f, "rules 1\n"), place_of(&f, "start front\n"));
	cr_expect_lt(place_of(&f, "start front\n"), place_of(&f, "rules 1 ending\n"));
	cr_expect_not_null(strstr(strstr(text_get(&f.log), "rules 1 ending\n"), "rules 1\n"));
	run_well(&f, fronted);
	cr_expect_null(strstr(text_get(&f.log), "ending"));
	close_fake(&f);
	fail_everywhere(first, fronted, false);
	fail_everywhere(first, fronted, true);
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

Test(apply, runs_a_clone_hook_before_its_app_and_after_its_services)
{
	struct fake f;

	open_fake(&f);
	f.clone = true;
	run_well(&f, cloned);
	cr_expect_lt(place_of(&f, "start db\n"), place_of(&f, "hook app clone\n"));
	cr_expect_lt(place_of(&f, "hook app clone\n"), place_of(&f, "start app\n"));
	close_fake(&f);
	open_fake(&f);
	run_well(&f, cloned);
	cr_expect_null(strstr(text_get(&f.log), "clone"), "its data is its own");
	close_fake(&f);
}

Test(apply, a_clone_can_be_carried_on_from_anywhere)
{
	clones = true;
	fail_everywhere(NULL, cloned, false);
	fail_everywhere(NULL, cloned, true);
}

Test(apply, makes_a_container_anew_whose_clone_hook_was_cut_short)
{
	struct error err = { 0 };
	unsigned at = 0;
	struct fake f;

	do {
		open_fake(&f);
		f.clone = f.late = true;
		f.fail_at = ++at;
		cr_assert_eq(run_fake(&f, cloned, &err), -1);
		if (strstr(text_get(&f.log), "hook app clone\n"))
			break;
		close_fake(&f);
	} while (at < 100);
	run_well(&f, cloned);
	cr_expect_lt(place_of(&f, "create app\n"), place_of(&f, "hook app clone\n"));
	close_fake(&f);
}
