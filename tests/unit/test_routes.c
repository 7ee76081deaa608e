#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "manifests/recipe.h"
#include "orchestrator/routes.h"
#include "tests/unit/fake_backend.h"

#define CATALOG TEST_DATA "/../../images/catalog"
#define OWN "main-a.shop.orch.localhost"

/* A document with these routes; app and store are there. */
static struct json_t *document(struct arena *arena, const char *type, int port, const char *domains,
			       const char *routes)
{
	static const char text[] =
		"{'containers': {'app': {'kind': 'app', 'address': '169.254.16.2'},"
		" 'router': {'kind': 'router', 'address': '169.254.16.3',"
		"  'environment': {'machine_name': 'main-a', 'project': 'shop', 'type': '%s',"
		"   'project_id': 'p'},"
		"  'domains': %s, 'access': {}, 'routes': {%s},"
		"  'upstreams': {'app:http': {'service': 'app', 'endpoint': 'http', 'port': 80}}}},"
		" 'network': {'publish': {'address': '127.0.0.1', 'port': %d}}}";

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	return doc(arena_printf(arena, text, type, domains, routes, port));
#pragma GCC diagnostic pop
}

#define TO_APP "{'type': 'upstream', 'upstream': 'app', 'endpoint': 'http'}"
#define FIRST "{'type': 'upstream', 'upstream': 'app', 'endpoint': 'http', 'primary': true}"
#define LEADS(to) "{'type': 'redirect', 'to': '" to "'}"

/* routes: what is there. url: one that there is, and what `to` says there or which route it is; NULL: all of them. */
static const struct resolved {
	const char *what, *type;
	int port;
	const char *domains, *routes, *urls;
} resolved[] = {
	{ "the environment's own host", "production", 20001, "[]", "'https://{default}/': " TO_APP,
	  "http://" OWN ":20001/ https://{default}/" },
	{ "port 80 isn't said", "production", 80, "[]", "'https://{default}/a/': " TO_APP,
	  "http://" OWN "/a/ https://{default}/a/" },
	{ "no port is known", "production", 0, "[]", "'http://{default}/': " TO_APP,
	  "http://" OWN "/ http://{default}/" },
	{ "names in front", "production", 1, "[]",
	  "'https://www.{default}/': " TO_APP ", 'https://*.{default}/': " TO_APP,
	  "http://*." OWN ":1/ https://*.{default}/, http://www." OWN
	  ":1/ https://www.{default}/" },
	{ "{all} without a domain", "production", 1, "[]", "'https://{all}/': " TO_APP,
	  "http://" OWN ":1/ https://{all}/" },
	{ "{default} is the first domain", "production", 1, "['a.b', 'c.d']",
	  "'https://{default}/': " TO_APP, "http://a.b:1/ https://{default}/" },
	{ "{all} is each of them", "production", 1, "['a.b', 'c.d']", "'https://{all}/': " TO_APP,
	  "http://a.b:1/ https://{all}/, http://c.d:1/ https://{all}/" },
	{ "{default} wins", "production", 1, "['a.b', 'c.d']",
	  "'https://{all}/': " TO_APP ", 'https://{default}/': " TO_APP,
	  "http://a.b:1/ https://{default}/, http://c.d:1/ https://{all}/" },
	{ "https wins", "production", 1, "[]",
	  "'http://{default}/': " TO_APP ", 'https://{default}/': " TO_APP,
	  "http://" OWN ":1/ https://{default}/" },
	{ "what answers wins", "production", 1, "[]",
	  "'http://{default}/': " TO_APP ", 'https://{default}/': " LEADS("http://{default}/"),
	  "http://" OWN ":1/ http://{default}/" },
	{ "an address of its own", "production", 1, "[]", "'https://www.example.org/': " TO_APP,
	  "http://www.example.org:1/ https://www.example.org/" },
	{ "nobody's in a preview", "development", 1, "[]", "'https://www.example.org/': " TO_APP,
	  "http://www.example.org." OWN ":1/ https://www.example.org/" },
	{ "a redirect to one of ours", "production", 1, "[]",
	  "'https://www.{default}/': " LEADS("https://{default}/x"),
	  "http://www." OWN ":1/ http://" OWN ":1/x" },
	{ "without a path", "production", 1, "[]",
	  "'https://www.{default}/': " LEADS("https://{default}"),
	  "http://www." OWN ":1/ http://" OWN ":1/" },
	{ "a redirect elsewhere", "production", 1, "[]",
	  "'https://{default}/': " LEADS("https://example.com/"),
	  "http://" OWN ":1/ https://example.com/" },
	{ "with a port", "production", 1, "[]",
	  "'https://www.{default}/': " LEADS("https://{default}:8443/"),
	  "http://www." OWN ":1/ https://" OWN ":8443/" },
	{ "each to its own domain", "production", 1, "['a.b', 'c.d']",
	  "'https://www.{all}/': " LEADS("https://{all}/"),
	  "http://www.a.b:1/ http://a.b:1/, http://www.c.d:1/ http://c.d:1/" },
	{ "in a preview, too", "staging", 1, "[]",
	  "'https://example.org/': " LEADS(
		  "https://www.example.org/") ", 'https://www.example.org/': " TO_APP,
	  "http://example.org." OWN ":1/ http://www.example.org." OWN
	  ":1/, http://www.example.org." OWN ":1/ https://www.example.org/" },
	{ "none to itself", "production", 1, "[]",
	  "'http://{default}/': " LEADS("https://{default}/"), "" },
};

Test(routes, resolve)
{
	for (size_t i = 0; i < ARRAY_SIZE(resolved); i++) {
		const struct resolved *c = &resolved[i];
		AUTO(arena) struct arena arena = { 0 };
		AUTO(json)
		struct json_t *desired = document(&arena, c->type, c->port, c->domains, c->routes);
		AUTO(json) struct json_t *list = routes_resolve(desired);
		AUTO(text) struct text got = { 0 };

		for (size_t k = 0; k < json_count(list); k++) {
			const struct json_t *r = json_at(list, k);

			text_printf(&got, "%s%s %s", k ? ", " : "", json_get_text(r, "url", ""),
				    json_get_text(r, "to", json_get_text(r, "original_url", "")));
		}
		cr_expect_str_eq(text_get(&got), c->urls, "%s: %s", c->what, text_get(&got));
	}
}

Test(routes, are_what_an_app_may_know)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json)
	struct json_t *desired =
		document(&arena, "development", 1, "['a.b', 'c.d']",
			 "'https://{all}/': " FIRST ", 'https://x.{all}/': " TO_APP);
	AUTO(json) struct json_t *routes = NULL;
	const struct json_t *first;
	const char **urls;
	size_t n;

	json_put(json_path(desired, "containers", "router", NULL), "access",
		 doc("{'addresses': [{'permission': 'deny', 'address': 'any'}],"
		     " 'basic_auth': {'guest': '$6$hash'}}"));
	routes = routes_public(desired);
	first = json_get(routes, "http://a.b:1/");
	cr_expect_eq(json_count(routes), 4);
	cr_expect(json_get_flag(first, "primary", false));
	cr_expect_not(json_get_flag(json_get(routes, "http://c.d:1/"), "primary", true),
		      "one is the primary one");
	cr_expect_str_eq(json_get_text(first, "upstream", ""), "app");
	cr_expect(json_get_flag(first, "restrict_robots", false));
	cr_expect_null(json_get(first, "address"));
	cr_expect_null(json_get(first, "hosts"));
	cr_expect_eq(json_kind_of(json_path(first, "http_access", "basic_auth", "guest", NULL)),
		     KIND_NULL, "nobody's password");
	cr_expect_eq(json_count(json_path(first, "http_access", "addresses", NULL)), 1);
	urls = routes_urls(&arena, desired, &n);
	cr_assert_eq(n, 4);
	cr_expect_str_eq(urls[0], "http://a.b:1/");
}

/* The program in the recipe, as a file. */
static const char *write_program(struct arena *arena)
{
	static const char *const folders[] = { CATALOG, NULL };
	struct problems problems = { .arena = arena };
	const struct recipe *recipe;
	struct catalog catalog;
	struct error err;
	char *path = arena_strdup(arena, "/tmp/orch-routes-XXXXXX");
	int fd = mkstemp(path);

	cr_assert_eq(catalog_load(folders, &problems, &catalog, &err), 0);
	recipe = catalog_find(&catalog, ROUTES_TYPE);
	cr_assert_not_null(recipe);
	cr_expect(recipe->image.router);
	for (size_t i = 0; i < recipe->n_files; i++)
		if (!strcmp(recipe->files[i].path, "etc/orch/routes.jq"))
			cr_assert_eq(
				write(fd, recipe->files[i].text, strlen(recipe->files[i].text)),
				(ssize_t)strlen(recipe->files[i].text));
	close(fd);
	return path;
}

/* nginx's configuration of a document, without what its lines begin with. */
static const char *generate(struct arena *arena, const char *program, const struct json_t *desired)
{
	AUTO(json) struct json_t *config = json_new_map();
	const char *input = arena_printf(arena, "%s.json", program);
	char line[4096];
	AUTO(text) struct text all = { 0 };
	const char *text;
	struct error err;
	FILE *jq;

	json_put(config, "router", routes_config(desired));
	text = json_print(arena, config, FORM_COMPACT);
	cr_assert_eq(file_write(AT_FDCWD, input, text, strlen(text), 0600, false, &err), 0);
	jq = popen(
		arena_printf(arena, "jq -r --arg resolvers '192.0.2.53 ' -f %s %s", program, input),
		"r");
	cr_assert_not_null(jq);
	while (fgets(line, sizeof(line), jq))
		text_add(&all, line + strspn(line, "\t"));
	cr_expect_eq(pclose(jq), 0);
	(void)unlink(input);
	return arena_strdup(arena, text_get(&all));
}

#define UP "'type': 'upstream', 'upstream': 'app', 'endpoint': 'http'"
#define RULE(text) \
	"'https://{default}/': {" UP ", 'redirects': {'expires': '1d', 'paths': [{" text "}]}}"

/* What is in the configuration, or with a '!' in front isn't. */
static const struct generated {
	const char *routes, *line;
} generated[] = {
	{ "'https://{default}/': {" UP "}", "server_name \"" OWN "\";\n" },
	{ "'https://{default}/': {" UP "}", "location / {\n" },
	{ "'https://{default}/': {" UP "}", "proxy_pass http://orch_169_254_16_2_80;\n" },
	{ "'https://{default}/': {" UP "}", "server 169.254.16.2:80;\n" },
	{ "'https://{default}/': {" UP "}", "resolver 192.0.2.53 ipv6=off;\n" },
	{ "'https://{default}/': {" UP "}", "proxy_set_header X-Forwarded-Port \"20001\";\n" },
	{ "'https://{default}/': {" UP "}", "!X-Robots-Tag" },
	{ "'https://{default}/': {" UP "}", "!auth_basic" },
	{ "'https://{default}/a.b/': {" UP "}", "location ~ \"^/a\\\\.b(?:/|$)\" {\n" },
	{ "'https://{default}/a/': {" UP "}", "location / { return 595; }\n" },
	{ "'https://{default}/a/': {" UP "}, 'https://{default}/a/b/': {" UP "}",
	  "location ~ \"^/a/b(?:/|$)\" {\n" },
	{ "'https://{default}/$x/': {" UP "}",
	  "set $orch_route \"https://{default}/${orch_dollar}x/\";\n" },
	{ "'https://{default}/': {" UP ", 'sticky': {'enabled': true}}", "ip_hash;\n" },
	{ "'https://{default}/': {" UP ", 'ssi': {'enabled': true}}", "ssi on;\n" },
	{ "'https://{default}/': {" UP ", 'cache': {'enabled': false}}", "proxy_buffering off;\n" },
	{ "'https://{default}/': {" UP ", 'cache': {'enabled': true, 'cookies': ['*']}}",
	  "proxy_no_cache $orch_upgrade $http_authorization $http_cookie;\n" },
	{ "'https://{default}/': {" UP ", 'cache': {'enabled': true, 'cookies': []}}",
	  "proxy_no_cache $orch_upgrade $http_authorization;\n" },
	{ "'https://{default}/': {" UP ", 'cache': {'enabled': true, 'headers': ['X-A', 'B']}}",
	  "proxy_cache_key \"$http_host$request_uri|$http_x_a|$http_b\";\n" },
	{ "'https://{default}/': {" UP ", 'cache': {'enabled': true, 'default_ttl': 9}}",
	  "proxy_cache_valid 200 203 300 301 404 410 9s;\n" },
	{ "'https://{default}/': {" UP ", 'cache': {'enabled': true, 'default_ttl': 0}}",
	  "!proxy_cache_valid" },
	{ "'https://{default}/': {" UP ", 'cache': {'enabled': true, 'cookies': ['a.b']}}",
	  "\"~(?:^|;\\\\s*)a\\\\.b=(?<orch_value_0_0>[^;]*)\" $orch_value_0_0;\n" },
	{ "'https://{default}/': {" UP ", 'cache': {'enabled': true, 'cookies': ['/^a[^$]b$/']}}",
	  "\"~(?<![^;\\\\s])a[^$]b(?![^=;\\\\s])\" $http_cookie;\n" },
	{ "'https://{default}/': {" UP ", 'tls': {'strict_transport_security': {'enabled': true}}}",
	  "set $orch_hsts \"max-age=31536000\";\n" },
	{ RULE("'path': '/a', 'to': '/b', 'code': 302"), "\"~^/a(/.*|)$\" \"/b$1\";\n" },
	{ RULE("'path': '/a/', 'to': '/b', 'code': 302"), "\"~^/a(/.*|)$\" \"/b$1\";\n" },
	{ RULE("'path': '/a', 'to': '/b', 'code': 301, 'prefix': false"), "\"~^/a$\" \"/b\";\n" },
	{ RULE("'path': '/a', 'to': '/b', 'code': 307, 'append_suffix': false"),
	  "\"~^/a(/.*|)$\" \"/b\";\n" },
	{ RULE("'path': '^/a(.)\\\"', 'to': '/b$1$2x$arg_c$uri$host', 'code': 308, 'regexp': true"),
	  "\"~^/a(.)\\\"\" \"/b$1$2x${arg_c}${orch_path}${orch_dollar}host\";\n" },
	{ RULE("'path': '/a', 'to': '/b', 'code': 308"), "return 594;\n" },
	{ RULE("'path': '/a', 'to': '/b', 'code': 308"), "set $orch_expires 86400s;\n" },
	{ RULE("'path': '/a', 'to': '/b', 'code': 308, 'expires': 0"),
	  "set $orch_expires epoch;\n" },
	{ RULE("'path': '/a', 'to': '/b', 'code': 308, 'expires': '-1s'"),
	  "set $orch_expires off;\n" },
	{ RULE("'path': '/a', 'to': 'https://{default}/x', 'code': 301"),
	  "\"http://" OWN ":20001/x$1\";\n" },
	{ "'https://www.{default}/': {'type': 'redirect', 'to': 'https://{default}/'}",
	  "set $orch_location \"http://" OWN ":20001${orch_rest}${is_args}${args}\";\n" },
	{ "'https://{default}/': {'type': 'redirect', 'to': 'https://x/?a'}",
	  "set $orch_location \"https://x/?a\";\n" },
	{ "'https://{default}/': {'type': 'proxy', 'to': 'https://x.y'}",
	  "proxy_pass \"https://x.y$orch_path$is_args$args\";\n" },
	{ "'https://{default}/a/': {'type': 'proxy', 'to': 'https://x.y:8/b/'}",
	  "proxy_pass \"https://x.y:8/b/${orch_rest}$is_args$args\";\n" },
	{ "'https://{default}/a/': {'type': 'proxy', 'to': 'https://x.y:8/b'}",
	  "proxy_pass \"https://x.y:8/b$is_args$args\";\n" },
	{ "'https://{default}/a/': {'type': 'proxy', 'to': 'https://x.y:8/b'}",
	  "proxy_ssl_name \"x.y\";\n" },
};

Test(routes, become_the_configuration_of_nginx)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *program;

	if (system("jq --version >/dev/null 2>&1") != 0)
		cr_skip_test("there is no jq");
	program = write_program(&arena);
	for (size_t i = 0; i < ARRAY_SIZE(generated); i++) {
		const struct generated *c = &generated[i];
		bool absent = *c->line == '!';
		AUTO(json)
		struct json_t *desired = document(&arena, "production", 20001, "[]", c->routes);
		const char *text = generate(&arena, program, desired);

		cr_expect_eq(strstr(text, c->line + absent) != NULL, !absent, "%s: %s\n%s",
			     c->routes, c->line, text);
	}
	(void)unlink(program);
}

Test(routes, are_for_who_may_ask)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json)
	struct json_t *desired =
		document(&arena, "staging", 1, "[]", "'https://{default}/': " TO_APP);
	const char *program, *text;

	if (system("jq --version >/dev/null 2>&1") != 0)
		cr_skip_test("there is no jq");
	json_put(json_path(desired, "containers", "router", NULL), "access",
		 doc("{'addresses': [{'permission': 'allow', 'address': '192.0.2.0/24'},"
		     " {'permission': 'deny', 'address': 'any'}], 'basic_auth': {'guest': 'x'}}"));
	program = write_program(&arena);
	text = generate(&arena, program, desired);
	(void)unlink(program);
	cr_expect_not_null(strstr(text, "allow 192.0.2.0/24;\ndeny all;\n"), "%s", text);
	cr_expect_not_null(strstr(text, "auth_basic_user_file /run/nginx/users;\n"));
	cr_expect_not_null(strstr(text, "proxy_set_header Authorization \"\";\n"));
	cr_expect_not_null(strstr(text, "X-Robots-Tag \"noindex, nofollow\" always;\n"));
	cr_expect_null(strstr(text, "$http_authorization"), "the router's own password is no key");
}
