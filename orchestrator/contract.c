#include "orchestrator/contract.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/json.h"
#include "base/text.h"
#include "manifests/recipe.h"
#include "orchestrator/routes.h"
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

const struct json_t *contract_commands(const struct json_t *container)
{
	const struct json_t *own = json_path(container, "app", "worker", "commands", NULL);

	return own ? own : json_path(container, "app", "web", "commands", NULL);
}

/* Nothing is in front of the app: what a router would do isn't done. */
static void put_direct(struct json_t *route)
{
	static const char *const off[] = { "cache", "ssi", "sticky" };
	struct json_t *access = json_put(route, "http_access", json_new_map());

	for (size_t i = 0; i < ARRAY_SIZE(off); i++)
		json_put_flag(json_put(route, off[i], json_new_map()), "enabled", false);
	json_put(access, "addresses", json_new_list());
	json_put(access, "basic_auth", json_new_map());
	json_put_flag(route, "restrict_robots", false);
	json_put(route, "tls", json_new_map());
}

struct json_t *contract_routes(const struct contract *c)
{
	const struct json_t *publish = json_path(c->desired, "network", "publish", NULL);
	const char *to = json_get_text(publish, "to", NULL);
	const char *url = json_get_text(to ? container_of(c, to) : NULL, "url", NULL);
	struct json_t *map, *route;

	if (routes_router(c->desired))
		return routes_public(c->desired);
	map = json_new_map();
	if (!url)
		return map;
	route = json_put(map, url, json_new_map());
	json_put_flag(route, "primary", true);
	json_put(route, "id", NULL);
	json_put(route, "attributes", json_new_map());
	json_put_text(route, "type", "upstream");
	json_put_text(route, "upstream", to);
	json_put_text(route, "original_url", "https://{default}/");
	put_direct(route);
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

struct json_t *contract_upstream(const struct contract *c)
{
	const struct json_t *own =
		json_path(container_of(c, c->container), "app", "web", "upstream", NULL);
	const struct image_description *image = c->image;
	struct json_t *upstream = json_new_map();

	json_put_text(upstream, "socket_family",
		      json_get_text(own, "socket_family", image ? image->socket_family : "tcp"));
	json_put_text(upstream, "protocol",
		      json_get_text(own, "protocol", image ? image->protocol : "http"));
	return upstream;
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

/* What web.commands says, or the image's own start. */
static const char *start_command(struct arena *arena, const struct contract *c,
				 const struct json_t *commands)
{
	const struct image_description *image = c->image;
	AUTO(text) struct text line = { 0 };

	for (size_t i = 0; image && i < image->n_processes; i++)
		for (size_t k = 0; image->processes[i].main && k < image->processes[i].command.n;
		     k++)
			text_printf(&line, "%s%s", k ? " " : "",
				    image->processes[i].command.items[k]);
	return json_get_text(commands, "start", arena_strdup(arena, text_get(&line)));
}

static void put_runtime(struct arena *arena, const struct contract *c, const struct json_t *self,
			struct json_t *env)
{
	AUTO(json) struct json_t *relationships = contract_relationships(c);
	AUTO(json) struct json_t *routes = contract_routes(c);
	AUTO(json) struct json_t *upstream = contract_upstream(c);
	const struct json_t *environment = json_get(self, "environment");
	const struct json_t *app = json_get(self, "app");
	const struct json_t *commands = contract_commands(self);

	put_encoded(arena, env, "PLATFORM_RELATIONSHIPS", relationships);
	put_encoded(arena, env, "PLATFORM_ROUTES", routes);
	json_put_text(env, "PLATFORM_ENVIRONMENT", json_get_text(environment, "machine_name", ""));
	json_put_text(env, "PLATFORM_ENVIRONMENT_TYPE", json_get_text(environment, "type", ""));
	json_put_text(env, "PLATFORM_BRANCH", json_get_text(environment, "name", ""));
	json_put_text(env, "PLATFORM_DOCUMENT_ROOT", document_root(arena, app));
	json_put_text(env, "PLATFORM_APP_COMMAND", start_command(arena, c, commands));
	json_put_text(env, "PLATFORM_PRE_APP_COMMAND", json_get_text(commands, "pre_start", ""));
	json_put_text(env, "PLATFORM_POST_APP_COMMAND", json_get_text(commands, "post_start", ""));
	json_put_text(env, "PLATFORM_SMTP_HOST", "");
	json_put_text(env, "PLATFORM_DIR", "/app");
	json_put_text(env, "ORCH_URL", json_get_text(self, "url", ""));
	if (json_get(app, "worker")) /* nothing is asked of it */
		return;
	if (!strcmp(json_get_text(upstream, "socket_family", ""), "unix"))
		json_put_text(env, "SOCKET", "/run/app.sock");
	else
		json_put_text(env, "PORT", "8888");
}

static void put_build(struct json_t *env)
{
	json_put_text(env, "PLATFORM_VENDOR", "orch");
	json_put_text(env, "PLATFORM_CACHE_DIR", "/tmp/cache");
	json_put_text(env, "PLATFORM_OUTPUT_DIR", "/app");
	json_put_text(env, "CI", "true");
}

/* Mounts with a slash in front, as relationships are beside the app's own part of the document. */
static void put_mounts(struct arena *arena, const struct json_t *self, struct json_t *application)
{
	struct json_t *map = json_put(application, "mounts", json_new_map());
	const struct json_t *mounts = json_get(self, "mounts");
	const char **paths;
	size_t n;

	paths = json_keys(arena, mounts, &n);
	for (size_t i = 0; i < n; i++)
		json_put(map, arena_printf(arena, "/%s", paths[i]),
			 json_copy_deep(json_get(mounts, paths[i])));
}

/* A build knows only what makes another build when it changes. */
static struct json_t *make_application(struct arena *arena, const struct contract *c,
				       const struct json_t *self, int runtime)
{
	static const char *const late[] = { "access", "relationships", "crons", "web", "workers" };
	struct json_t *application = json_copy_deep(json_get(self, "app"));
	const char *tree = json_text(json_path(self, "code", "tree", NULL), "");
	const char *image = json_text(json_path(self, "code", "image", NULL), "");

	put_mounts(arena, self, application);
	json_put_text(application, "tree_id", tree);
	json_put_text(application, "app_dir", "/app");
	if (runtime) {
		json_put(application, "relationships",
			 json_copy_deep(json_get(self, "relationships")));
		json_put_text(
			application, "slug_id",
			arena_printf(
				arena, "%s-%s-%s-%.40s",
				json_text(json_path(self, "environment", "project_id", NULL), ""),
				json_get_text(json_get(self, "app"), "name", c->container), tree,
				image));
		return application;
	}
	for (size_t i = 0; i < ARRAY_SIZE(late); i++)
		json_drop(application, late[i]);
	json_drop(json_get(application, "hooks"), "deploy");
	json_drop(json_get(application, "hooks"), "post_deploy");
	return application;
}

/* Weakest first: what comes later replaces a variable of the same name. */
struct json_t *contract_environment(const struct contract *c, int runtime)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *application = NULL;
	AUTO(json) struct json_t *relationships = runtime ? contract_relationships(c) : NULL;
	AUTO(json) struct json_t *other = json_new_map();
	const struct json_t *self = container_of(c, c->container);
	struct json_t *env = json_new_map();
	struct variables v = { .arena = &arena, .env = env, .other = other, .secrets = c->secrets };

	contract_flatten(&arena, relationships, env);
	application = make_application(&arena, c, self, runtime);
	(void)json_each(json_get(application, "variables"), put_prefix, &v);
	(void)json_each(json_path(self, "variables", runtime ? "runtime" : "build", NULL),
			put_set_prefix, &v);
	json_put_text(env, "PLATFORM_APPLICATION_NAME",
		      json_get_text(json_get(self, "app"), "name", c->container));
	json_put_text(env, "PLATFORM_APP_DIR", "/app");
	json_put_text(env, "PLATFORM_PROJECT",
		      json_text(json_path(self, "environment", "project_id", NULL), ""));
	json_put_text(env, "PLATFORM_PROJECT_ENTROPY", c->entropy ? c->entropy : "");
	json_put_text(env, "PLATFORM_TREE_ID",
		      json_text(json_path(self, "code", "tree", NULL), ""));
	put_encoded(&arena, env, "PLATFORM_APPLICATION", application);
	put_encoded(&arena, env, "PLATFORM_VARIABLES", other);
	if (runtime)
		put_runtime(&arena, c, self, env);
	else
		put_build(env);
	return env;
}
