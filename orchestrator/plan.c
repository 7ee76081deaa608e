#include "orchestrator/plan.h"

#include <string.h>

#include "base/arena.h"
#include "base/json.h"

#define MAX_DEPTH 32

struct maker {
	struct arena *arena;
	const struct plan_view *view;
	const char *container;
	const char *path[MAX_DEPTH];
	size_t depth;
	ARENA_LIST(struct cause) causes;
	ARENA_LIST(struct action) actions;
	size_t changes;
};

static void add_cause(struct maker *m, const struct json_t *before, const struct json_t *after)
{
	const char **path = arena_array(m->arena, m->depth + 1, sizeof(*path));
	struct cause *c;

	memcpy(path, m->path, m->depth * sizeof(*path));
	c = arena_push(m->arena, &m->causes);
	*c = (struct cause){
		.path = path,
		.n = m->depth,
		.effect = effect_of(path, m->depth, before, after),
		.before = before,
		.after = after,
	};
	if (m->view && m->view->where)
		c->where = m->view->where(m->view->ctx, m->arena, m->container, path, m->depth);
}

/* Whether to look at the members. One side that isn't there is as one without members, where they aren't all the same to us. */
static bool has_members(const struct maker *m, const struct json_t *before,
			const struct json_t *after)
{
	bool old = json_kind_of(before) == KIND_MAP, new = json_kind_of(after) == KIND_MAP;

	if (m->depth == MAX_DEPTH)
		return false;
	return (old && new) ||
		(((old && !after) || (new && !before)) && effect_in_parts(m->path, m->depth));
}

/* Two sorted lists of keys, walked once. */
static void compare(struct maker *m, const struct json_t *before, const struct json_t *after)
{
	const char **old, **new;
	size_t n_old, n_new, i = 0, k = 0;

	if (json_same(before, after))
		return;
	if (!has_members(m, before, after)) {
		add_cause(m, before, after);
		return;
	}
	old = json_keys(m->arena, before, &n_old);
	new = json_keys(m->arena, after, &n_new);
	while (i < n_old || k < n_new) {
		int order = i == n_old ? 1 : k == n_new ? -1 : strcmp(old[i], new[k]);
		const char *key = order <= 0 ? old[i] : new[k];

		m->path[m->depth++] = key;
		compare(m, order <= 0 ? json_get(before, key) : NULL,
			order >= 0 ? json_get(after, key) : NULL);
		m->depth--;
		i += order <= 0;
		k += order >= 0;
	}
}

static struct action *add(struct maker *m, enum action_kind kind, const char *container)
{
	struct action *a = arena_push(m->arena, &m->actions);

	a->kind = kind;
	a->container = container;
	m->changes += kind != ACTION_KEEP;
	return a;
}

/* What compare() found since the last time, as the action's causes. */
static void take_causes(struct maker *m, struct action *a)
{
	a->causes = m->causes.items;
	a->n = m->causes.n;
	for (size_t i = 0; i < a->n; i++)
		a->effects |= a->causes[i].effect;
	memset(&m->causes, 0, sizeof(m->causes));
}

static void plan_container(struct maker *m, const char *name, const struct json_t *wanted,
			   const struct json_t *entry)
{
	const struct json_t *was = json_get(entry, "document");
	bool made = json_get_flag(entry, "made", false);
	/* What an attempt may have changed before it failed. */
	unsigned tried = (unsigned)json_get_number(entry, "changing", 0);
	bool leaves = !json_get_number(wanted, "disk", 0) &&
		(json_get_number(was, "disk", 0) || json_get_flag(entry, "leaves", false));
	struct action *a;

	m->container = name;
	if (json_get_flag(entry, "at_hook", false))
		made = false;
	if (!made || !m->view || !m->view->alive || !m->view->alive(m->view->ctx, name)) {
		a = add(m, ACTION_CREATE, name);
		a->why = !entry ? "new" : made ? "not running" : "left unfinished";
		a->wanted = wanted;
		a->data = leaves;
		return;
	}
	compare(m, was, wanted);
	/* Processes that never got their configuration, or were stopped by a crash in between. */
	if (!json_get_flag(entry, "active", false)) {
		a = add(m, ACTION_CHANGE, name);
		take_causes(m, a);
		tried |= EFFECT_RESTART;
	} else {
		a = add(m, m->causes.n || tried || leaves ? ACTION_CHANGE : ACTION_KEEP, name);
		take_causes(m, a);
	}
	a->effects |= tried;
	a->why = a->n || (!tried && !leaves) ? NULL : "left unfinished";
	a->wanted = wanted;
	a->data = leaves;
}

static void plan_removals(struct maker *m, const struct json_t *wanted,
			  const struct json_t *recorded)
{
	size_t n;
	const char **names = json_keys(m->arena, recorded, &n);

	for (size_t i = 0; i < n; i++) {
		const struct json_t *was = json_path(recorded, names[i], "document", NULL);
		struct action *a;

		if (json_get(wanted, names[i]))
			continue;
		/* Its name outlives the entry, which apply() drops. */
		a = add(m, ACTION_REMOVE, arena_strdup(m->arena, names[i]));
		a->why = "dropped from the manifest";
		a->data = json_get_number(was, "disk", 0) > 0;
	}
}

static void plan_network(struct maker *m, const struct json_t *desired, const struct json_t *record)
{
	const struct json_t *before = json_get(record, "network");
	const struct json_t *after = json_get(desired, "network");
	bool tried = json_get_flag(record, "network_changing", false);
	struct action *a;

	m->container = "network";
	compare(m, before, after);
	tried |= m->causes.n > 0;
	a = add(m, tried ? ACTION_NETWORK : ACTION_KEEP, "network");
	a->causes = m->causes.items;
	a->n = m->causes.n;
	a->effects = tried ? EFFECT_LIVE : EFFECT_NONE;
	a->why = !before ? "new" : tried && !a->n ? "left unfinished" : NULL;
	a->wanted = after;
}

void plan_make(struct arena *arena, const struct json_t *desired, const struct json_t *record,
	       const struct plan_view *view, struct plan *out)
{
	const struct json_t *wanted = json_get(desired, "containers");
	const struct json_t *recorded = json_get(record, "containers");
	struct maker m = { .arena = arena, .view = view };
	const char **names;
	size_t n;

	plan_removals(&m, wanted, recorded);
	names = json_keys(arena, wanted, &n);
	for (size_t i = 0; i < n; i++)
		plan_container(&m, names[i], json_get(wanted, names[i]),
			       json_get(recorded, names[i]));
	if (desired)
		plan_network(&m, desired, record);
	*out = (struct plan){ m.actions.items, m.actions.n, m.changes };
}
