#include <criterion/criterion.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "orchestrator/gc.h"
#include "orchestrator/state.h"

#define NOW 1000000000

/* Whether gc removes it, and why or why not. */
static const struct {
	const char *type;
	int64_t expires;
	bool busy, branched;
	enum gc_branch branch;
	bool expired_only, remove;
	const char *why;
} environments[] = {
	{ "production", NOW - 1, false, true, BRANCH_GONE, false, false, "production" },
	{ "production", NOW - 1, false, true, BRANCH_GONE, true, false, "production" },
	{ "development", NOW, false, false, BRANCH_UNKNOWN, false, true, "time is over" },
	{ "staging", NOW, false, false, BRANCH_UNKNOWN, true, true, "time is over" },
	{ "development", NOW - 1, true, false, BRANCH_UNKNOWN, true, false, "deploy is at work" },
	{ "development", NOW + 1, false, true, BRANCH_GONE, true, false, "isn't over" },
	{ "development", NOW + 1, false, true, BRANCH_GONE, false, true, "branch is gone" },
	{ "development", 0, true, true, BRANCH_GONE, false, false, "deploy is at work" },
	{ "development", 0, false, true, BRANCH_THERE, false, false, "branch is there" },
	{ "development", 0, false, true, BRANCH_UNKNOWN, false, false, "can't be looked up" },
	{ "development", 0, false, false, BRANCH_GONE, false, false, "not known" },
	{ "development", 0, false, false, BRANCH_UNKNOWN, true, false, "isn't over" },
};

Test(gc, removes_only_environments_that_surely_ended)
{
	for (size_t i = 0; i < ARRAY_SIZE(environments); i++) {
		AUTO(arena) struct arena arena = { 0 };
		const struct environment e = { .id = "x-1",
					       .name = "x",
					       .project = "p",
					       .type = environments[i].type,
					       .expires = environments[i].expires,
					       .branched = environments[i].branched };
		const struct gc_environment g = { .e = &e,
						  .busy = environments[i].busy,
						  .branch = environments[i].branch };
		const struct gc_input in = { .now = NOW,
					     .expired_only = environments[i].expired_only,
					     .environments = &g,
					     .n_environments = 1 };
		size_t n;
		const struct gc_item *items = gc_decide(&arena, &in, &n);

		cr_assert_eq(n, 1);
		cr_expect_eq(items[0].remove, environments[i].remove, "row %zu", i);
		cr_expect_not_null(strstr(items[0].why, environments[i].why), "row %zu: %s", i,
				   items[0].why);
	}
}

static const struct {
	struct gc_image image;
	bool remove;
} images[] = {
	{ { .digest = "a", .name = "app-1", .made = 1, .referred = true }, false },
	{ { .digest = "b", .name = "app-2", .made = 1 }, true },
	{ { .digest = "c", .name = "app-3", .made = NOW - 60 }, false },
	{ { .digest = "d", .name = "base-php:8.2", .made = 1 }, false },
	{ { .digest = "e", .made = 1 }, true }, /* a base image that another one took the name of */
	{ { .digest = "f", .made = 1, .referred = true }, false },
};

Test(gc, keeps_images_that_something_needs_or_may_need_soon)
{
	for (size_t i = 0; i < ARRAY_SIZE(images); i++) {
		AUTO(arena) struct arena arena = { 0 };
		const struct gc_input in = { .now = NOW,
					     .images = &images[i].image,
					     .n_images = 1 };
		size_t n;
		const struct gc_item *items = gc_decide(&arena, &in, &n);

		cr_assert_eq(n, 1);
		cr_expect_eq(items[0].remove, images[i].remove, "row %zu: %s", i, items[0].why);
	}
}

Test(gc, removes_folders_by_age_unless_somebody_builds)
{
	const struct gc_folder folders[] = {
		{ "p.old", "/p.old", NOW - 100000, false },
		{ "p.new", "/p.new", NOW - 3700, false },
		{ "p.busy", "/p.busy", NOW - 100000, true },
	};
	const struct gc_input in = { .now = NOW,
				     .cache_age = 86400,
				     .caches = folders,
				     .n_caches = 3,
				     .scratch = folders,
				     .n_scratch = 3 };
	const bool removed[] = { true, false, false, true, true, false };
	AUTO(arena) struct arena arena = { 0 };
	size_t n;
	const struct gc_item *items = gc_decide(&arena, &in, &n);

	cr_assert_eq(n, 6);
	for (size_t i = 0; i < n; i++)
		cr_expect_eq(items[i].remove, removed[i], "item %zu", i);
}
