#include "orchestrator/routes.h"

#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "manifests/manifest.h"
#include "orchestrator/desired.h"
#include "orchestrator/state.h"

#define VARIABLE_MAX 131072

static bool said(const char *text)
{
	return text && *text;
}

bool routes_wanted(const struct manifest *m, const struct environment *e)
{
	return m->n_apps && m->n_routes && (m->routes_node || said(e->domains) || said(e->access));
}

static bool is_taken(const struct manifest *m, const char *name)
{
	for (size_t i = 0; i < m->n_apps; i++)
		if (!strcmp(m->apps[i].name, name))
			return true;
	for (size_t i = 0; i < m->n_services; i++)
		if (!strcmp(m->services[i].name, name))
			return true;
	return false;
}

const char *routes_name(struct arena *arena, const struct manifest *m)
{
	const char *name = "router";

	while (is_taken(m, name))
		name = arena_printf(arena, "orch-%s", name);
	return name;
}

static int add_path(const char *path, struct json_t *rule, void *ctx)
{
	struct json_t *entry = json_add(ctx, json_copy_deep(rule));

	json_put_text(entry, "path", path);
	return 0;
}

static struct json_t *make_route(const struct route *r)
{
	struct json_t *route = json_copy_deep(r->document);
	struct json_t *redirects = json_get(route, "redirects");
	struct json_t *list;

	/* The first that matches counts; a document's maps have no order, its lists do. */
	if (redirects) {
		list = json_new_list();
		(void)json_each(json_get(redirects, "paths"), add_path, list);
		json_put(redirects, "paths", list);
	}
	json_put_flag(route, "primary", r->primary);
	if (r->upstream) {
		json_put_text(route, "upstream", r->upstream);
		json_put_text(route, "endpoint", r->endpoint);
	}
	return route;
}

static void put_upstream(struct arena *arena, struct json_t *router, const struct route *r,
			 const struct json_t *containers)
{
	const struct json_t *target = json_get(containers, r->upstream);
	const char *image = json_text(json_path(target, "code", "image", NULL), NULL);
	struct json_t *u =
		json_put(json_get(router, "upstreams"),
			 arena_printf(arena, "%s:%s", r->upstream, r->endpoint), json_new_map());

	json_put_text(u, "service", r->upstream);
	json_put_text(u, "endpoint", r->endpoint);
	json_put_number(u, "port", desired_port(target, r->endpoint));
	if (image)
		json_put_text(json_get(router, "versions"), r->upstream, image);
}

void routes_put(struct json_t *router, const struct manifest *m, const struct json_t *containers)
{
	struct json_t *routes = json_put(router, "routes", json_new_map());
	AUTO(arena) struct arena arena = { 0 };

	json_put(router, "upstreams", json_new_map());
	json_put(router, "versions", json_new_map());
	for (size_t i = 0; i < m->n_routes; i++) {
		json_put(routes, m->routes[i].url, make_route(&m->routes[i]));
		if (m->routes[i].upstream)
			put_upstream(&arena, router, &m->routes[i], containers);
	}
}

void routes_put_environment(struct json_t *router, const struct environment *e)
{
	struct json_t *domains = json_put(router, "domains", json_new_list());
	struct json_t *access = NULL;
	AUTO(arena) struct arena arena = { 0 };
	struct error ignored;
	char *list = arena_strdup(&arena, e->domains ? e->domains : ""), *name;

	while ((name = strsep(&list, " ")))
		if (*name)
			json_add(domains, json_new_text(name));
	if (said(e->access))
		access = json_parse("access", e->access, strlen(e->access), &ignored);
	json_put(router, "access", access ? access : json_new_map());
}

const struct json_t *routes_router(const struct json_t *desired)
{
	const struct json_t *containers = json_get(desired, "containers");
	AUTO(arena) struct arena arena = { 0 };
	const char **names;
	size_t n;

	names = json_keys(&arena, containers, &n);
	for (size_t i = 0; i < n; i++)
		if (!strcmp(json_get_text(json_get(containers, names[i]), "kind", ""), "router"))
			return json_get(containers, names[i]);
	return NULL;
}

const char *routes_access(struct arena *arena, const struct json_t *desired)
{
	const struct json_t *access = json_get(routes_router(desired), "access");

	return json_count(access) ? json_print(arena, access, FORM_CANONICAL) : "";
}

struct json_t *routes_public(const struct json_t *desired)
{
	static const char *const inner[] = { "url",	"hosts",    "path",
					     "address", "endpoint", "redirects" };
	AUTO(json) struct json_t *list = routes_resolve(desired);
	const struct json_t *router = routes_router(desired);
	const struct json_t *users = json_path(router, "access", "basic_auth", NULL);
	const struct json_t *addresses = json_path(router, "access", "addresses", NULL);
	struct json_t *map = json_new_map();
	AUTO(arena) struct arena arena = { 0 };
	const char **names;
	size_t n;

	names = json_keys(&arena, users, &n);
	for (size_t i = 0; i < json_count(list); i++) {
		const struct json_t *from = json_at(list, i);
		struct json_t *route =
			json_put(map, json_get_text(from, "url", ""), json_copy_deep(from));
		struct json_t *access = json_put(route, "http_access", json_new_map()), *auth;

		for (size_t k = 0; k < ARRAY_SIZE(inner); k++)
			json_drop(route, inner[k]);
		json_put(access, "addresses",
			 addresses ? json_copy_deep(addresses) : json_new_list());
		/* Who there is; nobody's password. */
		auth = json_put(access, "basic_auth", json_new_map());
		for (size_t k = 0; k < n; k++)
			json_put(auth, names[k], NULL);
		json_put_flag(route, "restrict_robots", routes_hidden(router));
	}
	return map;
}

int routes_check(const struct json_t *desired, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *routes = routes_public(desired);
	/* As base64, with the variable's name in front. */
	size_t size = strlen(json_print(&arena, routes, FORM_CANONICAL)) * 4 / 3 + 32;

	if (size < VARIABLE_MAX)
		return 0;
	return fail(err, ERROR_INPUT,
		    "%zu routes are %zu KB in PLATFORM_ROUTES, and %d KB is the most that a "
		    "process can be given; redirects of single paths don't count",
		    json_count(routes), size / 1024, VARIABLE_MAX / 1024);
}

struct json_t *routes_config(const struct json_t *desired)
{
	const struct json_t *router = routes_router(desired);
	const struct json_t *environment = json_get(router, "environment");
	struct json_t *config = json_new_map();
	AUTO(arena) struct arena arena = { 0 };
	char digest[SHA256_HEX];
	int64_t port = json_number(json_path(desired, "network", "publish", "port", NULL), 80);

	desired_digest(router, digest);
	json_put(config, "routes", routes_resolve(desired));
	json_put_text(config, "version", arena_printf(&arena, "%.12s", digest));
	json_put(config, "access", json_copy_deep(json_get(router, "access")));
	json_put_flag(config, "robots", routes_hidden(router));
	json_put_text(config, "cluster",
		      arena_printf(&arena, "%s-%s", json_get_text(environment, "project_id", ""),
				   json_get_text(environment, "machine_name", "")));
	json_put_number(config, "port", port);
	return config;
}

static bool is_for_people(const struct json_t *route)
{
	return strcmp(json_get_text(route, "type", ""), "redirect") != 0 &&
		!strchr(json_get_text(route, "url", ""), '*');
}

const char **routes_urls(struct arena *arena, const struct json_t *desired, size_t *n)
{
	AUTO(json) struct json_t *list = routes_resolve(desired);
	const char **urls = arena_array(arena, json_count(list) + 1, sizeof(*urls));

	*n = 0;
	for (int first = 1; first >= 0; first--)
		for (size_t i = 0; i < json_count(list); i++) {
			const struct json_t *route = json_at(list, i);

			if (is_for_people(route) &&
			    json_get_flag(route, "primary", false) == (first == 1))
				urls[(*n)++] = arena_strdup(arena, json_get_text(route, "url", ""));
		}
	return urls;
}
