/*
 * routes_resolve.c - from "https://www.{default}/" to an address of one environment
 */
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/json.h"
#include "base/text.h"
#include "orchestrator/routes.h"

struct resolver {
	struct arena *arena;
	const struct json_t *desired, *router, *routes;
	const char *generated; /* the environment's own host */
	const char *standard;  /* what {default} stands for */
	const char *port;      /* ":20321", or "" */
	bool production;
	struct json_t *found; /* URL to route */
};

/* An address cut into its parts; false: it isn't one. */
struct address {
	const char *scheme, *host, *rest; /* rest: from the first "/" on, or "" */
};

static bool cut(struct arena *arena, const char *url, struct address *out)
{
	const char *end = strstr(url, "://");
	size_t len;

	if (!end)
		return false;
	out->scheme = arena_strndup(arena, url, (size_t)(end - url));
	end += 3;
	len = strcspn(end, "/?#");
	out->host = arena_strndup(arena, end, len);
	out->rest = end + len;
	return len > 0;
}

static const char *put_in(struct arena *arena, const char *text, const char *placeholder,
			  const char *value)
{
	const char *at;

	while ((at = strstr(text, placeholder)))
		text = arena_printf(arena, "%.*s%s%s", (int)(at - text), text, value,
				    at + strlen(placeholder));
	return text;
}

/* A host as it is written, for one of the domains; placed: it had a placeholder. */
static const char *host_of(struct resolver *r, const char *host, const char *domain, bool *placed)
{
	const char *name = put_in(r->arena, host, "{all}", domain);

	name = put_in(r->arena, name, "{default}", r->standard);
	*placed = strcmp(name, host) != 0;
	/* What is somebody's name in production would be nobody's in a preview. */
	return *placed || r->production ? name
					: arena_printf(r->arena, "%s.%s", name, r->generated);
}

/* Whether a route is written with that host, which then is ours. */
static bool is_ours(struct resolver *r, const char *host)
{
	const char **names;
	size_t n;

	names = json_keys(r->arena, r->routes, &n);
	for (size_t i = 0; i < n; i++) {
		struct address a;

		if (cut(r->arena, names[i], &a) && !strcmp(a.host, host))
			return true;
	}
	return false;
}

/* Where a redirect leads: to one of ours as it is served, anywhere else as it is written. */
static const char *target_of(struct resolver *r, const char *to, const char *domain)
{
	struct address a;
	const char *host;
	bool placed;

	if (!cut(r->arena, to, &a))
		return put_in(r->arena, put_in(r->arena, to, "{all}", domain), "{default}",
			      r->standard);
	host = host_of(r, a.host, domain, &placed);
	if (strchr(a.host, ':') || (!placed && !is_ours(r, a.host)))
		return placed ? arena_printf(r->arena, "%s://%s%s", a.scheme, host, a.rest) : to;
	return arena_printf(r->arena, "http://%s%s%s", host, r->port, *a.rest ? a.rest : "/");
}

static void resolve_targets(struct resolver *r, struct json_t *route, const char *domain)
{
	struct json_t *paths = json_path(route, "redirects", "paths", NULL);
	const char *to = json_get_text(route, "to", NULL);

	if (to && !strcmp(json_get_text(route, "type", ""), "redirect"))
		json_put_text(route, "to", target_of(r, to, domain));
	for (size_t i = 0; i < json_count(paths); i++) {
		struct json_t *rule = json_at(paths, i);

		json_put_text(rule, "to", target_of(r, json_get_text(rule, "to", ""), domain));
	}
}

/* Of a service or an app: where the router finds it. */
static void put_address(struct resolver *r, struct json_t *route)
{
	const char *name = json_get_text(route, "upstream", NULL);
	const char *key = arena_printf(r->arena, "%s:%s", name ? name : "",
				       json_get_text(route, "endpoint", ""));
	const char *address = json_text(
		json_path(r->desired, "containers", name ? name : "", "address", NULL), "");
	int64_t port = json_number(json_path(r->router, "upstreams", key, "port", NULL), 0);

	if (name)
		json_put_text(route, "address",
			      arena_printf(r->arena, "%s:%d", address, (int)port));
}

/* The environment's own name still works where {default} is another one. */
static void put_hosts(struct resolver *r, struct json_t *route, const char *written,
		      const char *host)
{
	struct json_t *hosts = json_put(route, "hosts", json_new_list());
	const char *own = put_in(r->arena, written, "{default}", r->generated);

	json_add(hosts, json_new_text(host));
	if (strcmp(own, written) != 0 && !strstr(own, "{all}") && strcmp(own, host) != 0)
		json_add(hosts, json_new_text(own));
}

static void add(struct resolver *r, const char *written, const struct address *a,
		const char *domain, bool first)
{
	const struct json_t *document = json_get(r->routes, written);
	bool placed;
	const char *host = host_of(r, a->host, domain, &placed);
	const char *url = arena_printf(r->arena, "http://%s%s%s", host, r->port, a->rest);
	struct json_t *route;

	if (json_get(r->found, url))
		return;
	route = json_copy_deep(document);
	resolve_targets(r, route, domain);
	/* To its own address over TLS, which there isn't. */
	if (!strcmp(json_get_text(route, "type", ""), "redirect") &&
	    !strcmp(json_get_text(route, "to", ""), url)) {
		json_free(route);
		return;
	}
	json_put_text(route, "url", url);
	json_put_text(route, "path", a->rest);
	json_put_text(route, "original_url", written);
	json_put_flag(route, "primary", first && json_get_flag(document, "primary", false));
	put_hosts(r, route, a->host, host);
	put_address(r, route);
	json_put(r->found, url, route);
}

/* One of the passes in which addresses are given away: who comes first has it. */
static void pass(struct resolver *r, bool redirects, bool https, bool all)
{
	const struct json_t *domains = json_get(r->router, "domains");
	const char **names;
	size_t n;

	names = json_keys(r->arena, r->routes, &n);
	for (size_t i = 0; i < n; i++) {
		const char *type = json_get_text(json_get(r->routes, names[i]), "type", "");
		struct address a;
		size_t k = 0;

		if (!cut(r->arena, names[i], &a) || !strcmp(type, "redirect") != redirects ||
		    !strcmp(a.scheme, "https") != https || (strstr(a.host, "{all}") != NULL) != all)
			continue;
		do {
			add(r, names[i], &a, json_text(json_at(domains, k), r->standard), k == 0);
		} while (all && ++k < json_count(domains));
	}
}

static void resolve(struct resolver *r)
{
	for (unsigned i = 0; i < 8; i++)
		pass(r, i & 4, !(i & 2), i & 1);
}

struct json_t *routes_resolve(const struct json_t *desired)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *found = json_new_map();
	const struct json_t *router = routes_router(desired);
	const struct json_t *environment = json_get(router, "environment");
	int64_t port = json_number(json_path(desired, "network", "publish", "port", NULL), 0);
	struct resolver r = {
		.arena = &arena,
		.desired = desired,
		.router = router,
		.routes = json_get(router, "routes"),
		.port = port && port != 80 ? arena_printf(&arena, ":%d", (int)port) : "",
		.production = !strcmp(json_get_text(environment, "type", ""), "production"),
		.found = found,
	};
	struct json_t *list = json_new_list();
	const char **names;
	size_t n;

	if (!router)
		return list;
	r.generated = arena_printf(&arena, "%s.%s.orch.localhost",
				   json_get_text(environment, "machine_name", ""),
				   json_get_text(environment, "project", ""));
	r.standard = json_text(json_at(json_get(router, "domains"), 0), r.generated);
	resolve(&r);
	names = json_keys(&arena, found, &n);
	for (size_t i = 0; i < n; i++)
		json_add(list, json_copy_deep(json_get(found, names[i])));
	return list;
}

bool routes_hidden(const struct json_t *router)
{
	return strcmp(json_text(json_path(router, "environment", "type", NULL), ""),
		      "production") != 0;
}
