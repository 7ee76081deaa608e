/* From trees as read to structs. */
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/json.h"
#include "base/text.h"
#include "manifests/format.h"
#include "manifests/parts.h"
#include "manifests/scalar.h"
#include "manifests/schema.h"
#include "manifests/tree.h"

/* What an instance has: its own key, or that of the app. */
struct scope {
	const struct node *own, *app;
};

static const struct node *find(const struct scope *s, const char *key)
{
	const struct node *n = tree_get(s->own, key);

	return n ? n : tree_get(s->app, key);
}

static uint32_t number_of(const struct node *n)
{
	int64_t number;

	return n && node_number(n, &number) ? (uint32_t)number : 0;
}

static const struct node *members(const struct node *n)
{
	return n && n->kind != NODE_SCALAR ? n->child : NULL;
}

struct relationship *relationships_of(struct problems *p, const struct node *map, size_t *n)
{
	struct relationship *list = arena_array(p->arena, (map ? map->n : 0) + 1, sizeof(*list));
	size_t count = 0;

	for (struct node *m = map && map->kind == NODE_MAP ? map->child : NULL; m; m = m->next) {
		const struct node *service = tree_get(m, "service");

		list[count++] = (struct relationship){
			.name = m->key,
			.service = service->text,
			.endpoint = tree_text(m, "endpoint", NULL),
			.node = m,
			.at = service->at,
		};
	}
	*n = count;
	return list;
}

static struct mount *mounts_of(struct problems *p, const struct node *map, size_t *n)
{
	static const char *const sources[] = { "local", "tmp", "instance", "service", "storage" };
	struct mount *list = arena_array(p->arena, (map ? map->n : 0) + 1, sizeof(*list));
	size_t count = 0;

	for (const struct node *m = members(map); m; m = m->next) {
		struct mount *mount = &list[count++];
		const char *source = tree_text(m, "source", "");

		*mount = (struct mount){
			.path = m->key + strspn(m->key, "/"),
			.source_path = tree_get(m, "source_path")->text,
			.service = tree_text(m, "service", NULL),
			.at = m->key_at,
		};
		for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
			if (!strcmp(source, sources[i]))
				mount->source = (enum mount_source)i;
	}
	*n = count;
	return list;
}

static struct variable *variables_of(struct problems *p, const struct node *map, size_t *n)
{
	struct variable *list;
	size_t count = 0;

	for (const struct node *prefix = members(map); prefix; prefix = prefix->next)
		count += prefix->n;
	list = arena_array(p->arena, count + 1, sizeof(*list));
	count = 0;
	for (const struct node *prefix = members(map); prefix; prefix = prefix->next)
		for (const struct node *m = members(prefix); m; m = m->next)
			list[count++] = (struct variable){ .prefix = prefix->key,
							   .name = m->key,
							   .at = m->key_at };
	*n = count;
	return list;
}

static void read_workers(struct problems *p, struct app *a)
{
	const struct node *map = tree_get(a->node, "workers");

	a->workers = arena_array(p->arena, map->n + 1, sizeof(*a->workers));
	for (const struct node *m = members(map); m; m = m->next) {
		const struct scope s = { m, a->node };
		const struct node *commands = tree_get(m, "commands");
		struct worker *w = &a->workers[a->n_workers++];

		*w = (struct worker){
			.name = m->key,
			.container =
				a->name ? arena_printf(p->arena, "%s--%s", a->name, m->key) : NULL,
			.size = find(&s, "size")->text,
			.disk = number_of(find(&s, "disk")),
			.pre_start = tree_text(commands, "pre_start", NULL),
			.start = tree_text(commands, "start", NULL),
			.post_start = tree_text(commands, "post_start", NULL),
			.node = m,
			.at = m->key_at,
		};
		w->relationships =
			relationships_of(p, find(&s, "relationships"), &w->n_relationships);
		w->mounts = mounts_of(p, find(&s, "mounts"), &w->n_mounts);
		w->variables = variables_of(p, find(&s, "variables"), &w->n_variables);
	}
}

static void read_crons(struct problems *p, struct app *a)
{
	const struct node *map = tree_get(a->node, "crons");

	a->crons = arena_array(p->arena, map->n + 1, sizeof(*a->crons));
	for (const struct node *m = members(map); m; m = m->next) {
		const struct node *commands = tree_get(m, "commands");
		uint32_t shutdown = number_of(tree_get(m, "shutdown_timeout"));

		a->crons[a->n_crons++] = (struct cron){
			.name = m->key,
			.spec = tree_text(m, "spec", NULL),
			.start = tree_text(commands, "start", NULL),
			.stop = tree_text(commands, "stop", NULL),
			.shutdown_timeout = shutdown ? shutdown : 10,
			.timeout = number_of(tree_get(m, "timeout")),
			.at = m->key_at,
		};
	}
}

/* Where the file lies is part of what it says. */
static void keep_root(struct problems *p, const struct node *source, const char *root)
{
	struct node *n = node_scalar(p->arena, root, false, NULL);

	n->key = "root";
	for (struct node *m = source->child; m && *root; m = m->next)
		if (!strcmp(m->key, "root") && node_is_null(m)) {
			n->next = m->next;
			*m = *n;
		}
}

void app_read(struct problems *p, const struct node *tree, const char *root, struct app *out)
{
	const struct node *n = format_read(p, &format_app, tree);
	const struct node *name = tree_get(n, "name"), *type = tree_get(n, "type");
	const struct node *web = tree_get(n, "web"), *commands = tree_get(web, "commands");
	const struct node *hooks = tree_get(n, "hooks");
	const struct scope s = { web, n };

	*out = (struct app){ .root = root, .size = "AUTO", .at = tree->at };
	if (!n)
		return;
	out->node = n;
	out->name = name ? name->text : NULL;
	out->at = name ? name->at : node_place(tree);
	out->type = type ? type->text : tree_get(n, "stack") ? "composable" : NULL;
	keep_root(p, tree_get(n, "source"), root);
	out->root = tree_text(tree_get(n, "source"), "root", "");
	out->size = find(&s, "size")->text;
	out->disk = number_of(find(&s, "disk"));
	out->relationships = relationships_of(p, find(&s, "relationships"), &out->n_relationships);
	out->mounts = mounts_of(p, find(&s, "mounts"), &out->n_mounts);
	out->variables = variables_of(p, find(&s, "variables"), &out->n_variables);
	out->pre_start = tree_text(commands, "pre_start", NULL);
	out->start = tree_text(commands, "start", NULL);
	out->post_start = tree_text(commands, "post_start", NULL);
	out->build = tree_text(hooks, "build", NULL);
	out->deploy = tree_text(hooks, "deploy", NULL);
	out->post_deploy = tree_text(hooks, "post_deploy", NULL);
	out->clone = tree_text(hooks, "clone", NULL);
	read_workers(p, out);
	read_crons(p, out);
}

void services_read(struct problems *p, const struct node *tree, struct manifest *out)
{
	const struct node *n = format_read(p, &format_services, tree);

	out->services_node = n;
	out->services = arena_array(p->arena, (n ? n->n : 0) + 1, sizeof(*out->services));
	for (const struct node *m = members(n); m; m = m->next) {
		struct service *s = &out->services[out->n_services++];

		*s = (struct service){
			.name = m->key,
			.type = tree_text(m, "type", NULL),
			.size = tree_text(m, "size", "AUTO"),
			.disk = number_of(tree_get(m, "disk")),
			.node = m,
			.at = m->key_at,
		};
		s->relationships =
			relationships_of(p, tree_get(m, "relationships"), &s->n_relationships);
	}
}

/* "app:http"; the check says what is wrong with it. */
static void split_upstream(struct problems *p, struct route *r)
{
	const char *text = tree_text(r->node, "upstream", NULL);
	const char *colon = text ? strchr(text, ':') : NULL;

	if (!text)
		return;
	r->upstream = colon ? arena_strndup(p->arena, text, (size_t)(colon - text)) : text;
	r->endpoint = colon ? arena_strdup(p->arena, colon + 1) : NULL;
}

void routes_read(struct problems *p, const struct node *tree, struct manifest *out)
{
	const struct node *n = format_read(p, &format_routes, tree);

	out->routes_node = n;
	out->routes = arena_array(p->arena, (n ? n->n : 0) + 1, sizeof(*out->routes));
	for (const struct node *m = members(n); m; m = m->next) {
		struct route *r = &out->routes[out->n_routes++];
		bool primary = false;

		(void)node_flag(tree_get(m, "primary"), &primary);
		*r = (struct route){
			.url = m->key,
			.type = tree_text(m, "type", ""),
			.to = tree_text(m, "to", NULL),
			.id = tree_text(m, "id", NULL),
			.primary = primary,
			.node = m,
			.at = m->key_at,
		};
		split_upstream(p, r);
	}
}

void routes_default(struct problems *p, struct manifest *out)
{
	struct node *tree = node_new(p->arena, NODE_MAP, NULL);
	struct node *route = node_new(p->arena, NODE_MAP, NULL);
	struct node *type = node_scalar(p->arena, "upstream", false, NULL);
	const char *name = out->n_apps ? out->apps[0].name : NULL;
	struct node *to;

	if (!name)
		return;
	to = node_scalar(p->arena, arena_printf(p->arena, "%s:http", name), false, NULL);
	type->key = "type";
	to->key = "upstream";
	route->key = "https://{default}/";
	node_append(route, type);
	node_append(route, to);
	node_append(tree, route);
	routes_read(p, tree, out);
	out->routes_node = NULL;
}
