#include "orchestrator/backup.h"

#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "base/sha256.h"

#define SCHEMA "orch.backup/1"
#define FORMAT "tar+zstd"
#define LOWER "abcdefghijklmnopqrstuvwxyz0123456789-_"
#define NAME "ABCDEFGHIJKLMNOPQRSTUVWXYZ" LOWER "."
#define KEY NAME ":+@~"
#define NAME_MAX_BYTES 200
#define MAX_PARTS 4096

/* What is read; the first thing that is wrong is kept. */
struct reader {
	struct arena *arena;
	const char *name;
	struct error *err;
	bool bad;
};

static void refuse(struct reader *r, const char *what)
{
	if (!r->bad)
		fail(r->err, ERROR_INPUT, "%s: it is damaged, or no manifest of a backup: %s",
		     r->name, what);
	r->bad = true;
}

static const char *text(struct reader *r, const struct json_t *map, const char *key)
{
	const char *s = json_get_text(map, key, NULL);

	if (!s)
		refuse(r, key);
	return arena_strdup(r->arena, s ? s : "");
}

static int64_t number(struct reader *r, const struct json_t *map, const char *key, int64_t max)
{
	int64_t n = json_get_number(map, key, -1);

	if (n < 0 || n > max)
		refuse(r, key);
	return n < 0 || n > max ? 0 : n;
}

/* Part of a path: of these characters, and neither hidden nor a way up. */
static bool is_name(const char *s, const char *of)
{
	size_t len = strlen(s);

	return len > 0 && len <= NAME_MAX_BYTES && s[0] != '.' && s[0] != '-' &&
		strspn(s, of) == len;
}

static const char *name_of(struct reader *r, const struct json_t *map, const char *key,
			   const char *of)
{
	const char *s = text(r, map, key);

	if (!is_name(s, of))
		refuse(r, key);
	return s;
}

static const char *digest(struct reader *r, const struct json_t *map, const char *key)
{
	const char *s = text(r, map, key);

	if (strlen(s) != SHA256_HEX - 1 || strspn(s, "0123456789abcdef") != SHA256_HEX - 1)
		refuse(r, key);
	return s;
}

static void read_environment(struct reader *r, const struct json_t *map, struct backup *b)
{
	b->machine_name = name_of(r, map, "machine_name", LOWER);
	b->name = text(r, map, "name");
	b->type = text(r, map, "type");
	b->project = text(r, map, "project");
	b->project_id = name_of(r, map, "project_id", LOWER);
	b->folder = text(r, map, "folder");
}

static void read_volume(struct reader *r, const struct json_t *map, const struct backup *b,
			struct backup_volume *v)
{
	*v = (struct backup_volume){
		.container = name_of(r, map, "container", LOWER),
		.file = name_of(r, map, "file", NAME),
		.sha256 = digest(r, map, "sha256"),
		.bytes = (uint64_t)number(r, map, "bytes", INT64_MAX),
		.used = (uint64_t)number(r, map, "used", INT64_MAX),
		.limit = (uint64_t)number(r, map, "limit", INT64_MAX),
		.uid = (uint32_t)number(r, map, "uid", 65535),
		.gid = (uint32_t)number(r, map, "gid", 65535),
	};
	if (strcmp(json_get_text(map, "format", ""), FORMAT) != 0)
		refuse(r, "format");
	for (size_t i = 0; i < b->n_volumes; i++)
		if (!strcmp(b->volumes[i].container, v->container) ||
		    !strcmp(b->volumes[i].file, v->file))
			refuse(r, "a volume is there twice");
}

static int check_key(const char *key, struct json_t *facts, void *ctx)
{
	if (!is_name(key, KEY) || json_kind_of(facts) != KIND_MAP)
		refuse(ctx, "names");
	return 0;
}

static void read_image(struct reader *r, const struct json_t *map, const struct backup *b,
		       struct backup_image *image)
{
	*image = (struct backup_image){
		.digest = digest(r, map, "digest"),
		.file = json_get_text(map, "file", NULL) ? name_of(r, map, "file", NAME) : NULL,
		.bytes = (uint64_t)number(r, map, "bytes", INT64_MAX),
		.names = json_get(map, "names"),
	};
	if (json_kind_of(image->names) != KIND_MAP)
		refuse(r, "names");
	(void)json_each(image->names, check_key, r);
	for (size_t i = 0; i < b->n_images; i++)
		if (!strcmp(b->images[i].digest, image->digest))
			refuse(r, "an image is there twice");
}

static int check_secret(const char *key, struct json_t *secret, void *ctx)
{
	if (strlen(key) != SHA256_HEX - 1 || strspn(key, "0123456789abcdef") != SHA256_HEX - 1 ||
	    json_kind_of(secret) != KIND_TEXT)
		refuse(ctx, "secrets");
	return 0;
}

static void read_variables(struct reader *r, const struct json_t *json, struct backup *b)
{
	b->variables = json_get(json, "variables");
	b->secrets = json_get(json, "secrets");
	if (json_kind_of(b->variables) != KIND_LIST || json_kind_of(b->secrets) != KIND_MAP)
		refuse(r, "variables, secrets");
	for (size_t i = 0; i < json_count(b->variables); i++) {
		const char *scope = text(r, json_at(b->variables, i), "scope");

		(void)text(r, json_at(b->variables, i), "name");
		(void)text(r, json_at(b->variables, i), "value");
		if (strcmp(scope, "environment") != 0 && strcmp(scope, "project") != 0)
			refuse(r, "scope");
	}
	(void)json_each(b->secrets, check_secret, r);
	if (json_kind_of(json_get(json, "sealed")) == KIND_MAP)
		b->sealed = json_get(json, "sealed");
}

static void read_parts(struct reader *r, const struct json_t *json, struct backup *b)
{
	const struct json_t *volumes = json_get(json, "volumes");
	const struct json_t *images = json_get(json, "images");

	if (json_kind_of(volumes) != KIND_LIST || json_count(volumes) > MAX_PARTS ||
	    json_kind_of(images) != KIND_LIST || json_count(images) > MAX_PARTS) {
		refuse(r, "volumes, images");
		return;
	}
	b->volumes = arena_array(r->arena, json_count(volumes) + 1, sizeof(*b->volumes));
	for (size_t i = 0; i < json_count(volumes) && !r->bad; i++, b->n_volumes++)
		read_volume(r, json_at(volumes, i), b, &b->volumes[i]);
	b->images = arena_array(r->arena, json_count(images) + 1, sizeof(*b->images));
	for (size_t i = 0; i < json_count(images) && !r->bad; i++, b->n_images++)
		read_image(r, json_at(images, i), b, &b->images[i]);
}

/* Of everything but itself. */
static void digest_of(const struct json_t *json, char out[SHA256_HEX])
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *rest = json_copy_deep(json);
	const char *canonical;

	json_drop(rest, "sha256");
	canonical = json_print(&arena, rest, FORM_CANONICAL);
	sha256_of(canonical, strlen(canonical), out);
}

int backup_parse(struct arena *arena, const char *name, const char *data, size_t size,
		 struct backup *out, struct error *err)
{
	AUTO(json) struct json_t *json = json_parse(name, data, size, err);
	struct reader r = { .arena = arena, .name = name, .err = err };
	struct backup b = { 0 };
	char hex[SHA256_HEX];

	if (!json)
		return -1;
	if (json_kind_of(json) != KIND_MAP ||
	    strcmp(json_get_text(json, "schema", ""), SCHEMA) != 0)
		return fail(err, ERROR_INPUT,
			    "%s: no manifest of a backup that this orch knows (%s)", name, SCHEMA);
	digest_of(json, hex);
	if (strcmp(json_get_text(json, "sha256", ""), hex) != 0)
		return fail(err, ERROR_SYSTEM, "%s is damaged: it is not what was written", name);
	b.id = name_of(&r, json, "id", NAME);
	b.made = number(&r, json, "made", INT64_MAX);
	read_environment(&r, json_get(json, "environment"), &b);
	b.entropy = text(&r, json, "entropy");
	b.generation = number(&r, json, "generation", INT64_MAX);
	b.commit = text(&r, json, "commit");
	b.subject = text(&r, json, "subject");
	b.document = json_get(json, "document");
	if (json_kind_of(json_get(b.document, "containers")) != KIND_MAP)
		refuse(&r, "document");
	read_parts(&r, json, &b);
	read_variables(&r, json, &b);
	if (r.bad)
		return -1;
	b.json = TAKE_PTR(json);
	*out = b;
	return 0;
}

void backup_close(struct backup *b)
{
	json_free(b->json);
	*b = (struct backup){ 0 };
}

static struct json_t *volumes_json(const struct backup *b)
{
	struct json_t *list = json_new_list();

	for (size_t i = 0; i < b->n_volumes; i++) {
		const struct backup_volume *v = &b->volumes[i];
		struct json_t *map = json_add(list, json_new_map());

		json_put_text(map, "container", v->container);
		json_put_text(map, "file", v->file);
		json_put_text(map, "format", FORMAT);
		json_put_number(map, "bytes", (int64_t)v->bytes);
		json_put_text(map, "sha256", v->sha256);
		json_put_number(map, "used", (int64_t)v->used);
		json_put_number(map, "limit", (int64_t)v->limit);
		json_put_number(map, "uid", v->uid);
		json_put_number(map, "gid", v->gid);
	}
	return list;
}

static struct json_t *images_json(const struct backup *b)
{
	struct json_t *list = json_new_list();

	for (size_t i = 0; i < b->n_images; i++) {
		struct json_t *map = json_add(list, json_new_map());

		json_put_text(map, "digest", b->images[i].digest);
		json_put_text(map, "file", b->images[i].file);
		json_put_number(map, "bytes", (int64_t)b->images[i].bytes);
		json_put(map, "names", json_copy_deep(b->images[i].names));
	}
	return list;
}

char *backup_print(struct arena *arena, const struct backup *b)
{
	AUTO(json) struct json_t *json = json_new_map();
	struct json_t *environment;
	char hex[SHA256_HEX];

	json_put_text(json, "schema", SCHEMA);
	json_put_text(json, "id", b->id);
	json_put_number(json, "made", b->made);
	environment = json_put(json, "environment", json_new_map());
	json_put_text(environment, "machine_name", b->machine_name);
	json_put_text(environment, "name", b->name);
	json_put_text(environment, "type", b->type);
	json_put_text(environment, "project", b->project);
	json_put_text(environment, "project_id", b->project_id);
	json_put_text(environment, "folder", b->folder);
	json_put_text(json, "entropy", b->entropy);
	json_put_number(json, "generation", b->generation);
	json_put_text(json, "commit", b->commit);
	json_put_text(json, "subject", b->subject);
	json_put(json, "document", json_copy_deep(b->document));
	json_put(json, "volumes", volumes_json(b));
	json_put(json, "images", images_json(b));
	json_put(json, "variables", json_copy_deep(b->variables));
	json_put(json, "secrets", json_copy_deep(b->secrets));
	json_put(json, "sealed", b->sealed ? json_copy_deep(b->sealed) : NULL);
	digest_of(json, hex);
	json_put_text(json, "sha256", hex);
	return json_print(arena, json, FORM_PRETTY);
}

const struct backup_volume *backup_find_volume(const struct backup *b, const char *container)
{
	for (size_t i = 0; i < b->n_volumes; i++)
		if (!strcmp(b->volumes[i].container, container))
			return &b->volumes[i];
	return NULL;
}
