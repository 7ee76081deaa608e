/* The tables, the manual, and the codes belong together. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <fcntl.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "manifests/codes.h"
#include "manifests/format.h"

#define TOP TEST_DATA "/../.."

static char *read_all(struct arena *arena, const char *path)
{
	struct error err;
	char *text;

	cr_assert_eq(file_read(arena, AT_FDCWD, path, 1 << 20, &text, NULL, &err), 0, "%s", path);
	return text;
}

struct manual {
	const char *text;
	size_t n;
};

static void look_up(void *ctx, const char *path, const struct key *key)
{
	struct manual *m = ctx;
	AUTO(arena) struct arena arena = { 0 };

	m->n++;
	cr_expect(strstr(m->text, arena_printf(&arena, "*%s*", key->name)) != NULL,
		  "%s is not in orch-manifest(5)", path);
	cr_expect_not_null(key->about, "%s: an editor has nothing to show", path);
}

Test(format, manual)
{
	AUTO(arena) struct arena arena = { 0 };
	struct manual m = { read_all(&arena, TOP "/docs/orch-manifest.5.scd"), 0 };

	format_each(&format_app, look_up, &m);
	format_each(&format_services, look_up, &m);
	format_each(&format_routes, look_up, &m);
	cr_expect_gt(m.n, 200);
}

Test(format, schemas)
{
	static const struct key *const keys[] = { &format_app, &format_services, &format_routes };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		AUTO(json) struct json_t *schema = format_schema(keys[i], "x");

		cr_expect_str_eq(json_get_text(schema, "$schema", ""),
				 "https://json-schema.org/draft/2020-12/schema");
		cr_expect_str_eq(json_get_text(schema, "title", ""), "x");
	}
}

/* "E0203" in the sources: all of them are explained, and nothing else is. */
static void find_codes(struct arena *arena, const char *path, struct json_t *used)
{
	const char *text = read_all(arena, path);

	for (const char *s = text; (s = strchr(s, '"')) != NULL; s++) {
		const char *c = s + 1;
		bool code = (*c == 'E' || *c == 'W' || *c == 'N') && c[1] == '0' && isdigit(c[2]) &&
			isdigit(c[3]) && isdigit(c[4]) && c[5] == '"';

		if (code)
			json_put_flag(used, arena_strndup(arena, c, 5), true);
	}
}

Test(format, codes)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *used = json_new_map();
	const char **names;
	struct error err;
	size_t n;

	cr_assert_eq(file_list(&arena, TOP "/manifests", &names, &n, &err), 0);
	for (size_t i = 0; i < n; i++)
		if (text_ends(names[i], ".c") && strcmp(names[i], "codes.c") != 0)
			find_codes(&arena, arena_printf(&arena, TOP "/manifests/%s", names[i]),
				   used);
	names = json_keys(&arena, used, &n);
	cr_expect_gt(n, 40);
	for (size_t i = 0; i < n; i++)
		cr_expect_not_null(codes_find(names[i]), "%s is not explained", names[i]);
	for (size_t i = 0; i < n_codes; i++)
		cr_expect_not_null(json_get(used, codes[i].code), "%s is never said",
				   codes[i].code);
	cr_expect_eq(codes_find("e0203"), codes_find("E0203"));
	cr_expect_null(codes_find("E9999"));
}
