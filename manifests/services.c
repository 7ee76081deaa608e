#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/json.h"
#include "manifests/parts.h"
#include "manifests/scalar.h"
#include "manifests/schema.h"
#include "manifests/tree.h"

static const char *const sizes[] = { "AUTO", "S", "M", "L", "XL", "2XL", "4XL", NULL };

static void read_configuration(struct problems *p, const struct node *n, void *out)
{
	struct service *s = out;

	if (n->kind != NODE_MAP) {
		(void)wrong_type(p, n, "a map");
		return;
	}
	json_free(s->configuration);
	s->configuration = node_json(n);
}

static void read_relationships(struct problems *p, const struct node *n, void *out)
{
	struct service *s = out;

	relationships_read(p, n, &s->relationships, &s->n_relationships);
}

static const struct field fields[] = {
	{ "type", FIELD_RAW, .required = true, .offset = offsetof(struct service, type) },
	{ "size", FIELD_CHOICE, .offset = offsetof(struct service, size), .choices = sizes },
	{ "disk", FIELD_NUMBER, .offset = offsetof(struct service, disk), .min = 1,
	  .max = 16777216 },
	{ "configuration", FIELD_CALL, .call = read_configuration },
	{ "relationships", FIELD_CALL, .call = read_relationships },
	{ "resources", FIELD_LATER },
	{ "container_profile", FIELD_LATER },
	{ "access", FIELD_LATER },
	{ "firewall", FIELD_LATER },
};

void services_read(struct problems *p, const struct node *root, struct manifest *out)
{
	out->services = arena_array(p->arena, root->n + 1, sizeof(*out->services));
	for (const struct node *m = map_members(p, root); m; m = m->next) {
		struct service *s = &out->services[out->n_services++];

		*s = (struct service){
			.name = m->key,
			.size = "AUTO",
			.configuration = json_new_map(),
			.node = m,
			.at = m->key_at,
		};
		(void)check_name(p, m->key, "a service", m->key_at);
		(void)fields_read(p, m, fields, ARRAY_SIZE(fields), s);
	}
}
