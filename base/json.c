#include "base/json.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"

static json_t *made(json_t *value)
{
	if (!value)
		abort();
	return value;
}

json_t *json_new_map(void)
{
	return made(json_object());
}

json_t *json_new_list(void)
{
	return made(json_array());
}

json_t *json_new_text(const char *s)
{
	AUTO(free) char *plain = NULL;
	json_t *value;

	if (!s)
		return json_null();
	value = json_string(s);
	if (value)
		return value;
	plain = strdup(s);
	if (!plain)
		abort();
	for (char *p = plain; *p; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	return made(json_string(plain));
}

json_t *json_new_number(int64_t value)
{
	return made(json_integer(value));
}

json_t *json_new_real(double value)
{
	return made(json_real(value));
}

json_t *json_new_flag(bool value)
{
	return json_boolean(value);
}

json_t *json_new_null(void)
{
	return json_null();
}

json_t *json_copy_deep(const json_t *value)
{
	return value ? made(json_deep_copy(value)) : NULL;
}

void json_free(json_t *value)
{
	json_decref(value);
}

json_t *json_put(json_t *map, const char *key, json_t *value)
{
	if (!value)
		value = json_null();
	if (json_object_set_new(map, key, value) < 0)
		abort();
	return value;
}

void json_put_text(json_t *map, const char *key, const char *s)
{
	json_put(map, key, json_new_text(s));
}

void json_put_number(json_t *map, const char *key, int64_t value)
{
	json_put(map, key, json_new_number(value));
}

void json_put_flag(json_t *map, const char *key, bool value)
{
	json_put(map, key, json_new_flag(value));
}

void json_drop(json_t *map, const char *key)
{
	(void)json_object_del(map, key);
}

json_t *json_add(json_t *list, json_t *value)
{
	if (!value)
		value = json_null();
	if (json_array_append_new(list, value) < 0)
		abort();
	return value;
}

enum json_kind json_kind_of(const json_t *value)
{
	if (!value)
		return KIND_NONE;
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return KIND_MAP;
	case JSON_ARRAY:
		return KIND_LIST;
	case JSON_STRING:
		return KIND_TEXT;
	case JSON_INTEGER:
	case JSON_REAL:
		return KIND_NUMBER;
	case JSON_TRUE:
	case JSON_FALSE:
		return KIND_FLAG;
	case JSON_NULL:
		return KIND_NULL;
	}
	abort();
}

json_t *json_get(const json_t *map, const char *key)
{
	return json_object_get(map, key);
}

json_t *json_path(const json_t *value, ...)
{
	json_t *at = (json_t *)(uintptr_t)value;
	const char *key;
	va_list ap;

	va_start(ap, value);
	while (at && (key = va_arg(ap, const char *)))
		at = json_object_get(at, key);
	va_end(ap);
	return at;
}

size_t json_count(const json_t *value)
{
	return json_is_array(value) ? json_array_size(value) : json_object_size(value);
}

json_t *json_at(const json_t *list, size_t i)
{
	return json_array_get(list, i);
}

const char *json_text(const json_t *value, const char *otherwise)
{
	return json_is_string(value) ? json_string_value(value) : otherwise;
}

int64_t json_number(const json_t *value, int64_t otherwise)
{
	return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

bool json_flag(const json_t *value, bool otherwise)
{
	return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

const char *json_get_text(const json_t *map, const char *key, const char *otherwise)
{
	return json_text(json_object_get(map, key), otherwise);
}

int64_t json_get_number(const json_t *map, const char *key, int64_t otherwise)
{
	return json_number(json_object_get(map, key), otherwise);
}

bool json_get_flag(const json_t *map, const char *key, bool otherwise)
{
	return json_flag(json_object_get(map, key), otherwise);
}

bool json_same(const json_t *a, const json_t *b)
{
	return a == b || (a && b && json_equal(a, b));
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **json_keys(struct arena *arena, const json_t *map, size_t *n)
{
	const char **keys = arena_array(arena, json_object_size(map) + 1, sizeof(*keys));
	json_t *object = (json_t *)(uintptr_t)map;
	size_t count = 0;

	for (void *it = json_object_iter(object); it; it = json_object_iter_next(object, it))
		keys[count++] = json_object_iter_key(it);
	if (count)
		qsort(keys, count, sizeof(*keys), by_name);
	*n = count;
	return keys;
}

int json_each(const json_t *map, int (*fn)(const char *key, json_t *value, void *ctx), void *ctx)
{
	json_t *object = (json_t *)(uintptr_t)map;

	for (void *it = json_object_iter(object); it; it = json_object_iter_next(object, it)) {
		int r = fn(json_object_iter_key(it), json_object_iter_value(it), ctx);

		if (r)
			return r;
	}
	return 0;
}

json_t *json_parse(const char *name, const char *data, size_t size, struct error *err)
{
	json_error_t why;
	json_t *value = json_loadb(data, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);

	if (!value)
		fail(err, ERROR_INPUT, "%s:%d:%d: %s", name, why.line, why.column, why.text);
	return value;
}

char *json_print(struct arena *arena, const json_t *value, enum json_form form)
{
	static const size_t flags[] = {
		[FORM_CANONICAL] = JSON_COMPACT | JSON_SORT_KEYS,
		[FORM_COMPACT] = JSON_COMPACT,
		[FORM_PRETTY] = JSON_INDENT(2),
	};
	AUTO(free) char *text = json_dumps(value, flags[form] | JSON_ENCODE_ANY);

	if (!text)
		abort();
	return arena_strdup(arena, text);
}
