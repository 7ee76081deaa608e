/* What an application is told of its relationships, as objects and as plain variables. */
#include <ctype.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/json.h"
#include "orchestrator/contract.h"
#include "orchestrator/project.h"

static const struct json_t *container_of(const struct contract *c, const char *name)
{
	return json_path(c->desired, "containers", name, NULL);
}

static void put_credentials(struct json_t *e, const struct json_t *opened, const char *ip)
{
	static const char *const names[] = { "username", "password", "path" };
	const struct json_t *query = json_get(opened, "query");

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		json_put(e, names[i], json_copy_deep(json_get(opened, names[i])));
	json_add(json_put(e, "instance_ips", json_new_list()), json_new_text(ip));
	json_put(e, "query", json_count(query) ? json_copy_deep(query) : json_new_list());
	json_put(e, "fragment", NULL);
	json_put_flag(e, "public", false);
	json_put_flag(e, "host_mapped", false);
	json_put_number(e, "epoch", 0);
}

/*
 * One relationship: what the service opened, and where it is as seen from here. What opens no credentials, not
 * even null ones, has a short form.
 */
static struct json_t *make_endpoint(struct arena *arena, const struct contract *c, const char *name,
				    const struct json_t *link)
{
	const char *service = json_get_text(link, "service", "");
	const char *endpoint = json_get_text(link, "endpoint", "");
	const struct json_t *target = container_of(c, service);
	const struct json_t *environment = json_get(target, "environment");
	const struct json_t *opened = json_path(c->opened, service, endpoint, NULL);
	struct json_t *e = json_new_map();
	const char *ip = json_get_text(target, "address", "");
	const char *cluster =
		arena_printf(arena, "%s-%s", json_get_text(environment, "project_id", ""),
			     json_get_text(environment, "machine_name", ""));
	const char *hash = project_hash(arena, arena_printf(arena, "%s/%s", cluster, service), 26);

	json_put_text(e, "host", arena_printf(arena, "%s.internal", name));
	json_put_text(e, "hostname",
		      arena_printf(arena, "%s.%s.service._.orch.internal", hash, service));
	json_put_text(e, "ip", ip);
	json_put(e, "port", json_copy_deep(json_get(opened, "port")));
	json_put(e, "scheme", json_copy_deep(json_get(opened, "scheme")));
	json_put_text(e, "rel", endpoint);
	json_put_text(e, "service", service);
	json_put_text(e, "type", json_get_text(target, "type", ""));
	json_put_text(e, "cluster", cluster);
	if (json_get(opened, "username") || json_get(opened, "path"))
		put_credentials(e, opened, ip);
	return e;
}

struct json_t *contract_relationships(const struct contract *c)
{
	AUTO(arena) struct arena arena = { 0 };
	const struct json_t *links = json_get(container_of(c, c->container), "relationships");
	struct json_t *map = json_new_map();
	const char **names;
	size_t n;

	names = json_keys(&arena, links, &n);
	for (size_t i = 0; i < n; i++) {
		struct json_t *list = json_put(map, names[i], json_new_list());

		json_add(list, make_endpoint(&arena, c, names[i], json_get(links, names[i])));
	}
	return map;
}

struct flat {
	struct arena *arena;
	struct json_t *env;
	const char *name; /* of the relationship, as part of a variable's name */
};

static void put_flat(struct flat *f, const char *field, const char *value)
{
	char *name = arena_printf(f->arena, "%s_%s", f->name, field);

	for (char *p = name; *p; p++)
		*p = isalnum((unsigned char)*p) ? (char)toupper((unsigned char)*p) : '_';
	json_put_text(f->env, name, value);
}

static int put_field(const char *field, struct json_t *value, void *ctx)
{
	struct flat *f = ctx;
	const char *text = json_text(value, NULL);

	if (json_kind_of(value) == KIND_NULL)
		text = "";
	put_flat(f, field, text ? text : json_print(f->arena, value, FORM_CANONICAL));
	return 0;
}

/* scheme://user:password@host:port/path, each part that there is. */
static const char *url_of(struct arena *arena, const struct json_t *e)
{
	const char *user = json_get_text(e, "username", NULL);
	const char *password = json_get_text(e, "password", NULL);
	const char *path = json_get_text(e, "path", NULL);

	return arena_printf(arena, "%s://%s%s%s%s%s:%lld%s%s", json_get_text(e, "scheme", ""),
			    user ? user : "", password ? ":" : "", password ? password : "",
			    user || password ? "@" : "", json_get_text(e, "host", ""),
			    (long long)json_get_number(e, "port", 0), path ? "/" : "",
			    path ? path : "");
}

static int put_relationship(const char *name, struct json_t *list, void *ctx)
{
	struct flat *f = ctx;
	struct json_t *e = json_at(list, 0);

	f->name = name;
	(void)json_each(e, put_field, f);
	put_flat(f, "NAME", name);
	put_flat(f, "URL", url_of(f->arena, e));
	return 0;
}

void contract_flatten(struct arena *arena, const struct json_t *relationships, struct json_t *env)
{
	struct flat f = { .arena = arena, .env = env };

	(void)json_each(relationships, put_relationship, &f);
}
