/* The table of routes.yaml. */
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/text.h"
#include "manifests/pattern.h"
#include "manifests/rows.h"
#include "manifests/scalar.h"
#include "manifests/schema.h"
#include "manifests/tree.h"

/* "https://www.{default}/path/": scheme, host, path with a slash at its end. NULL or what is wrong. */
static const char *check_url(const char *url, size_t *host_end)
{
	const char *host;
	size_t len;

	if (text_starts(url, "https://"))
		host = url + 8;
	else if (text_starts(url, "http://"))
		host = url + 7;
	else
		return "it must start with http:// or https://";
	len = strcspn(host, "/");
	*host_end = (size_t)(host - url) + len;
	if (!len)
		return "it has no host";
	if (memchr(host, ':', len))
		return "it can't have a port";
	if (strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._{}*") <
	    len)
		return "its host has characters that no host name has";
	if (strpbrk(host + len, "?# \t\r\n"))
		return "it can't have a query";
	for (size_t i = 0; i < len; i++)
		if ((host[i] == '*' && (i || (len > 1 && host[1] != '.'))) ||
		    (host[i] == '{' && strncmp(host + i, "{default}", 9) != 0 &&
		     strncmp(host + i, "{all}", 5) != 0))
			return "of placeholders there are {default}, {all} and a leading *.";
	return NULL;
}

static const char *route_name(struct problems *p, const struct node *member)
{
	size_t host_end;
	const char *why = check_url(member->key, &host_end);

	if (!why)
		return text_ends(member->key, "/") ? member->key
						   : arena_printf(p->arena, "%s/", member->key);
	problem_add(p, PROBLEM_ERROR, "E0501", member->key_at, "not the address of a route: %s",
		    why)
		->hint = "such as \"https://{default}/\"";
	return NULL;
}

static struct node *cache_check(struct problems *p, const struct node *n, struct node *out)
{
	static const char *const never[] = {
		"Accept-Encoding", "Connection", "Proxy-Authorization", "TE", "Upgrade", "Cookie"
	};
	const struct node *headers = tree_get(n, "headers"), *cookies = tree_get(n, "cookies");

	for (const struct node *m = headers ? headers->child : NULL; m; m = m->next)
		for (size_t i = 0; m->kind == NODE_SCALAR && i < ARRAY_SIZE(never); i++)
			if (!strcasecmp(m->text, never[i]))
				(void)problem_add(p, PROBLEM_ERROR, "E0504", m->at,
						  "\"%s\" can't be part of what a cache goes by",
						  m->text);
	for (const struct node *m = cookies ? cookies->child : NULL; m; m = m->next) {
		size_t len = m->kind == NODE_SCALAR ? strlen(m->text) : 0, at;
		const char *why;

		if (len < 2 || m->text[0] != '/' || m->text[len - 1] != '/')
			continue;
		why = pattern_check(p->arena, arena_strndup(p->arena, m->text + 1, len - 2), &at);
		if (why)
			(void)problem_add(p, PROBLEM_ERROR, "E0208", m->at,
					  "not a regular expression: %s, at character %zu", why,
					  at + 2);
	}
	return out;
}

static const struct node *fix_flag(struct problems *p, const struct node *n)
{
	struct node *map;
	bool flag;

	if (!node_flag(n, &flag))
		return n;
	map = node_new(p->arena, NODE_MAP, n);
	node_append(map, node_as(p->arena, n, "enabled"));
	return map;
}

static struct node *path_check(struct problems *p, const struct node *n, struct node *out)
{
	const struct node *regexp = tree_get(n, "regexp"), *code = tree_get(n, "code");
	const struct node *prefix = tree_get(n, "prefix"), *suffix = tree_get(n, "append_suffix");
	bool is_regexp = false, flag = true;
	const char *why;
	int64_t number;
	size_t at;

	if (regexp && node_flag(regexp, &is_regexp) && is_regexp) {
		why = pattern_check(p->arena, n->key, &at);
		if (why)
			(void)problem_add(p, PROBLEM_ERROR, "E0208", n->key_at,
					  "not a regular expression: %s, at character %zu", why,
					  at + 1);
		if ((prefix && !node_is_null(prefix)) || (suffix && !node_is_null(suffix)))
			(void)problem_add(p, PROBLEM_ERROR, "E0505", node_place(n),
					  "\"regexp\" goes without \"prefix\" and "
					  "\"append_suffix\"");
	} else if (prefix && node_flag(prefix, &flag) && !flag && suffix &&
		   node_flag(suffix, &flag) && flag) {
		(void)problem_add(p, PROBLEM_ERROR, "E0505", node_place(suffix),
				  "\"append_suffix\" needs \"prefix\"");
	}
	if (code && node_number(code, &number) && number != 301 && number != 302 && number != 307 &&
	    number != 308)
		(void)problem_add(p, PROBLEM_ERROR, "E0206", code->at,
				  "\"code\" must be one of: 301, 302, 307, 308");
	return out;
}

static const struct key path_keys[] = {
	{ "to", KEY_TEXT, KEY_REQUIRED, .about = "where to: a path or a URL" },
	{ "regexp", KEY_FLAG, .about = "the path is a regular expression", .otherwise = "false" },
	{ "prefix", KEY_FLAG, .about = "and all below the path", .otherwise = "null" },
	{ "append_suffix", KEY_FLAG, .about = "keep what is below", .otherwise = "null" },
	{ "code", KEY_NUMBER, .about = "301, 302, 307 or 308", .otherwise = "302", .min = 301,
	  .max = 308 },
	{ "expires", KEY_OWN, KEY_ALSO_TEXT | KEY_ALSO_NUMBER, .about = "how long it is cached",
	  .otherwise = "null", .check = expires_check },
	{ NULL, KEY_END },
};
static const struct key path_item = { NULL, KEY_MAP, .keys = path_keys, .check = path_check };
static const struct key redirects_keys[] = {
	{ "expires", KEY_OWN, KEY_ALSO_TEXT | KEY_ALSO_NUMBER, .about = "how long they are cached",
	  .otherwise = "-1s", .check = expires_check },
	{ "paths", KEY_NAMES, KEY_REQUIRED, .about = "path to where it leads", .otherwise = "{}",
	  .item = &path_item },
	{ NULL, KEY_END },
};
static const struct key transport_keys[] = {
	{ "enabled", KEY_FLAG, .about = "tell browsers to use HTTPS only", .otherwise = "null" },
	{ "include_subdomains", KEY_FLAG, .about = "below it, too", .otherwise = "null" },
	{ "preload", KEY_FLAG, .about = "browsers may know it before", .otherwise = "null" },
	{ NULL, KEY_END },
};
static const char *const versions[] = { "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3", NULL };
static const char *const clients[] = { "request", "require", NULL };
static const struct key tls_keys[] = {
	{ "strict_transport_security", KEY_MAP, .about = "HSTS", .otherwise = "{}",
	  .keys = transport_keys },
	{ "min_version", KEY_CHOICE, KEY_IDLE, .about = "TLSv1.2 or TLSv1.3", .otherwise = "null",
	  .choices = versions },
	{ "client_authentication", KEY_CHOICE, .about = "request or require", .otherwise = "null",
	  .choices = clients },
	{ "client_certificate_authorities", KEY_LIST, KEY_IDLE, .about = "PEM", .otherwise = "[]",
	  .item = &text_item },
	{ NULL, KEY_END },
};
static const struct key cache_keys[] = {
	{ "enabled", KEY_FLAG, KEY_REQUIRED, .about = "keep answers", .otherwise = "true" },
	{ "default_ttl", KEY_NUMBER, .about = "seconds, where the answer doesn't say",
	  .otherwise = "0", .max = 31536000 },
	{ "cookies", KEY_LIST, .about = "names, or /regular expressions/", .otherwise = "[*]",
	  .item = &text_item },
	{ "headers", KEY_LIST, .about = "of requests", .otherwise = "[Accept, Accept-Language]",
	  .item = &text_item },
	{ NULL, KEY_END },
};
static const struct key enabled_keys[] = {
	{ "enabled", KEY_FLAG, KEY_REQUIRED, .about = "true or false", .otherwise = "false" },
	{ NULL, KEY_END },
};

#define ROWS_OF_ALL                                                                             \
	{ "type", KEY_TEXT, KEY_REQUIRED, .about = "upstream, redirect or proxy" },             \
		{ "primary", KEY_FLAG, .about = "the main address", .otherwise = "null" },      \
		{ "id", KEY_TEXT, .about = "a stable name", .otherwise = "null" },              \
		{ "attributes", KEY_NAMES, .about = "texts for the app", .otherwise = "{}",     \
		  .item = &text_item },                                                         \
	{                                                                                       \
		"tls", KEY_MAP, .about = "of this address", .otherwise = "{}", .keys = tls_keys \
	}
#define ROW_REDIRECTS                                                                \
	{                                                                            \
		"redirects", KEY_MAP, .about = "of single paths", .otherwise = "{}", \
				      .keys = redirects_keys                         \
	}
#define ROW_TO(about_)                                          \
	{                                                       \
		"to", KEY_TEXT, KEY_REQUIRED, .about = (about_) \
	}

static const struct key upstream_keys[] = {
	ROWS_OF_ALL,
	{ "upstream", KEY_TEXT, KEY_REQUIRED, .about = "APP:http, or SERVICE:ENDPOINT" },
	{ "cache", KEY_MAP, KEY_ALSO_FLAG, .about = "of answers", .otherwise = "{}",
	  .keys = cache_keys, .fix = fix_flag, .check = cache_check },
	{ "ssi", KEY_MAP, .about = "server-side includes", .otherwise = "{}",
	  .keys = enabled_keys },
	{ "sticky", KEY_MAP, KEY_ALSO_FLAG, .about = "the same client, the same instance",
	  .otherwise = "{}", .keys = enabled_keys, .fix = fix_flag },
	ROW_REDIRECTS,
	{ NULL, KEY_END },
};
static const struct key redirect_keys[] = {
	ROWS_OF_ALL,
	ROW_TO("a URL, or another route's address"),
	ROW_REDIRECTS,
	{ NULL, KEY_END },
};
static const struct key proxy_keys[] = { ROWS_OF_ALL, ROW_TO("a URL"), { NULL, KEY_END } };
static const struct key variants[] = {
	{ "upstream", KEY_MAP, KEY_REQUIRED, .about = "requests go to an app",
	  .keys = upstream_keys },
	{ "redirect", KEY_MAP, KEY_REQUIRED, .about = "requests are sent elsewhere",
	  .keys = redirect_keys },
	{ "proxy", KEY_MAP, KEY_REQUIRED, .about = "requests go out", .keys = proxy_keys },
	{ NULL, KEY_END },
};
static const struct key route_item = { NULL, KEY_VARIANT, .keys = variants };

const struct key format_routes = { NULL,
				   KEY_NAMES,
				   KEY_EMPTY,
				   .item = &route_item,
				   .name_of = route_name,
				   .name_pattern = "^https?://" };
