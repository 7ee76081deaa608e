#include "orchestrator/tree.h"

#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "orchestrator/state.h"

struct maker {
	struct arena *arena;
	const struct environment *all;
	size_t n;
	bool *placed;
	struct tree_row *rows;
	size_t n_rows;
};

static bool is_child(const struct environment *e, const struct environment *parent)
{
	return e->parent && *e->parent && !strcmp(e->parent, parent->id) &&
		!strcmp(e->project_id, parent->project_id);
}

static bool has_parent(const struct maker *m, const struct environment *e)
{
	for (size_t i = 0; i < m->n; i++)
		if (is_child(e, &m->all[i]))
			return true;
	return false;
}

/* The next one that is not placed yet; production before others. NULL: none. */
static const struct environment *next_child(const struct maker *m, const struct environment *parent)
{
	const struct environment *first = NULL;

	for (size_t i = 0; i < m->n; i++) {
		const struct environment *e = &m->all[i];

		if (m->placed[i] || !is_child(e, parent))
			continue;
		if (environment_is_production(e))
			return e;
		if (!first)
			first = e;
	}
	return first;
}

/* lead: what the lines of its children start with. */
static void place(struct maker *m, const struct environment *e, unsigned depth, const char *line,
		  const char *lead)
{
	const struct environment *child;

	m->rows[m->n_rows++] = (struct tree_row){ e, depth, line };
	m->placed[e - m->all] = true;
	child = next_child(m, e);
	while (child) {
		const struct environment *after;

		m->placed[child - m->all] = true;
		after = next_child(m, e);
		place(m, child, depth + 1,
		      arena_printf(m->arena, "%s%s", lead, after ? "├─ " : "└─ "),
		      arena_printf(m->arena, "%s%s", lead, after ? "│  " : "   "));
		child = next_child(m, e);
	}
}

/* Those at the top of one project; `all` of them: also ones that are their own ancestors. */
static void place_top(struct maker *m, const char *project_id, bool production, bool all)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct environment *e = &m->all[i];

		if (m->placed[i] || strcmp(e->project_id, project_id) != 0 ||
		    (production && !environment_is_production(e)) || (!all && has_parent(m, e)))
			continue;
		place(m, e, 0, "", "");
	}
}

struct tree_row *tree_make(struct arena *arena, const struct environment *all, size_t n)
{
	struct maker m = {
		.arena = arena,
		.all = all,
		.n = n,
		.placed = arena_array(arena, n + 1, sizeof(bool)),
		.rows = arena_array(arena, n + 1, sizeof(struct tree_row)),
	};

	for (size_t i = 0; i < n; i++) {
		place_top(&m, all[i].project_id, true, false);
		place_top(&m, all[i].project_id, false, false);
		place_top(&m, all[i].project_id, false, true);
	}
	return m.rows;
}
