/* What one field alone can't tell: images, disks, mounts, relationships. */
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/json.h"
#include "base/text.h"
#include "manifests/parts.h"
#include "manifests/recipe.h"
#include "manifests/scalar.h"
#include "manifests/schema.h"
#include "manifests/tree.h"

/* An app or a service: what both have. */
struct part {
	const char *name, *type;
	bool app;
	uint32_t disk;
	struct relationship *relationships;
	size_t n_relationships;
	const struct node *node;
	struct place at;
	const struct json_t *configuration;
	const struct recipe *recipe; /* NULL: not known */
	enum { UNSEEN, ON_PATH, DONE } mark;
};

struct check {
	struct problems *problems;
	const struct catalog *types;
	struct part *parts;
	size_t n;
};

static struct place place_in(const struct part *part, const char *key)
{
	const struct node *n = tree_get(part->node, key);

	return n ? n->at : part->at;
}

static struct part *find_part(const struct check *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->parts[i].name && !strcmp(c->parts[i].name, name))
			return &c->parts[i];
	return NULL;
}

static void gather(struct check *c, struct manifest *m)
{
	c->parts =
		arena_array(c->problems->arena, m->n_apps + m->n_services + 1, sizeof(*c->parts));
	for (size_t i = 0; i < m->n_apps; i++) {
		struct app *a = &m->apps[i];

		c->parts[c->n++] = (struct part){
			a->name, a->type, true, a->disk, a->relationships, a->n_relationships,
			a->node, a->at
		};
	}
	for (size_t i = 0; i < m->n_services; i++) {
		struct service *s = &m->services[i];

		c->parts[c->n++] = (struct part){ s->name,
						  s->type,
						  false,
						  s->disk,
						  s->relationships,
						  s->n_relationships,
						  s->node,
						  s->at,
						  s->configuration };
	}
}

static void check_names(const struct check *c)
{
	for (size_t i = 0; i < c->n; i++) {
		struct part *first = c->parts[i].name ? find_part(c, c->parts[i].name) : NULL;
		struct problem *problem;

		if (!first || first == &c->parts[i])
			continue;
		problem = problem_add(c->problems, PROBLEM_ERROR, "E0302", c->parts[i].at,
				      "the name \"%s\" is given twice", first->name);
		problem->note_at = first->at;
		problem->note = "first given here";
	}
}

static void unknown_type(const struct check *c, const struct part *part)
{
	size_t n = 0, room = 1;
	const char **all;
	struct problem *problem =
		problem_add(c->problems, PROBLEM_ERROR, "E0301", place_in(part, "type"),
			    "no image for type \"%s\"", part->type);

	for (size_t i = 0; i < c->types->n; i++)
		room += 1 + c->types->recipes[i].aliases.n;
	all = arena_array(c->problems->arena, room, sizeof(*all));
	for (size_t i = 0; i < c->types->n; i++) {
		const struct recipe *r = &c->types->recipes[i];

		if (r->image.app == part->app)
			all[n++] = r->type;
		for (size_t k = 0; r->image.app == part->app && k < r->aliases.n; k++)
			all[n++] = r->aliases.items[k];
	}
	problem->hint = hint_nearest(c->problems, part->type, all, n);
	if (!problem->hint)
		problem->hint = "see what there is: orch image ls";
}

static void check_type(const struct check *c, struct part *part)
{
	if (!part->type)
		return;
	part->recipe = catalog_find(c->types, part->type);
	if (!part->recipe) {
		unknown_type(c, part);
	} else if (part->recipe->image.app != part->app) {
		problem_add(c->problems, PROBLEM_ERROR, "E0303", place_in(part, "type"),
			    "\"%s\" is the type of %s", part->type,
			    part->app ? "a service" : "an app")
			->hint =
			part->app ? "it belongs in services.yaml" : "it belongs in app.yaml";
		part->recipe = NULL;
	}
}

static void check_disk(const struct check *c, const struct part *part)
{
	const struct image_description *image = part->recipe ? &part->recipe->image : NULL;

	if (!image)
		return;
	if (image->data_forbidden && part->disk)
		problem_add(c->problems, PROBLEM_ERROR, "E0305", place_in(part, "disk"),
			    "%s keeps nothing on disk", part->type)
			->hint = "leave out \"disk\"";
	else if (!part->app && image->data && !image->data_forbidden && !part->disk &&
		 !tree_get(part->node, "disk"))
		problem_add(c->problems, PROBLEM_ERROR, "E0304", part->at,
			    "service \"%s\" needs a disk", part->name)
			->hint =
			arena_printf(c->problems->arena, "add: disk: %u",
				     image->data_minimum > 256 ? image->data_minimum : 256);
	else if (part->disk && part->disk < image->data_minimum)
		(void)problem_add(c->problems, PROBLEM_ERROR, "E0306", place_in(part, "disk"),
				  "\"disk\" must be at least %u for %s", image->data_minimum,
				  part->type);
}

static void check_mounts(const struct check *c, const struct app *a)
{
	const struct node *disk = tree_get(a->node, "disk");
	bool told = a->disk || (disk && !node_is_null(disk));

	for (size_t i = 0; i < a->n_mounts; i++) {
		const struct mount *m = &a->mounts[i];

		if (m->source == MOUNT_LOCAL && !told) {
			problem_add(c->problems, PROBLEM_ERROR, "E0304", m->at,
				    "the mount \"%s\" needs a disk", m->path)
				->hint = "add to the app: disk: 512";
			told = true;
		}
		for (size_t k = 0; k < a->n_mounts; k++) {
			const struct mount *o = &a->mounts[k];
			size_t len = strlen(o->path);

			if (k < i && !strcmp(o->path, m->path))
				(void)problem_add(c->problems, PROBLEM_ERROR, "E0307", m->at,
						  "the mount \"%s\" is given twice", m->path);
			else if (k != i && !strncmp(m->path, o->path, len) && m->path[len] == '/' &&
				 m->source != o->source)
				(void)problem_add(c->problems, PROBLEM_ERROR, "E0308", m->at,
						  "the mount \"%s\" lies in \"%s\", which has "
						  "another source",
						  m->path, o->path);
		}
	}
}

static void unknown_target(const struct check *c, const struct relationship *r)
{
	AUTO(text) struct text all = { 0 };
	const char **names = arena_array(c->problems->arena, c->n + 1, sizeof(*names));
	struct place at = { 0 };
	struct problem *problem;
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++) {
		if (!c->parts[i].name)
			continue;
		names[n++] = c->parts[i].name;
		if (c->parts[i].app)
			continue;
		text_printf(&all, "%s\"%s\"", at.file ? ", " : "", c->parts[i].name);
		if (!at.file)
			at = c->parts[i].at;
	}
	problem = problem_add(c->problems, PROBLEM_ERROR, "E0310", r->at,
			      "service \"%s\" is not defined", r->service);
	problem->hint = hint_nearest(c->problems, r->service, names, n);
	if (!at.file)
		return;
	problem->note_at = at;
	problem->note =
		arena_printf(c->problems->arena, "services defined here: %s", text_get(&all));
}

/* What an endpoint may be called: the user's own replace the image's default one. */
static size_t endpoint_names(const struct check *c, const struct part *target, const char ***out,
			     const char **standard)
{
	const struct image_description *image = &target->recipe->image;
	const struct json_t *own = json_get(target->configuration, "endpoints");
	size_t n_own = 0, n = 0;
	const char **keys = json_keys(c->problems->arena, own, &n_own);
	const char **names =
		arena_array(c->problems->arena, n_own + image->n_endpoints + 2, sizeof(*names));
	const char *usual = NULL;

	for (; n < n_own; n++)
		names[n] = keys[n];
	for (size_t i = 0; i < image->n_endpoints; i++) {
		bool is_default = image->endpoints[i].is_default || image->n_endpoints == 1;

		if (is_default)
			usual = image->endpoints[i].name;
		if (!is_default || !n_own)
			names[n++] = image->endpoints[i].name;
	}
	if (target->app) {
		names[n++] = "http";
		usual = NULL;
	}
	*standard = NULL;
	for (size_t i = 0; usual && i < n; i++)
		if (!strcmp(names[i], usual))
			*standard = usual;
	*out = names;
	return n;
}

static void resolve(const struct check *c, struct relationship *r, const struct part *target)
{
	const char **names, *standard;
	size_t n = endpoint_names(c, target, &names, &standard);
	struct problem *problem;

	if (!r->endpoint) {
		r->endpoint = standard;
		if (standard)
			return;
		problem = problem_add(c->problems, PROBLEM_ERROR, "E0312", r->at,
				      "\"%s\" has no default endpoint", target->name);
		if (n)
			problem->hint = arena_printf(c->problems->arena, "write \"%s:%s\"",
						     target->name, names[0]);
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], r->endpoint))
			return;
	problem = problem_add(c->problems, PROBLEM_ERROR, "E0311", r->at,
			      "\"%s\" has no endpoint \"%s\"", target->name, r->endpoint);
	problem->hint = hint_nearest(c->problems, r->endpoint, names, n);
	if (!problem->hint && n)
		problem->hint = arena_printf(c->problems->arena, "it has \"%s\"", names[0]);
}

static void check_relationships(const struct check *c, const struct part *part)
{
	for (size_t i = 0; i < part->n_relationships; i++) {
		struct relationship *r = &part->relationships[i];
		const struct part *target = find_part(c, r->service);

		if (!target)
			unknown_target(c, r);
		else if (target->recipe)
			resolve(c, r, target);
		if (!r->endpoint)
			r->endpoint = "";
	}
}

/* path holds the names from where the search began, "a -> b". */
static void find_cycles(const struct check *c, struct part *part, const struct part **path,
			size_t depth)
{
	part->mark = ON_PATH;
	path[depth++] = part;
	for (size_t i = 0; i < part->n_relationships; i++) {
		struct part *target = find_part(c, part->relationships[i].service);
		AUTO(text) struct text shown = { 0 };
		size_t from = depth;

		if (!target || target->mark == DONE)
			continue;
		if (target->mark == UNSEEN) {
			find_cycles(c, target, path, depth);
			continue;
		}
		while (path[from - 1] != target)
			from--;
		for (from--; from < depth; from++)
			text_printf(&shown, "%s -> ", path[from]->name);
		(void)problem_add(c->problems, PROBLEM_ERROR, "E0313", part->relationships[i].at,
				  "relationships in a circle: %s%s", text_get(&shown),
				  target->name);
	}
	part->mark = DONE;
}

void manifest_check(struct problems *p, const struct catalog *types, struct manifest *m)
{
	struct check c = { .problems = p, .types = types };
	const struct part **path;

	gather(&c, m);
	check_names(&c);
	for (size_t i = 0; types && i < c.n; i++)
		check_type(&c, &c.parts[i]);
	for (size_t i = 0; i < c.n; i++)
		check_disk(&c, &c.parts[i]);
	for (size_t i = 0; i < m->n_apps; i++)
		check_mounts(&c, &m->apps[i]);
	for (size_t i = 0; i < c.n; i++)
		check_relationships(&c, &c.parts[i]);
	path = arena_array(p->arena, c.n + 1, sizeof(*path));
	for (size_t i = 0; i < c.n; i++)
		if (c.parts[i].mark == UNSEEN && c.parts[i].name)
			find_cycles(&c, &c.parts[i], path, 0);
}
