#include <criterion/criterion.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"

static struct json_t *parse(const char *text)
{
	struct error err = { 0 };
	struct json_t *value = json_parse("test", text, strlen(text), &err);

	cr_assert_not_null(value, "%s", err.text);
	return value;
}

Test(json, reads_with_defaults)
{
	AUTO(json) struct json_t *v = parse("{\"a\":{\"b\":7,\"s\":\"x\",\"f\":true},\"l\":[1,2]}");
	const struct json_t *a = json_get(v, "a");

	cr_expect_eq(json_get_number(a, "b", 1), 7);
	cr_expect_eq(json_get_number(a, "none", 1), 1);
	cr_expect_eq(json_get_number(a, "s", 1), 1, "the wrong type counts as not there");
	cr_expect_str_eq(json_get_text(a, "s", "d"), "x");
	cr_expect_str_eq(json_get_text(a, "b", "d"), "d");
	cr_expect(json_get_flag(a, "f", false));
	cr_expect(json_get_flag(NULL, "f", true));
	cr_expect_eq(json_number(json_path(v, "a", "b", NULL), 0), 7);
	cr_expect_null(json_path(v, "a", "b", "c", NULL));
	cr_expect_null(json_path(NULL, "a", NULL));
	cr_expect_eq(json_number(json_at(json_get(v, "l"), 1), 0), 2);
	cr_expect_null(json_at(json_get(v, "l"), 2));
	cr_expect_null(json_at(NULL, 0));
	cr_expect_eq(json_count(json_get(v, "l")), 2);
	cr_expect_eq(json_count(a), 3);
	cr_expect_eq(json_count(NULL), 0);
}

Test(json, kinds)
{
	static const struct {
		const char *text;
		enum json_kind kind;
	} cases[] = {
		{ "{}", KIND_MAP },	{ "[]", KIND_LIST },	{ "\"\"", KIND_TEXT },
		{ "1", KIND_NUMBER },	{ "1.5", KIND_NUMBER }, { "true", KIND_FLAG },
		{ "false", KIND_FLAG }, { "null", KIND_NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO(json) struct json_t *v = parse(cases[i].text);

		cr_expect_eq(json_kind_of(v), cases[i].kind, "%s", cases[i].text);
	}
	cr_expect_eq(json_kind_of(NULL), KIND_NONE);
}

Test(json, canonical_is_independent_of_order)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *a = parse("{\"b\": 1, \"a\": {\"d\": [1, 2], \"c\": null}}");
	AUTO(json) struct json_t *b = parse("{\"a\": {\"c\": null, \"d\": [1, 2]}, \"b\": 1}");
	AUTO(json) struct json_t *other = parse("{\"a\": {\"c\": null, \"d\": [2, 1]}, \"b\": 1}");

	cr_expect(json_same(a, b));
	cr_expect_not(json_same(a, other));
	cr_expect(json_same(NULL, NULL));
	cr_expect_not(json_same(a, NULL));
	cr_expect_str_eq(json_print(&arena, a, FORM_CANONICAL),
			 json_print(&arena, b, FORM_CANONICAL));
	cr_expect_str_eq(json_print(&arena, a, FORM_CANONICAL),
			 "{\"a\":{\"c\":null,\"d\":[1,2]},\"b\":1}");
	cr_expect_str_eq(json_print(&arena, a, FORM_COMPACT),
			 "{\"b\":1,\"a\":{\"d\":[1,2],\"c\":null}}");
}

Test(json, builds)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *v = json_new_map();
	struct json_t *list = json_put(v, "list", json_new_list());

	json_put_text(v, "t", "one");
	json_put_text(v, "t", "two");
	json_put_number(v, "n", INT64_MIN);
	json_put_flag(v, "f", false);
	json_put(v, "null", NULL);
	json_put_text(v, "none", NULL);
	json_add(list, json_new_text("bad \xff\xc3\xa4"));
	json_add(list, NULL);
	json_put_number(v, "gone", 1);
	json_drop(v, "gone");
	json_drop(v, "never there");
	cr_expect_str_eq(json_print(&arena, v, FORM_CANONICAL),
			 "{\"f\":false,\"list\":[\"bad ???\",null],\"n\":-9223372036854775808,"
			 "\"none\":null,\"null\":null,\"t\":\"two\"}");
}

static int collect(const char *key, struct json_t *value, void *ctx)
{
	strcat(ctx, key);
	return json_number(value, 0) == 2;
}

Test(json, walks_in_order_of_insertion)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *v = parse("{\"z\":1,\"b\":2,\"a\":3}");
	char seen[16] = "";
	const char **keys;
	size_t n;

	cr_expect_eq(json_each(v, collect, seen), 1, "stops at the first nonzero answer");
	cr_expect_str_eq(seen, "zb");
	keys = json_keys(&arena, v, &n);
	cr_assert_eq(n, 3);
	cr_expect_str_eq(keys[0], "a");
	cr_expect_str_eq(keys[2], "z");
	json_keys(&arena, NULL, &n);
	cr_expect_eq(n, 0);
}

Test(json, refuses_with_the_place)
{
	static const char *const bad[] = { "", "{", "{\"a\":1,\"a\":2}", "[1] x", "{\"a\":}" };
	struct error err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		cr_expect_null(json_parse("f.json", bad[i], strlen(bad[i]), &err));
		cr_expect_eq(err.kind, ERROR_INPUT);
		cr_expect_eq(strncmp(err.text, "f.json:", 7), 0, "%s", err.text);
	}
	cr_expect_null(json_parse("f.json", "{\n  \"a\": x}", 12, &err));
	cr_expect_eq(strncmp(err.text, "f.json:2:", 9), 0, "%s", err.text);
}

Test(json, copies_are_deep)
{
	AUTO(json) struct json_t *v = parse("{\"a\":{\"b\":1}}");
	AUTO(json) struct json_t *copy = json_copy_deep(v);

	json_put_number(json_get(copy, "a"), "b", 2);
	cr_expect_eq(json_number(json_path(v, "a", "b", NULL), 0), 1);
	cr_expect_null(json_copy_deep(NULL));
}
