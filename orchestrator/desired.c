#include "orchestrator/desired.h"

#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "manifests/manifest.h"
#include "manifests/recipe.h"
#include "netplan/plan.h"
#include "orchestrator/desired_mounts.h"
#include "orchestrator/limits.h"
#include "orchestrator/project.h"
#include "orchestrator/routes.h"
#include "orchestrator/state.h"

struct maker {
	struct arena *arena;
	const struct desired_input *in;
	struct json_t *containers;
	const char *router; /* its name; NULL: none */
	uint32_t *taken;
	size_t n_taken;
};

static const struct desired_image *find_image(const struct desired_image *images, size_t n,
					      const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(images[i].name, name))
			return &images[i];
	return NULL;
}

static struct json_t *make_relationships(const struct relationship *list, size_t n)
{
	struct json_t *map = json_new_map();

	for (size_t i = 0; i < n; i++) {
		struct json_t *r = json_put(map, list[i].name, json_new_map());

		json_put_text(r, "service", list[i].service);
		json_put_text(r, "endpoint", list[i].endpoint);
	}
	return map;
}

static struct json_t *make_endpoints(const struct image_description *image)
{
	struct json_t *map = json_new_map();

	for (size_t i = 0; i < image->n_endpoints; i++) {
		struct json_t *e = json_put(map, image->endpoints[i].name, json_new_map());

		json_put_text(e, "scheme", image->endpoints[i].scheme);
		json_put_number(e, "port", image->endpoints[i].port);
		if (image->endpoints[i].is_default)
			json_put_flag(e, "default", true);
	}
	return map;
}

static struct json_t *make_environment(const struct environment *e)
{
	struct json_t *map = json_new_map();

	json_put_text(map, "name", e->name);
	json_put_text(map, "machine_name", e->id);
	json_put_text(map, "type", e->type);
	json_put_text(map, "project", e->project);
	json_put_text(map, "project_id", e->project_id);
	return map;
}

/* What the container had, if it was there before; else left for give_addresses(). */
static void keep_address(struct maker *m, struct json_t *c, const char *name)
{
	const char *had =
		json_text(json_path(m->in->previous, "containers", name, "address", NULL), NULL);
	uint32_t address;

	if (!had || net_parse(had, &address) < 0)
		return;
	json_put_text(c, "address", had);
	m->taken[m->n_taken++] = address;
}

static int give_addresses(struct maker *m, struct error *err)
{
	size_t n;
	const char **names = json_keys(m->arena, m->containers, &n);
	char text[16];

	for (size_t i = 0; i < n; i++) {
		struct json_t *c = json_get(m->containers, names[i]);
		uint32_t address;

		if (json_get(c, "address"))
			continue;
		address = net_free_address(m->taken, m->n_taken);
		if (!address)
			return fail(err, ERROR_INPUT,
				    "no address left: at most %u containers in one environment",
				    NET_CONTAINERS_N - 2);
		m->taken[m->n_taken++] = address;
		json_put_text(c, "address", net_print(text, address));
	}
	return 0;
}

static struct json_t *begin(struct maker *m, const char *kind, const char *name, const char *type,
			    const char *size, uint32_t disk, const struct json_t *document)
{
	const struct image_description *image = catalog_image(m->in->catalog, type);
	const struct desired_image *base = find_image(m->in->bases, m->in->n_bases, type);
	struct json_t *c = json_put(m->containers, name, json_new_map());

	json_put_text(c, "kind", kind);
	json_put_text(c, "type", type);
	json_put_text(c, "base", base ? base->digest : NULL);
	/* As declared in production; a preview has the smallest, whatever the manifest says. */
	if (!environment_is_production(m->in->environment))
		size = "S";
	json_put(c, "limits", limits_make(image, size, document));
	json_put(c, "disk", disk ? json_new_number(disk) : NULL);
	json_put(c, "environment", make_environment(m->in->environment));
	json_put(c, "endpoints", make_endpoints(image));
	keep_address(m, c, name);
	return c;
}

static int add_name(const char *name, struct json_t *value, void *ctx)
{
	(void)value;
	json_add(ctx, json_new_text(name));
	return 0;
}

/* The first rule that matches decides; a document's maps have no order, its lists do. */
static int add_rules(const char *path, struct json_t *location, void *ctx)
{
	const struct json_t *rules = json_get(location, "rules");

	if (json_count(rules) > 1) {
		struct json_t *order = json_put(ctx, path, json_new_list());

		(void)json_each(rules, add_name, order);
	}
	return 0;
}

static char *make_url(struct arena *arena, const struct environment *e)
{
	return arena_printf(arena, "http://%s:%u/",
			    !strcmp(e->publish_address, "0.0.0.0") ? "127.0.0.1"
								   : e->publish_address,
			    e->publish_port);
}

/* What an app's containers have in common, the one for the web and its workers. */
static void add_code(struct maker *m, struct json_t *c, const struct app *app,
		     const struct json_t *document)
{
	const struct desired_image *code = find_image(m->in->codes, m->in->n_codes, app->name);
	struct json_t *part = json_put(c, "code", json_new_map());

	json_put_text(part, "image", code ? code->digest : NULL);
	json_put_text(part, "tree", code ? code->tree : NULL);
	json_put_text(c, "url", make_url(m->arena, m->in->environment));
	part = json_put(c, "app", json_copy_deep(document));
	json_drop(part, "relationships"); /* beside it, resolved */
	json_drop(part, "mounts");
	if (json_get(m->in->variables, app->name))
		json_put(c, "variables", json_copy_deep(json_get(m->in->variables, app->name)));
}

static void add_app(struct maker *m, const struct app *app)
{
	struct json_t *c = begin(m, "app", app->name, app->type, app->size,
				 mounts_disk(app->disk, app->mounts, app->n_mounts), app->document);

	add_code(m, c, app, app->document);
	json_put(c, "relationships", make_relationships(app->relationships, app->n_relationships));
	json_put(c, "mounts", mounts_document(app, app->mounts, app->n_mounts));
	(void)json_each(json_path(c, "app", "web", "locations", NULL), add_rules,
			json_put(c, "rules", json_new_map()));
}

static void add_worker(struct maker *m, const struct app *app, const struct worker *w)
{
	struct json_t *c = begin(m, "worker", w->container, app->type, w->size,
				 mounts_worker_disk(w), w->document);

	add_code(m, c, app, w->document);
	json_put(c, "endpoints", json_new_map());
	json_put(c, "relationships", make_relationships(w->relationships, w->n_relationships));
	json_put(c, "mounts", mounts_document(app, w->mounts, w->n_mounts));
}

/* What an app has in its document, where it is given. */
static void add_service(struct maker *m, const struct service *service)
{
	static const char *const keys[] = { "firewall", "resources", "container_profile" };
	struct json_t *c = begin(m, "service", service->name, service->type, service->size,
				 service->disk, service->document);

	json_put(c, "relationships",
		 make_relationships(service->relationships, service->n_relationships));
	json_put(c, "configuration", json_copy_deep(service->configuration));
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const struct json_t *value = json_get(service->document, keys[i]);

		if (value && json_kind_of(value) != KIND_NULL)
			json_put(c, keys[i], json_copy_deep(value));
	}
}

static void add_paths(struct maker *m, struct json_t *paths, const char *name, const char *key)
{
	const struct json_t *links = json_path(m->containers, name, key, NULL);
	const char **names;
	size_t n;

	names = json_keys(m->arena, links, &n);
	for (size_t i = 0; i < n; i++) {
		const struct json_t *link = json_get(links, names[i]);
		const char *target = json_get_text(link, "service", "");
		int64_t port = desired_port(json_get(m->containers, target),
					    json_get_text(link, "endpoint", ""));
		struct json_t *path = json_put(
			paths, arena_printf(m->arena, "%s -> %s tcp/%d", name, target, (int)port),
			json_new_map());

		json_put_text(path, "source", name);
		json_put_text(path, "destination", target);
		json_put_number(path, "port", port);
	}
}

/* In front of all the others, and so after them. */
static void add_router(struct maker *m)
{
	const struct manifest *manifest = m->in->manifest;
	struct json_t *c;

	if (!routes_wanted(manifest, m->in->environment))
		return;
	m->router = routes_name(m->arena, manifest);
	c = begin(m, "router", m->router, ROUTES_TYPE, "S", 0, NULL);
	json_put_text(c, "url", make_url(m->arena, m->in->environment));
	routes_put(c, manifest, m->containers);
	routes_put_environment(c, m->in->environment);
}

static struct json_t *make_network(struct maker *m)
{
	const struct environment *e = m->in->environment;
	struct json_t *network = json_new_map();
	struct json_t *paths = json_put(network, "paths", json_new_map());
	struct json_t *publish;
	size_t n;
	const char **names = json_keys(m->arena, m->containers, &n);

	for (size_t i = 0; i < n; i++) {
		add_paths(m, paths, names[i], "relationships");
		add_paths(m, paths, names[i], "upstreams");
	}
	if (!m->in->manifest->n_apps)
		return network;
	publish = json_put(network, "publish", json_new_map());
	json_put_text(publish, "address", e->publish_address);
	json_put_number(publish, "port", e->publish_port);
	json_put_text(publish, "to", m->router ? m->router : m->in->manifest->apps[0].name);
	json_put_number(publish, "container_port", 80);
	return network;
}

struct json_t *desired_make(const struct desired_input *in, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *desired = json_new_map();
	const struct manifest *manifest = in->manifest;
	struct maker m = { .arena = &arena, .in = in };
	size_t n = manifest->n_apps + manifest->n_services + 1;

	for (size_t i = 0; i < manifest->n_apps; i++)
		n += manifest->apps[i].n_workers;
	m.taken = arena_array(&arena, n, sizeof(uint32_t));
	json_put_number(desired, "format", 1);
	json_put_text(desired, "commit", in->project->commit);
	json_put_text(desired, "subject", in->project->subject);
	m.containers = json_put(desired, "containers", json_new_map());
	for (size_t i = 0; i < manifest->n_apps; i++) {
		add_app(&m, &manifest->apps[i]);
		for (size_t k = 0; k < manifest->apps[i].n_workers; k++)
			add_worker(&m, &manifest->apps[i], &manifest->apps[i].workers[k]);
	}
	for (size_t i = 0; i < manifest->n_services; i++)
		add_service(&m, &manifest->services[i]);
	add_router(&m);
	if (give_addresses(&m, err) < 0)
		return NULL;
	json_put(desired, "network", make_network(&m));
	return TAKE_PTR(desired);
}

static int give_environment(const char *name, struct json_t *container, void *ctx)
{
	const struct environment *e = ctx;
	AUTO(arena) struct arena arena = { 0 };

	(void)name;
	json_put(container, "environment", make_environment(e));
	if (json_get(container, "url"))
		json_put_text(container, "url", make_url(&arena, e));
	if (json_get(container, "domains"))
		routes_put_environment(container, e);
	return 0;
}

struct json_t *desired_remake(const struct json_t *document, const struct environment *e)
{
	struct environment env = *e;
	struct json_t *copy = json_copy_deep(document);
	struct json_t *publish = json_path(copy, "network", "publish", NULL);

	(void)json_each(json_get(copy, "containers"), give_environment, &env);
	if (publish) {
		json_put_text(publish, "address", e->publish_address);
		json_put_number(publish, "port", e->publish_port);
	}
	return copy;
}

void desired_shrink(struct json_t *container, const struct image_description *image)
{
	const struct json_t *app = json_get(container, "app");

	json_put(container, "limits", limits_make(image, "S", app ? app : container));
}

void desired_digest(const struct json_t *container, char out[SHA256_HEX])
{
	AUTO(arena) struct arena arena = { 0 };
	const char *text = json_print(&arena, container, FORM_CANONICAL);

	sha256_of(text, strlen(text), out);
}
