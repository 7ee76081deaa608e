/* Mounts: disks, what lies in what, and whose volume it is. */
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "manifests/parts.h"
#include "manifests/recipe.h"
#include "manifests/schema.h"
#include "manifests/tree.h"

static bool is_shared(enum mount_source source)
{
	return source == MOUNT_SERVICE || source == MOUNT_STORAGE;
}

/* What others share may lie in what is one's own, not the other way round. */
static bool may_lie_in(const struct mount *inner, const struct mount *outer)
{
	if (inner->source == outer->source)
		return true;
	return is_shared(inner->source) && outer->source == MOUNT_LOCAL;
}

static void check_pair(const struct check *c, const struct mount *m, const struct mount *o,
		       bool earlier)
{
	size_t len = strlen(o->path);

	if (!strcmp(o->path, m->path)) {
		if (earlier)
			(void)problem_add(c->problems, PROBLEM_ERROR, "E0307", m->at,
					  "the mount \"%s\" is given twice", m->path);
	} else if (!strncmp(m->path, o->path, len) && m->path[len] == '/' && !may_lie_in(m, o)) {
		(void)problem_add(c->problems, PROBLEM_ERROR, "E0308", m->at,
				  "the mount \"%s\" lies in \"%s\", which has another source",
				  m->path, o->path);
	}
}

static void check_service(const struct check *c, const struct mount *m)
{
	const char **names = arena_array(c->problems->arena, c->n + 1, sizeof(*names));
	const struct part *target = find_part(c, m->service);
	struct problem *problem;
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		if (c->parts[i].storage)
			names[n++] = c->parts[i].name;
	if (target && (target->storage || !target->image))
		return;
	problem = problem_add(c->problems, PROBLEM_ERROR, "E0309", m->at,
			      target ? "\"%s\" is no service whose volume can be mounted"
				     : "service \"%s\" is not defined",
			      m->service);
	problem->hint = hint_nearest(c->problems, m->service, names, n);
	if (!problem->hint && n)
		problem->hint = arena_printf(c->problems->arena, "there is \"%s\"", names[0]);
	for (size_t i = 0; c->types && i < c->types->n_types && !problem->hint; i++)
		if (c->types->types[i].storage)
			problem->hint =
				arena_printf(c->problems->arena, "it takes a service of type %s",
					     c->types->types[i].name);
}

/* A disk that was refused has been complained about. */
static bool has_disk(const struct part *part)
{
	const struct node *disk = tree_get(part->node, "disk");

	return part->disk > 0 || (disk && disk->at.file);
}

/* The volume of the app itself, or of another one. */
static void check_storage(const struct check *c, const struct part *part, const struct mount *m)
{
	const struct part *owner = m->service ? find_part(c, m->service) : part->owner;
	const char **names = arena_array(c->problems->arena, c->n + 1, sizeof(*names));
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		if (c->parts[i].kind == PART_APP && c->parts[i].name)
			names[n++] = c->parts[i].name;
	if (!owner || owner->kind != PART_APP)
		problem_add(c->problems, PROBLEM_ERROR, "E0309", m->at,
			    "\"%s\" is no app whose volume can be mounted", m->service)
			->hint = hint_nearest(c->problems, m->service, names, n);
	else if (!has_disk(owner))
		problem_add(c->problems, PROBLEM_ERROR, "E0304", m->at,
			    "the mount \"%s\" needs a disk of the app \"%s\"", m->path, owner->name)
			->hint = "add to the app: disk: 512";
}

void check_mounts(const struct check *c, const struct part *part)
{
	bool told = part->disk > 0;

	for (size_t i = 0; i < part->n_mounts; i++) {
		const struct mount *m = &part->mounts[i];

		if (m->source == MOUNT_LOCAL && !told) {
			if (!has_disk(part))
				problem_add(c->problems, PROBLEM_ERROR, "E0304", m->at,
					    "the mount \"%s\" needs a disk", m->path)
					->hint = "add to the app: disk: 512";
			told = true;
		}
		if (m->source == MOUNT_SERVICE && m->service)
			check_service(c, m);
		if (m->source == MOUNT_STORAGE)
			check_storage(c, part, m);
		for (size_t k = 0; k < part->n_mounts; k++)
			if (k != i)
				check_pair(c, m, &part->mounts[k], k < i);
	}
}
