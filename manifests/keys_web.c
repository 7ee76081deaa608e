/* The table of `web`: commands, upstream, locations with their rules. */
#include <inttypes.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/text.h"
#include "manifests/pattern.h"
#include "manifests/rows.h"
#include "manifests/scalar.h"
#include "manifests/schema.h"
#include "manifests/tree.h"

/* A documented default of the format is false for a location that is written, true where none is. */
#define PASSTHRU_DEFAULT "false"
#define REQUEST_MAX "262144000" /* 250m */
#define NUMBER_MAX \
	(1ull << 50) /* of seconds, of bytes: what is written with a unit can be written without */

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
	return text_to_u64(copy, NUMBER_MAX, number) == 0;
}

/* As text with the unit s or ms, "-1s" for never: the form of the format's own JSON. */
static const char *read_expires(struct problems *p, const char *text)
{
	static const struct {
		const char *unit;
		uint64_t seconds;
	} units[] = { { "", 1 },      { "s", 1 },      { "m", 60 },	 { "h", 3600 },
		      { "d", 86400 }, { "w", 604800 }, { "M", 2592000 }, { "y", 31536000 } };
	const char *unit;
	uint64_t number;

	if (!strcmp(text, "-1") || !strcmp(text, "-1s"))
		return "-1s";
	if (!split_number(text, &number, &unit))
		return NULL;
	if (!strcmp(unit, "ms"))
		return text;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (!strcmp(unit, units[i].unit) && number <= NUMBER_MAX / units[i].seconds)
			return arena_printf(p->arena, "%" PRIu64 "s", number * units[i].seconds);
	return NULL;
}

struct node *expires_check(struct problems *p, const struct node *n, struct node *out)
{
	const char *text = read_raw(p, n);

	if (!text)
		return NULL;
	out = node_scalar(p->arena, read_expires(p, text), false, n);
	if (!out->plain)
		return out;
	wrong_value(p, n, "\"expires\" must be -1 or a time")->hint =
		"such as 600, 10m, 24h, 30d; units: ms s m h d w M y";
	return NULL;
}

static struct node *passthru_check(struct problems *p, const struct node *n, struct node *out)
{
	bool flag;

	(void)out;
	if (node_flag(n, &flag))
		return node_scalar(p->arena, flag ? "true" : "false", true, n);
	if (n->kind != NODE_SCALAR)
		(void)wrong_type(p, n, "true, false or a path");
	else if (*n->text != '/')
		wrong_value(p, n,
			    "\"passthru\" must be true, false or a path that starts with \"/\"")
			->hint = "such as /index.php";
	else
		return node_scalar(p->arena, n->text, false, n);
	return NULL;
}

const char *header_name(struct problems *p, const struct node *member)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

	if (*member->key && strspn(member->key, letters) == strlen(member->key))
		return member->key;
	(void)problem_add(p, PROBLEM_ERROR, "E0207", member->key_at,
			  "\"%s\" can't be the name of a header", member->key);
	return NULL;
}

struct node *one_line_check(struct problems *p, const struct node *n, struct node *out)
{
	if (!strpbrk(out->text, "\r\n"))
		return out;
	(void)wrong_value(p, n, "a header has one line");
	return NULL;
}

/* Also keeps a location from reaching out of the app. */
static struct node *root_check(struct problems *p, const struct node *n, struct node *out)
{
	const char *text = n->text;
	size_t len;

	if (strstr(text, "..")) {
		(void)wrong_value(p, n, "\"root\" must be a folder in the app, without \"..\"");
		return NULL;
	}
	text += strspn(text, "/");
	len = strlen(text);
	while (len && text[len - 1] == '/')
		len--;
	out->text = arena_strndup(p->arena, text, len);
	return out;
}

static struct node *size_check(struct problems *p, const struct node *n, struct node *out)
{
	static const char letters[] = "kmg";
	const char *unit, *letter, *text = read_raw(p, n);
	unsigned shift = 0;
	uint64_t number;

	(void)out;
	if (!text)
		return NULL;
	if (split_number(text, &number, &unit)) {
		letter = *unit ? strchr(letters, *unit | 0x20) : NULL;
		if (letter && *letter && !unit[1])
			shift = 10 * (unsigned)(letter - letters + 1);
		if ((!*unit || shift) && number <= NUMBER_MAX >> shift)
			return node_scalar(p->arena,
					   arena_printf(p->arena, "%" PRIu64, number << shift),
					   true, n);
	}
	wrong_value(p, n, "\"max_request_size\" must be a size")->hint = "such as 250m";
	return NULL;
}

static const char *rule_name(struct problems *p, const struct node *member)
{
	size_t at;
	const char *why = pattern_check(p->arena, member->key, &at);

	if (!why)
		return member->key;
	(void)problem_add(p, PROBLEM_ERROR, "E0208", member->key_at,
			  "not a regular expression: %s, at character %zu", why, at + 1);
	return NULL;
}

static const struct key header_item = { NULL, KEY_TEXT, .check = one_line_check };

#define ROWS_OF_RULES(allow, expires, passthru, headers)                                   \
	{ "allow", KEY_FLAG, .about = "serve files that no rule speaks of",                \
	  .otherwise = (allow) },                                                          \
		{ "scripts", KEY_FLAG, .about = "run files of the language, such as .php", \
		  .otherwise = (allow) },                                                  \
		{ "expires",                                                               \
		  KEY_OWN,                                                                 \
		  KEY_ALSO_TEXT | KEY_ALSO_NUMBER,                                         \
		  .about = "how long clients keep files; -1: not at all",                  \
		  .otherwise = (expires),                                                  \
		  .check = expires_check },                                                \
		{ "passthru",                                                              \
		  KEY_OWN,                                                                 \
		  KEY_ALSO_TEXT | KEY_ALSO_FLAG,                                           \
		  .about = "where requests go for which there is no file",                 \
		  .otherwise = (passthru),                                                 \
		  .check = passthru_check },                                               \
	{                                                                                  \
		"headers", KEY_NAMES, .about = "added to files", .otherwise = (headers),   \
				      .item = &header_item, .name_of = header_name,        \
				      .name_pattern = "^[A-Za-z0-9_-]+$"                   \
	}

static const struct key rule_keys[] = { ROWS_OF_RULES(NULL, NULL, NULL, NULL), { NULL, KEY_END } };
static const struct key rule_item = { NULL, KEY_MAP, KEY_EMPTY, .keys = rule_keys };
static const struct key buffering_keys[] = {
	{ "enabled", KEY_FLAG, .about = "read a request whole before the app gets it",
	  .otherwise = "true" },
	{ "max_request_size", KEY_OWN, KEY_ALSO_TEXT | KEY_ALSO_NUMBER, .about = "such as 250m",
	  .otherwise = REQUEST_MAX, .check = size_check },
	{ NULL, KEY_END },
};
static const struct key location_keys[] = {
	{ "root", KEY_RAW, .about = "folder of its files, below the app's root",
	  .otherwise = "null", .check = root_check },
	{ "index", KEY_LIST, .about = "files to try for a folder", .otherwise = "null",
	  .item = &text_item },
	ROWS_OF_RULES("true", "-1s", PASSTHRU_DEFAULT, "{}"),
	{ "request_buffering", KEY_MAP, .about = "of requests with a body", .otherwise = "{}",
	  .keys = buffering_keys },
	{ "rules", KEY_NAMES, .about = "regular expressions to what differs", .otherwise = "{}",
	  .item = &rule_item, .name_of = rule_name },
	{ NULL, KEY_END },
};

/* What a rule doesn't say is as in its location. */
static struct node *location_check(struct problems *p, const struct node *n, struct node *out)
{
	struct node *rules = NULL;

	(void)n;
	for (struct node *m = out->child; m; m = m->next)
		if (!strcmp(m->key, "rules"))
			rules = m;
	for (struct node *rule = rules ? rules->child : NULL; rule; rule = rule->next) {
		struct node *whole = node_new(p->arena, NODE_MAP, rule);

		for (const struct key *k = rule_keys; k->kind != KEY_END; k++) {
			const struct node *m = tree_get(rule, k->name);

			m = m ? m : tree_get(out, k->name);
			if (m)
				node_append(whole, node_as(p->arena, m, k->name));
		}
		rule->child = whole->child;
		rule->last = whole->last;
		rule->n = whole->n;
	}
	return out;
}

static const struct key location_item = { NULL, KEY_MAP, KEY_EMPTY, .keys = location_keys,
					  .check = location_check };

static const char *location_name(struct problems *p, const struct node *member)
{
	if (*member->key == '/')
		return member->key;
	problem_add(p, PROBLEM_ERROR, "E0207", member->key_at, "a location must start with \"/\"")
		->hint = arena_printf(p->arena, "write \"/%s\"", member->key);
	return NULL;
}

/* No locations: everything goes to the app. */
struct node *web_check(struct problems *p, const struct node *n, struct node *out)
{
	struct node *locations, *location, *passthru;

	(void)n;
	if (tree_get(out, "locations"))
		return out;
	passthru = node_scalar(p->arena, "true", true, NULL);
	passthru->key = "passthru";
	location = node_new(p->arena, NODE_MAP, NULL);
	node_append(location, passthru);
	location = format_read(p, &location_item, location);
	location->key = "/";
	locations = node_new(p->arena, NODE_MAP, NULL);
	locations->key = "locations";
	node_append(locations, location);
	node_append(out, locations);
	return out;
}

static const char *const families[] = { "tcp", "unix", NULL };
static const char *const protocols[] = { "http", "fastcgi", NULL };
static const struct key upstream_keys[] = {
	{ "socket_family", KEY_CHOICE, .about = "tcp: $PORT; unix: $SOCKET", .otherwise = "null",
	  .choices = families },
	{ "protocol", KEY_CHOICE, .about = "http or fastcgi", .otherwise = "null",
	  .choices = protocols },
	{ NULL, KEY_END },
};
static const struct key command_keys[] = {
	{ "pre_start", KEY_TEXT, .about = "before each start", .otherwise = "null" },
	{ "start", KEY_TEXT, .about = "the process, in the foreground", .otherwise = "null" },
	{ "post_start", KEY_TEXT, .about = "before requests come", .otherwise = "null" },
	{ NULL, KEY_END },
};

#define ROW_OLD(key, kind, also, ...)                    \
	{                                                \
		key, kind, KEY_OLD | (also), __VA_ARGS__ \
	}

const struct key web_keys[] = {
	{ "commands", KEY_MAP, .about = "of the app's process", .otherwise = "{}",
	  .keys = command_keys },
	{ "upstream", KEY_MAP, .about = "how the web server talks to the app", .otherwise = "{}",
	  .keys = upstream_keys },
	{ "move_to_root", KEY_FLAG, .about = "of old: the app's root is its document root" },
	ROWS_OF_INSTANCE,
	{ "locations", KEY_NAMES, .about = "path prefix to how it is served",
	  .item = &location_item, .name_of = location_name, .name_pattern = "^/" },
	ROW_OLD("document_root", KEY_RAW, 0, .about = "of old: root of location /"),
	ROW_OLD("passthru", KEY_OWN, KEY_ALSO_TEXT | KEY_ALSO_FLAG,
		.about = "of old: passthru of location /"),
	ROW_OLD("index_files", KEY_LIST, 0, .about = "of old: index of location /",
		.item = &text_item),
	ROW_OLD("whitelist", KEY_LIST, 0, .about = "of old: rules that allow", .item = &text_item),
	ROW_OLD("blacklist", KEY_LIST, 0, .about = "of old: rules that forbid", .item = &text_item),
	ROW_OLD("expires", KEY_OWN, KEY_ALSO_TEXT | KEY_ALSO_NUMBER,
		.about = "of old: expires of location /"),
	{ NULL, KEY_END },
};
