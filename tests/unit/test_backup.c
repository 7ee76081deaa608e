#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "base/sha256.h"
#include "orchestrator/backup.h"

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct json_t *parse_json(const char *text)
{
	struct error err;
	struct json_t *json = json_parse("test", text, strlen(text), &err);

	cr_assert(json, "%s", err.text);
	return json;
}

static char *sound(struct arena *arena)
{
	static struct backup_volume volumes[] = {
		{ "db", "volume-db.tar.zst", DIGEST, 1000, 4096, 256000000, 999, 999 },
		{ "web", "volume-web.tar.zst", DIGEST, 0, 0, 0, 0, 65535 },
	};
	AUTO(json)
	struct json_t *document = parse_json(
		"{\"containers\": {\"db\": {\"x\": 0.25, \"y\": \"\\u00e4\\n\"}}, \"format\": 1}");
	AUTO(json) struct json_t *names = parse_json("{\"base-php:8.2\": {\"digest\": \"x\"}}");
	AUTO(json) struct json_t *none = json_new_map();
	AUTO(json)
	struct json_t *variables =
		parse_json("[{\"scope\": \"project\", \"name\": \"env:A\", \"value\": \"\"}]");
	AUTO(json) struct json_t *secrets = parse_json("{\"" DIGEST "\": \"hidden\"}");
	struct backup_image images[] = {
		{ DIGEST, "image-x.sqfs", 5, names },
		{ "f123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", NULL, 7,
		  none },
	};
	const struct backup b = {
		.id = "main-ab22cd3-20261124T221008Z-k3x2qa",
		.made = 1795559412,
		.machine_name = "main-ab22cd3",
		.name = "feature/\"quoted\"",
		.type = "production",
		.project = "shop",
		.project_id = "abcdefghijklm",
		.folder = "/srv/shop",
		.entropy = "secret",
		.generation = 42,
		.commit = "",
		.subject = "A shop",
		.document = document,
		.variables = variables,
		.secrets = secrets,
		.volumes = volumes,
		.n_volumes = ARRAY_SIZE(volumes),
		.images = images,
		.n_images = ARRAY_SIZE(images),
	};

	return backup_print(arena, &b);
}

Test(backup, what_is_printed_is_what_is_read)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(backup) struct backup b = { 0 };
	const char *text = sound(&arena);
	struct error err;

	cr_assert_eq(backup_parse(&arena, "m", text, strlen(text), &b, &err), 0, "%s", err.text);
	cr_expect_str_eq(b.name, "feature/\"quoted\"");
	cr_expect_str_eq(b.entropy, "secret");
	cr_expect_eq(b.generation, 42);
	cr_assert_eq(b.n_volumes, 2);
	cr_expect_eq(backup_find_volume(&b, "db")->limit, 256000000);
	cr_expect_eq(backup_find_volume(&b, "web")->gid, 65535);
	cr_expect_null(backup_find_volume(&b, "cache"));
	cr_assert_eq(b.n_images, 2);
	cr_expect_null(b.images[1].file);
	cr_expect_str_eq(backup_print(&arena, &b), text);
}

/* No byte of it can be changed without being noticed: but for white space, which means nothing. */
Test(backup, every_flipped_bit_is_noticed)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *text = sound(&arena);
	size_t size = strlen(text);

	for (size_t i = 0; i < size; i++) {
		AUTO(backup) struct backup b = { 0 };
		char *copy = arena_strndup(&arena, text, size);
		struct error err = { 0 };

		if (strchr(" \n", copy[i]))
			continue;
		copy[i] ^= 1;
		cr_expect_eq(backup_parse(&arena, "m", copy, size, &b, &err), -1,
			     "byte %zu, '%c' for '%c'", i, copy[i], text[i]);
	}
}

/* With a digest that is right: what somebody may have made by hand. */
static int parse_changed(struct arena *arena, struct json_t *json, struct error *err)
{
	AUTO(backup) struct backup b = { 0 };
	char hex[SHA256_HEX];
	const char *text;

	json_drop(json, "sha256");
	text = json_print(arena, json, FORM_CANONICAL);
	sha256_of(text, strlen(text), hex);
	json_put_text(json, "sha256", hex);
	text = json_print(arena, json, FORM_PRETTY);
	return backup_parse(arena, "m", text, strlen(text), &b, err);
}

Test(backup, unsafe_names_are_refused)
{
	static const struct {
		const char *list, *key, *value;
	} bad[] = {
		{ "volumes", "container", "../../etc" },
		{ "volumes", "container", "a/b" },
		{ "volumes", "container", "" },
		{ "volumes", "container", "web" },
		{ "volumes", "file", "../x" },
		{ "volumes", "file", "/etc/passwd" },
		{ "volumes", "file", ".hidden" },
		{ "volumes", "file", "-option" },
		{ "volumes", "file", "a\nb" },
		{ "volumes", "sha256", "abc" },
		{ "volumes", "format", "cpio" },
		{ "images", "digest", "../x" },
		{ "images", "file", "a/b" },
		{ NULL, "id", "../x" },
		{ NULL, "schema", "orch.backup/2" },
	};
	AUTO(arena) struct arena arena = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		AUTO(json) struct json_t *json = parse_json(sound(&arena));
		struct json_t *at = bad[i].list ? json_at(json_get(json, bad[i].list), 0) : json;
		struct error err = { 0 };

		cr_assert_eq(parse_changed(&arena, json, &err), 0, "%s", err.text);
		json_put_text(at, bad[i].key, bad[i].value);
		cr_expect_eq(parse_changed(&arena, json, &err), -1, "%s: %s", bad[i].key,
			     bad[i].value);
		cr_expect_eq(err.kind, ERROR_INPUT);
	}
}

Test(backup, wrong_shapes_are_refused)
{
	static const char *const keys[] = { "id",	  "made",   "environment", "entropy",
					    "generation", "commit", "subject",	   "document",
					    "volumes",	  "images", "variables",   "secrets" };
	static const char *const numbers[] = { "bytes", "used", "limit", "uid", "gid" };
	AUTO(arena) struct arena arena = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		AUTO(json) struct json_t *json = parse_json(sound(&arena));
		struct error err = { 0 };

		json_put(json, keys[i], json_new_flag(true));
		cr_expect_eq(parse_changed(&arena, json, &err), -1, "%s", keys[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		AUTO(json) struct json_t *json = parse_json(sound(&arena));
		struct error err = { 0 };

		json_put_number(json_at(json_get(json, "volumes"), 1), numbers[i], -1);
		cr_expect_eq(parse_changed(&arena, json, &err), -1, "%s", numbers[i]);
	}
}
