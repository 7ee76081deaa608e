/* web.locations: read straight into JSON, because nobody but the image's configure hook looks at it. */
#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/json.h"
#include "base/text.h"
#include "manifests/parts.h"
#include "manifests/pattern.h"
#include "manifests/scalar.h"
#include "manifests/schema.h"
#include "manifests/tree.h"

/* A documented default of the format is false for a location that is written, true where none is. */
#define PASSTHRU_DEFAULT false
#define REQUEST_MAX (250ll << 20)

/* "90", "10m", "-1": a number and its unit; *unit is the rest. */
static bool split_number(const char *text, uint64_t *number, const char **unit)
{
	size_t digits = strspn(text, "0123456789");
	char copy[20];

	if (!digits || digits >= sizeof(copy))
		return false;
	memcpy(copy, text, digits);
	copy[digits] = '\0';
	*unit = text + digits;
	return text_to_u64(copy, UINT32_MAX, number) == 0;
}

/* As text with the unit s or ms, "-1s" for never: the form of the format's own JSON. */
static void read_expires(struct problems *p, const struct node *n, void *out)
{
	static const struct {
		const char *unit;
		uint64_t seconds;
	} units[] = { { "", 1 },      { "s", 1 },      { "m", 60 },	 { "h", 3600 },
		      { "d", 86400 }, { "w", 604800 }, { "M", 2592000 }, { "y", 31536000 } };
	const char *unit, *text = read_raw(p, n);
	uint64_t number;

	if (!text)
		return;
	if (!strcmp(text, "-1") || !strcmp(text, "-1s")) {
		json_put_text(out, "expires", "-1s");
		return;
	}
	if (split_number(text, &number, &unit)) {
		if (!strcmp(unit, "ms")) {
			json_put_text(out, "expires", text);
			return;
		}
		for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
			if (strcmp(unit, units[i].unit) != 0)
				continue;
			json_put_text(out, "expires",
				      arena_printf(p->arena, "%" PRIu64 "s",
						   (uint64_t)number * (uint64_t)units[i].seconds));
			return;
		}
	}
	wrong_value(p, n, "\"expires\" must be -1 or a time")->hint =
		"such as 600, 10m, 24h, 30d; units: ms s m h d w M y";
}

static void read_passthru(struct problems *p, const struct node *n, void *out)
{
	bool flag;

	if (node_flag(n, &flag))
		json_put_flag(out, "passthru", flag);
	else if (n->kind != NODE_SCALAR)
		(void)wrong_type(p, n, "true, false or a path");
	else if (*n->text != '/')
		wrong_value(p, n,
			    "\"passthru\" must be true, false or a path that starts with \"/\"")
			->hint = "such as /index.php";
	else
		json_put_text(out, "passthru", n->text);
}

static void read_headers(struct problems *p, const struct node *n, void *out)
{
	struct json_t *headers = json_put(out, "headers", json_new_map());

	for (const struct node *m = map_members(p, n); m; m = m->next) {
		const char *value = read_raw(p, m);

		if (strspn(m->key,
			   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			   "-_") != strlen(m->key) ||
		    !*m->key)
			(void)problem_add(p, PROBLEM_ERROR, "E0207", m->key_at,
					  "\"%s\" can't be the name of a header", m->key);
		else if (value && strpbrk(value, "\r\n"))
			(void)wrong_value(p, m, "a header has one line");
		else if (value)
			json_put_text(headers, m->key, value);
	}
}

/* Also keeps a location from reaching out of the app. */
static void read_root(struct problems *p, const struct node *n, void *out)
{
	const char *text = read_raw(p, n);
	size_t len;

	if (!text)
		return;
	if (strstr(text, "..")) {
		(void)wrong_value(p, n, "\"root\" must be a folder in the app, without \"..\"");
		return;
	}
	text += strspn(text, "/");
	len = strlen(text);
	while (len && text[len - 1] == '/')
		len--;
	json_put_text(out, "root", arena_strndup(p->arena, text, len));
}

static void read_index(struct problems *p, const struct node *n, void *out)
{
	struct json_t *list = json_put(out, "index", json_new_list());

	for (const struct node *m = list_members(p, n); m; m = m->next) {
		const char *text = read_text(p, m);

		if (text)
			json_add(list, json_new_text(text));
	}
}

static void read_json_flag(struct problems *p, const struct node *n, void *out)
{
	bool flag;

	if (read_flag(p, n, &flag))
		json_put_flag(out, n->key, flag);
}

static void read_max_size(struct problems *p, const struct node *n, void *out)
{
	static const char letters[] = "kmg";
	const char *unit, *text = read_raw(p, n);
	const char *letter;
	uint64_t number;

	if (!text)
		return;
	if (split_number(text, &number, &unit)) {
		letter = *unit ? strchr(letters, *unit | 0x20) : NULL;
		if (!*unit || (letter && *letter && !unit[1])) {
			if (letter)
				number <<= 10 * (letter - letters + 1);
			json_put_number(out, "max_request_size", (int64_t)number);
			return;
		}
	}
	wrong_value(p, n, "\"max_request_size\" must be a size")->hint = "such as 250m";
}

static void read_buffering(struct problems *p, const struct node *n, void *out)
{
	static const struct field fields[] = {
		{ "enabled", FIELD_CALL, .call = read_json_flag },
		{ "max_request_size", FIELD_CALL, .call = read_max_size },
	};

	(void)fields_read(p, n, fields, ARRAY_SIZE(fields), json_get(out, "request_buffering"));
}

#define RULE_FIELDS                                                \
	{ "allow", FIELD_CALL, .call = read_json_flag },           \
		{ "scripts", FIELD_CALL, .call = read_json_flag }, \
		{ "expires", FIELD_CALL, .call = read_expires },   \
		{ "passthru", FIELD_CALL, .call = read_passthru }, \
	{                                                          \
		"headers", FIELD_CALL, .call = read_headers        \
	}

/* What a rule doesn't say is as in its location; that has been read then, whatever the order in the file. */
static void read_rules(struct problems *p, const struct node *n, struct json_t *location)
{
	static const struct field fields[] = { RULE_FIELDS };
	static const char *const inherited[] = { "allow", "scripts", "expires", "passthru",
						 "headers" };
	struct json_t *rules = json_get(location, "rules");

	for (const struct node *m = map_members(p, n); m; m = m->next) {
		struct json_t *rule = json_put(rules, m->key, json_new_map());
		size_t at;
		const char *why = pattern_check(p->arena, m->key, &at);

		if (why)
			(void)problem_add(p, PROBLEM_ERROR, "E0208", m->key_at,
					  "not a regular expression: %s, at character %zu", why,
					  at + 1);
		for (size_t i = 0; i < ARRAY_SIZE(inherited); i++)
			json_put(rule, inherited[i],
				 json_copy_deep(json_get(location, inherited[i])));
		if (!node_is_null(m))
			(void)fields_read(p, m, fields, ARRAY_SIZE(fields), rule);
	}
}

static void skip_rules(struct problems *p, const struct node *n, void *out)
{
	(void)p;
	(void)n;
	(void)out;
}

static struct json_t *new_location(bool passthru)
{
	struct json_t *l = json_new_map();
	struct json_t *buffering;

	json_put(l, "root", NULL);
	json_put_flag(l, "passthru", passthru);
	json_put(l, "index", NULL);
	json_put_text(l, "expires", "-1s");
	json_put_flag(l, "allow", true);
	json_put_flag(l, "scripts", true);
	json_put(l, "headers", json_new_map());
	buffering = json_put(l, "request_buffering", json_new_map());
	json_put_flag(buffering, "enabled", true);
	json_put_number(buffering, "max_request_size", REQUEST_MAX);
	json_put(l, "rules", json_new_map());
	return l;
}

struct json_t *locations_read(struct problems *p, const struct node *map)
{
	static const struct field fields[] = {
		{ "root", FIELD_CALL, .call = read_root },
		{ "index", FIELD_CALL, .call = read_index },
		{ "request_buffering", FIELD_CALL, .call = read_buffering },
		{ "rules", FIELD_CALL, .call = skip_rules },
		RULE_FIELDS,
	};
	struct json_t *locations = json_new_map();

	for (const struct node *m = map_members(p, map); m; m = m->next) {
		struct json_t *location =
			json_put(locations, m->key, new_location(PASSTHRU_DEFAULT));
		const struct node *rules = tree_get(m, "rules");

		if (*m->key != '/')
			problem_add(p, PROBLEM_ERROR, "E0207", m->key_at,
				    "a location must start with \"/\"")
				->hint = arena_printf(p->arena, "write \"/%s\"", m->key);
		if (!node_is_null(m))
			(void)fields_read(p, m, fields, ARRAY_SIZE(fields), location);
		if (rules)
			read_rules(p, rules, location);
	}
	return locations;
}

struct json_t *locations_default(void)
{
	struct json_t *locations = json_new_map();

	json_put(locations, "/", new_location(true));
	return locations;
}
