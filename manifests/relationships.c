#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/json.h"
#include "manifests/parts.h"
#include "manifests/scalar.h"
#include "manifests/schema.h"
#include "manifests/tree.h"

static const struct field fields[] = {
	{ "service", FIELD_TEXT, .offset = offsetof(struct relationship, service) },
	{ "endpoint", FIELD_TEXT, .offset = offsetof(struct relationship, endpoint) },
};

/* "service:endpoint" */
static void read_short(struct problems *p, const struct node *n, struct relationship *r)
{
	const char *text = read_text(p, n);
	const char *colon = text ? strchr(text, ':') : NULL;

	if (!text)
		return;
	if (!colon || colon == text || !colon[1]) {
		wrong_value(p, n, "%s must be written \"service:endpoint\"", node_label(p, n))
			->hint = "or leave it empty, when it is named like the service";
		return;
	}
	r->service = arena_strndup(p->arena, text, (size_t)(colon - text));
	r->endpoint = arena_strdup(p->arena, colon + 1);
	if (n->at.width >= strlen(text)) {
		r->at.column += !n->plain; /* the quote */
		r->at.width = (unsigned)(colon - text);
	}
}

void relationships_read(struct problems *p, const struct node *map, struct relationship **list,
			size_t *n)
{
	struct relationship *all = arena_array(p->arena, map->n + 1, sizeof(*all));
	size_t count = 0;

	for (const struct node *m = map_members(p, map); m; m = m->next) {
		struct relationship r = { .name = m->key, .at = node_place(m) };
		size_t errors = p->errors;

		(void)check_name(p, m->key, "a relationship", m->key_at);
		if (m->kind == NODE_MAP) {
			const struct node *service = tree_get(m, "service");

			(void)fields_read(p, m, fields, ARRAY_SIZE(fields), &r);
			if (service && !node_is_null(service))
				r.at = service->at;
		} else if (!node_is_null(m)) {
			r.at = m->at;
			read_short(p, m, &r);
		}
		if (!r.service)
			r.service = m->key;
		if (p->errors == errors)
			all[count++] = r;
	}
	*list = all;
	*n = count;
}

struct json_t *relationships_json(const struct relationship *list, size_t n)
{
	struct json_t *map = json_new_map();

	for (size_t i = 0; i < n; i++) {
		struct json_t *r = json_put(map, list[i].name, json_new_map());

		json_put_text(r, "service", list[i].service);
		json_put_text(r, "endpoint", list[i].endpoint);
	}
	return map;
}
