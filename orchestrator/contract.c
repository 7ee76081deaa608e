#include "orchestrator/contract.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/json.h"
#include "orchestrator/project.h"
#include "orchestrator/variables.h"

char *contract_base64(struct arena *arena, const char *data, size_t size)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *out = arena_alloc(arena, (size + 2) / 3 * 4 + 1), *p = out;

	for (size_t i = 0; i < size; i += 3) {
		uint32_t three = 0;

		for (size_t k = 0; k < 3; k++)
			three = three << 8 | (i + k < size ? (unsigned char)data[i + k] : 0);
		*p++ = digits[three >> 18];
		*p++ = digits[three >> 12 & 63];
		*p++ = (char)(i + 1 < size ? digits[three >> 6 & 63] : '=');
		*p++ = (char)(i + 2 < size ? digits[three & 63] : '=');
	}
	return out;
}

static const struct json_t *container_of(const struct contract *c, const char *name)
{
	return json_path(c->desired, "containers", name, NULL);
}

/* One relationship: what the service opened, and where it is as seen from here. */
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
	json_add(json_put(e, "instance_ips", json_new_list()), json_new_text(ip));
	json_put(e, "port", json_copy_deep(json_get(opened, "port")));
	json_put(e, "scheme", json_copy_deep(json_get(opened, "scheme")));
	json_put_text(e, "rel", endpoint);
	json_put_text(e, "service", service);
	json_put_text(e, "type", json_get_text(target, "type", ""));
	json_put_text(e, "cluster", cluster);
	json_put(e, "username", json_copy_deep(json_get(opened, "username")));
	json_put(e, "password", json_copy_deep(json_get(opened, "password")));
	json_put(e, "path", json_copy_deep(json_get(opened, "path")));
	json_put(e, "query",
		 json_count(json_get(opened, "query")) ? json_copy_deep(json_get(opened, "query"))
						       : json_new_list());
	json_put(e, "fragment", NULL);
	json_put_flag(e, "public", false);
	json_put_flag(e, "host_mapped", false);
	json_put_number(e, "epoch", 0);
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

struct json_t *contract_routes(const struct contract *c)
{
	const struct json_t *publish = json_path(c->desired, "network", "publish", NULL);
	const char *to = json_get_text(publish, "to", NULL);
	const char *url = json_get_text(to ? container_of(c, to) : NULL, "url", NULL);
	struct json_t *map = json_new_map();
	struct json_t *route;

	if (!url)
		return map;
	route = json_put(map, url, json_new_map());
	json_put_flag(route, "primary", true);
	json_put(route, "id", NULL);
	json_put(route, "attributes", json_new_map());
	json_put_text(route, "type", "upstream");
	json_put_text(route, "upstream", to);
	json_put_text(route, "original_url", "http://{default}/");
	return map;
}

static void put_encoded(struct arena *arena, struct json_t *env, const char *name,
			const struct json_t *value)
{
	const char *text = json_print(arena, value, FORM_CANONICAL);

	json_put_text(env, name, contract_base64(arena, text, strlen(text)));
}

struct variables {
	struct arena *arena;
	struct json_t *env;   /* becomes variables of the process */
	struct json_t *other; /* PLATFORM_VARIABLES */
	const char *prefix;
	const struct json_t *secrets;
};

static void put_env(struct variables *v, const char *name, const struct json_t *value)
{
	char *upper = arena_strdup(v->arena, name);

	for (char *p = upper; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	json_put_text(v->env, upper,
		      json_text(value, NULL) ? json_text(value, "")
					     : json_print(v->arena, value, FORM_CANONICAL));
}

static int put_variable(const char *name, struct json_t *value, void *ctx)
{
	struct variables *v = ctx;

	if (!strcmp(v->prefix, "env")) {
		put_env(v, name, value);
	} else if (strcmp(v->prefix, "php") != 0) {
		json_put(v->other, arena_printf(v->arena, "%s:%s", v->prefix, name),
			 json_copy_deep(value));
	}
	return 0;
}

/* Of those that people set: before the manifest's. */
static int put_set(const char *name, struct json_t *entry, void *ctx)
{
	struct variables *v = ctx;
	struct json_t *value = variable_value(name, entry, v->secrets);
	int r = put_variable(name, value, v);

	json_free(value);
	return r;
}

static int put_set_prefix(const char *prefix, struct json_t *names, void *ctx)
{
	struct variables *v = ctx;

	v->prefix = prefix;
	return json_each(names, put_set, v);
}

static int put_prefix(const char *prefix, struct json_t *names, void *ctx)
{
	struct variables *v = ctx;

	v->prefix = prefix;
	return json_each(names, put_variable, v);
}

/* The folder that location "/" serves, else that of the first location that has one. */
static const char *document_root(struct arena *arena, const struct json_t *app)
{
	const struct json_t *locations = json_path(app, "web", "locations", NULL);
	const char *root = json_text(json_path(locations, "/", "root", NULL), NULL);
	const char **names;
	size_t n;

	names = json_keys(arena, locations, &n);
	for (size_t i = 0; !root && i < n; i++)
		root = json_get_text(json_get(locations, names[i]), "root", NULL);
	return root && *root ? arena_printf(arena, "/app/%s", root) : "/app";
}

static void put_runtime(struct arena *arena, const struct contract *c, const struct json_t *self,
			struct json_t *env)
{
	AUTO(json) struct json_t *relationships = contract_relationships(c);
	AUTO(json) struct json_t *routes = contract_routes(c);
	const struct json_t *environment = json_get(self, "environment");
	const struct json_t *app = json_get(self, "app");
	const struct json_t *commands = json_path(app, "web", "commands", NULL);

	put_encoded(arena, env, "PLATFORM_RELATIONSHIPS", relationships);
	put_encoded(arena, env, "PLATFORM_ROUTES", routes);
	json_put_text(env, "PLATFORM_ENVIRONMENT", json_get_text(environment, "machine_name", ""));
	json_put_text(env, "PLATFORM_ENVIRONMENT_TYPE", json_get_text(environment, "type", ""));
	json_put_text(env, "PLATFORM_BRANCH", json_get_text(environment, "name", ""));
	json_put_text(env, "PLATFORM_DOCUMENT_ROOT", document_root(arena, app));
	json_put_text(env, "PLATFORM_APP_COMMAND", json_get_text(commands, "start", ""));
	json_put_text(env, "PLATFORM_PRE_APP_COMMAND", json_get_text(commands, "pre_start", ""));
	json_put_text(env, "PLATFORM_POST_APP_COMMAND", json_get_text(commands, "post_start", ""));
	json_put_text(env, "PLATFORM_SMTP_HOST", "");
	json_put_text(env, "ORCH_URL", json_get_text(self, "url", ""));
	if (!strcmp(json_text(json_path(app, "web", "upstream", "socket_family", NULL), ""),
		    "unix"))
		json_put_text(env, "SOCKET", "/run/app.sock");
	else
		json_put_text(env, "PORT", "8888");
}

struct json_t *contract_environment(const struct contract *c, int runtime)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *application = NULL;
	AUTO(json) struct json_t *other = json_new_map();
	const struct json_t *self = container_of(c, c->container);
	const char *tree = json_text(json_path(self, "code", "tree", NULL), "");
	struct json_t *env = json_new_map();
	struct variables v = { .arena = &arena, .env = env, .other = other, .secrets = c->secrets };

	application = json_copy_deep(json_get(self, "app"));
	json_put(application, "relationships", json_copy_deep(json_get(self, "relationships")));
	json_put_text(application, "tree_id", tree);
	json_put_text(application, "app_dir", "/app");
	(void)json_each(json_get(application, "variables"), put_prefix, &v);
	(void)json_each(json_path(self, "variables", runtime ? "runtime" : "build", NULL),
			put_set_prefix, &v);
	json_put_text(env, "PLATFORM_APPLICATION_NAME", c->container);
	json_put_text(env, "PLATFORM_APP_DIR", "/app");
	json_put_text(env, "PLATFORM_DIR", "/app");
	json_put_text(env, "PLATFORM_PROJECT",
		      json_text(json_path(self, "environment", "project_id", NULL), ""));
	json_put_text(env, "PLATFORM_PROJECT_ENTROPY", c->entropy ? c->entropy : "");
	json_put_text(env, "PLATFORM_TREE_ID", tree);
	put_encoded(&arena, env, "PLATFORM_APPLICATION", application);
	put_encoded(&arena, env, "PLATFORM_VARIABLES", other);
	if (runtime) {
		put_runtime(&arena, c, self, env);
	} else {
		json_put_text(env, "PLATFORM_VENDOR", "orch");
		json_put_text(env, "PLATFORM_CACHE_DIR", "/tmp/cache");
		json_put_text(env, "PLATFORM_OUTPUT_DIR", "/app");
		json_put_text(env, "CI", "true");
	}
	return env;
}
