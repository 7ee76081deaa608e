/* What one field alone can't tell: images, disks, names. Mounts, links and routes have their own files. */
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/text.h"
#include "manifests/parts.h"
#include "manifests/recipe.h"
#include "manifests/scalar.h"
#include "manifests/schema.h"
#include "manifests/tree.h"

#define TYPES_SHOWN 8

struct place place_in(const struct part *part, const char *key)
{
	const struct node *n = tree_get(part->node, key);

	return n && n->at.file ? n->at : part->at;
}

struct part *find_part(const struct check *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->parts[i].kind != PART_WORKER && c->parts[i].name &&
		    !strcmp(c->parts[i].name, name))
			return &c->parts[i];
	return NULL;
}

static void add_app(struct check *c, const struct app *a)
{
	const struct part *app = &c->parts[c->n];

	c->parts[c->n++] = (struct part){
		.name = a->name,
		.owner = app,
		.type = a->type,
		.kind = PART_APP,
		.disk = a->disk,
		.relationships = a->relationships,
		.n_relationships = a->n_relationships,
		.mounts = a->mounts,
		.n_mounts = a->n_mounts,
		.node = a->node,
		.at = a->at,
	};
	for (size_t i = 0; i < a->n_workers; i++) {
		const struct worker *w = &a->workers[i];

		c->parts[c->n++] = (struct part){
			.name = w->container,
			.owner = app,
			.type = a->type,
			.kind = PART_WORKER,
			.disk = w->disk,
			.relationships = w->relationships,
			.n_relationships = w->n_relationships,
			.mounts = w->mounts,
			.n_mounts = w->n_mounts,
			.node = w->node,
			.at = w->at,
		};
	}
}

static void gather(struct check *c, struct manifest *m)
{
	size_t n = m->n_apps + m->n_services;

	for (size_t i = 0; i < m->n_apps; i++)
		n += m->apps[i].n_workers;
	c->parts = arena_array(c->problems->arena, n + 1, sizeof(*c->parts));
	for (size_t i = 0; i < m->n_apps; i++)
		add_app(c, &m->apps[i]);
	for (size_t i = 0; i < m->n_services; i++) {
		struct service *s = &m->services[i];

		c->parts[c->n++] = (struct part){
			.name = s->name,
			.type = s->type,
			.kind = PART_SERVICE,
			.disk = s->disk,
			.relationships = s->relationships,
			.n_relationships = s->n_relationships,
			.node = s->node,
			.at = s->at,
			.configuration = (struct node *)(size_t)tree_get(s->node, "configuration"),
		};
	}
}

static void check_names(const struct check *c)
{
	for (size_t i = 0; i < c->n; i++)
		for (size_t k = 0; c->parts[i].name && k < i; k++) {
			struct problem *problem;

			if (!c->parts[k].name || strcmp(c->parts[k].name, c->parts[i].name) != 0)
				continue;
			problem = problem_add(c->problems, PROBLEM_ERROR, "E0302", c->parts[i].at,
					      "the name \"%s\" is given twice", c->parts[i].name);
			problem->note_at = c->parts[k].at;
			problem->note = "first given here";
			break;
		}
}

static size_t list_types(const struct check *c, bool app, const char ***out)
{
	size_t n = 0, room = 1;

	for (size_t i = 0; i < c->types->n; i++)
		room += 1 + c->types->recipes[i].aliases.n;
	*out = arena_array(c->problems->arena, room, sizeof(**out));
	for (size_t i = 0; i < c->types->n; i++) {
		const struct recipe *r = &c->types->recipes[i];

		if (r->image.app != app || r->image.router)
			continue;
		(*out)[n++] = r->type;
		for (size_t k = 0; k < r->aliases.n; k++)
			(*out)[n++] = r->aliases.items[k];
	}
	return n;
}

static void unknown_type(const struct check *c, const struct part *part)
{
	const char **all;
	size_t n = list_types(c, part->kind != PART_SERVICE, &all);
	struct problem *problem =
		problem_add(c->problems, PROBLEM_ERROR, "E0301", place_in(part, "type"),
			    "no image for type \"%s\"", part->type);

	problem->hint = hint_nearest(c->problems, part->type, all, n);
	if (!problem->hint)
		problem->hint = "see what there is: orch image ls";
}

/* Checked all the same; deploy makes an error of it. */
static void no_recipe(const struct check *c, const struct part *part)
{
	AUTO(text) struct text shown = { 0 };
	const char **all;
	size_t n = list_types(c, part->kind != PART_SERVICE, &all);

	for (size_t i = 0; i < n && i < TYPES_SHOWN; i++)
		text_printf(&shown, "%s%s", i ? ", " : "", all[i]);
	problem_add(c->problems, PROBLEM_WARNING, "W0301", place_in(part, "type"),
		    "no recipe for %s: it can be checked and planned, not deployed", part->type)
		->hint = n ? arena_printf(c->problems->arena, "the catalogue has %s%s",
					  text_get(&shown), n > TYPES_SHOWN ? ", ..." : "")
			   : "the catalogue is empty";
}

static void check_type(const struct check *c, struct part *part)
{
	const struct known_type *known;

	if (!part->type)
		return;
	known = catalog_type(c->types, part->type);
	part->image = catalog_image(c->types, part->type);
	/* What orch itself puts in front of the apps is nothing to ask for. */
	if (part->image && part->image->router)
		part->image = NULL;
	part->storage = known && known->storage;
	if (part->kind == PART_WORKER)
		return;
	if (!part->image) {
		unknown_type(c, part);
	} else if (part->image->app != (part->kind == PART_APP)) {
		problem_add(c->problems, PROBLEM_ERROR, "E0303", place_in(part, "type"),
			    "\"%s\" is the type of %s", part->type,
			    part->kind == PART_APP ? "a service" : "an app")
			->hint = part->kind == PART_APP ? "it belongs in services.yaml"
							: "it belongs in app.yaml";
		part->image = NULL;
	} else if (!catalog_find(c->types, part->type)) {
		no_recipe(c, part);
	}
}

static void check_disk(const struct check *c, const struct part *part)
{
	const struct image_description *image = part->image;

	if (!image || part->kind != PART_SERVICE)
		return;
	if (image->data_forbidden && part->disk) {
		enum severity severity = c->problems->lenient ? PROBLEM_WARNING : PROBLEM_ERROR;

		problem_add(c->problems, severity, c->problems->lenient ? "W0305" : "E0305",
			    place_in(part, "disk"), "%s keeps nothing on disk", part->type)
			->hint = "leave out \"disk\"";
	} else if (image->data && !image->data_forbidden && !part->disk &&
		   node_is_null(tree_get(part->node, "disk"))) {
		problem_add(c->problems, PROBLEM_ERROR, "E0304", part->at,
			    "service \"%s\" needs a disk", part->name)
			->hint =
			arena_printf(c->problems->arena, "add: disk: %u",
				     image->data_minimum > 256 ? image->data_minimum : 256);
	} else if (part->disk && part->disk < image->data_minimum) {
		(void)problem_add(c->problems, PROBLEM_ERROR, "E0306", place_in(part, "disk"),
				  "\"disk\" must be at least %u for %s", image->data_minimum,
				  part->type);
	}
}

static void check_flavor(const struct check *c, const struct part *part)
{
	const struct known_type *known =
		c->types && part->type ? catalog_type(c->types, part->type) : NULL;
	const struct node *flavor = tree_path(part->node, "build", "flavor", NULL);
	struct problem *problem;

	if (part->kind != PART_APP || !known || !known->flavors.n || node_is_null(flavor) ||
	    !flavor || !strcmp(flavor->text, "none"))
		return;
	for (size_t i = 0; i < known->flavors.n; i++)
		if (!strcmp(known->flavors.items[i], flavor->text))
			return;
	problem = problem_add(c->problems, PROBLEM_ERROR, "E0212", flavor->at,
			      "%s has no build flavor \"%s\"", known->name, flavor->text);
	problem->hint =
		hint_nearest(c->problems, flavor->text, known->flavors.items, known->flavors.n);
	if (!problem->hint)
		problem->hint = arena_printf(c->problems->arena, "there is \"%s\", and none",
					     known->flavors.items[0]);
}

/* What others mount goes by its name in a file system and on a network: RFC 1123, 2.1. */
static void check_storage_name(const struct check *c, const struct part *part)
{
	size_t len = part->name ? strlen(part->name) : 0;

	if (part->storage && len && (strchr(part->name, '_') || part->name[len - 1] == '-'))
		problem_add(c->problems, PROBLEM_ERROR, "E0207", part->at,
			    "\"%s\" can't be the name of a service of type %s", part->name,
			    part->type)
			->hint = "letters, digits and \"-\", as in a host name";
}

size_t manifest_refuse(struct problems *problems)
{
	return problems_raise(problems, "N0204", "E0204") +
		problems_raise(problems, "W0301", "E0301");
}

void manifest_check(struct problems *p, const struct catalog *types, struct manifest *m)
{
	struct check c = { .problems = p, .types = types };

	gather(&c, m);
	check_names(&c);
	for (size_t i = 0; types && i < c.n; i++)
		check_type(&c, &c.parts[i]);
	for (size_t i = 0; i < c.n; i++) {
		check_disk(&c, &c.parts[i]);
		check_flavor(&c, &c.parts[i]);
		check_storage_name(&c, &c.parts[i]);
		check_mounts(&c, &c.parts[i]);
	}
	check_links(&c);
	check_routes(&c, m);
	later_note(p, m);
}
