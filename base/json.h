/*
 * json.h - the one face of JSON, by jansson, its only user
 *
 * A value is owned by who made or parsed it (AUTO(json)); putting it into an
 * object or array gives it away. What json_get(), json_at() return is borrowed
 * from its parent. Reading functions take NULL for "not there" and answer with
 * the given default, so that nested reads need no checks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct error;
struct json_t;

enum json_kind { KIND_NONE, KIND_MAP, KIND_LIST, KIND_TEXT, KIND_NUMBER, KIND_FLAG, KIND_NULL };

struct json_t *json_new_map(void);
struct json_t *json_new_list(void);
struct json_t *json_new_text(const char *s); /* NULL makes null; invalid UTF-8 is replaced by '?' */
struct json_t *json_new_number(int64_t value);
struct json_t *json_new_real(double value);
struct json_t *json_new_flag(bool value);
struct json_t *json_new_null(void);
struct json_t *json_copy_deep(const struct json_t *value); /* NULL gives NULL */
void json_free(struct json_t *value);			   /* NULL is fine */

static inline void auto_json(struct json_t **value)
{
	json_free(*value);
}

/* value is taken, also when it is replaced later. A NULL value puts null. Returns value. */
struct json_t *json_put(struct json_t *map, const char *key, struct json_t *value);
void json_put_text(struct json_t *map, const char *key, const char *s);
void json_put_number(struct json_t *map, const char *key, int64_t value);
void json_put_flag(struct json_t *map, const char *key, bool value);
void json_drop(struct json_t *map, const char *key);
struct json_t *json_add(struct json_t *list, struct json_t *value);

enum json_kind json_kind_of(const struct json_t *value);	    /* NULL: KIND_NONE */
struct json_t *json_get(const struct json_t *map, const char *key); /* NULL when absent */
/* json_path(v, "a", "b", NULL) is v["a"]["b"], or NULL. */
struct json_t *json_path(const struct json_t *value, ...) __attribute__((sentinel));
size_t json_count(const struct json_t *value); /* members of a map or list, else 0 */
struct json_t *json_at(const struct json_t *list, size_t i);
const char *json_text(const struct json_t *value, const char *otherwise);
int64_t json_number(const struct json_t *value, int64_t otherwise);
bool json_flag(const struct json_t *value, bool otherwise);
const char *json_get_text(const struct json_t *map, const char *key, const char *otherwise);
int64_t json_get_number(const struct json_t *map, const char *key, int64_t otherwise);
bool json_get_flag(const struct json_t *map, const char *key, bool otherwise);
bool json_same(const struct json_t *a, const struct json_t *b);

/*
 * The keys of a map sorted by byte value, in the arena; *n of them. A map keeps
 * the order of insertion (json_each), which matters where a manifest's does.
 */
const char **json_keys(struct arena *arena, const struct json_t *map, size_t *n);

/* Each member of a map in order of insertion: json_each(map, fn, ctx) until fn returns nonzero. */
int json_each(const struct json_t *map, int (*fn)(const char *key, struct json_t *value, void *ctx),
	      void *ctx);

/*
 * Parse one document. name is for messages: "name:line:col: why". Depth and
 * size are bounded by jansson (2048 levels) and by the caller.
 */
struct json_t *json_parse(const char *name, const char *data, size_t size, struct error *err);

/*
 * As text, in the arena. FORM_CANONICAL: keys sorted, compact, the same bytes
 * for the same value; the others keep the order of insertion.
 */
enum json_form { FORM_CANONICAL, FORM_COMPACT, FORM_PRETTY };
char *json_print(struct arena *arena, const struct json_t *value, enum json_form form);
