/* From trees as read and checked to the JSON that containers and images see. */
#include <string.h>

#include "base/auto.h"
#include "base/json.h"
#include "manifests/parts.h"
#include "manifests/scalar.h"
#include "manifests/tree.h"

static const char *const instance_keys[] = {
	"size",	     "resources", "container_profile", "disk",	   "relationships",    "mounts",
	"variables", "access",	  "firewall",	       "timezone", "additional_hosts",
};

/* What an instance says of its own takes the place of what the app says. */
static void replace(struct json_t *document, const struct node *own)
{
	for (size_t i = 0; i < ARRAY_SIZE(instance_keys); i++) {
		const struct node *n = tree_get(own, instance_keys[i]);

		if (n)
			json_put(document, instance_keys[i], node_json(n));
	}
	/* Which of the two counts is up to who says it nearest. */
	if (tree_get(own, "container_profile") && !tree_get(own, "resources"))
		json_put(document, "resources", NULL);
}

static void find_variables(const struct json_t *document, struct variable *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		list[i].value =
			json_path(document, "variables", list[i].prefix, list[i].name, NULL);
}

static void make_worker(const struct app *a, struct worker *w)
{
	static const char *const not_its[] = { "web", "workers", "crons", "hooks", "operations" };
	const struct node *commands = tree_get(w->node, "commands");

	w->document = node_json(a->node);
	for (size_t i = 0; i < ARRAY_SIZE(not_its); i++)
		json_drop(w->document, not_its[i]);
	replace(w->document, w->node);
	json_drop(w->document, "timezone"); /* of crons */
	json_put(json_put(w->document, "worker", json_new_map()), "commands",
		 commands ? node_json(commands) : NULL);
	find_variables(w->document, w->variables, w->n_variables);
}

static void make_app(struct app *a)
{
	if (!a->node) {
		a->document = json_new_map();
		return;
	}
	a->document = node_json(a->node);
	if (a->type)
		json_put_text(a->document, "type", a->type);
	replace(a->document, tree_get(a->node, "web"));
	for (size_t i = 0; i < ARRAY_SIZE(instance_keys); i++)
		json_drop(json_get(a->document, "web"), instance_keys[i]);
	a->locations = json_path(a->document, "web", "locations", NULL);
	find_variables(a->document, a->variables, a->n_variables);
	for (size_t i = 0; i < a->n_workers; i++)
		make_worker(a, &a->workers[i]);
}

void documents_make(struct manifest *m)
{
	for (size_t i = 0; i < m->n_apps; i++)
		make_app(&m->apps[i]);
	for (size_t i = 0; i < m->n_services; i++) {
		m->services[i].document = node_json(m->services[i].node);
		m->services[i].configuration = json_get(m->services[i].document, "configuration");
	}
	for (size_t i = 0; i < m->n_routes; i++)
		m->routes[i].document = node_json(m->routes[i].node);
}
