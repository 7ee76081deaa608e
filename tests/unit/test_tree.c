#include <criterion/criterion.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/text.h"
#include "orchestrator/state.h"
#include "orchestrator/tree.h"

/* "line name" of each row, one a line. */
static char *drawn(struct arena *arena, const struct environment *all, size_t n)
{
	const struct tree_row *rows = tree_make(arena, all, n);
	AUTO(text) struct text t = { 0 };

	for (size_t i = 0; i < n; i++)
		text_printf(&t, "%u %s%s\n", rows[i].depth, rows[i].line, rows[i].environment->id);
	return arena_strdup(arena, text_get(&t));
}

static struct environment make(const char *project, const char *id, const char *parent)
{
	return (struct environment){
		.id = id,
		.name = id,
		.project_id = project,
		.parent = parent,
		.type = !strcmp(id, "main") ? "production" : "development",
	};
}

Test(tree, puts_children_below_their_parents_and_production_first)
{
	const struct environment all[] = {
		make("p", "a", "main"), make("p", "b", "a"),	make("p", "c", "a"),
		make("p", "d", "main"), make("p", "main", ""),	make("p", "x", NULL),
		make("q", "y", "main"), make("q", "z", "gone"),
	};
	AUTO(arena) struct arena arena = { 0 };

	cr_assert_str_eq(drawn(&arena, all, ARRAY_SIZE(all)),
			 "0 main\n"
			 "1 ├─ a\n"
			 "2 │  ├─ b\n"
			 "2 │  └─ c\n"
			 "1 └─ d\n"
			 "0 x\n"
			 "0 y\n"
			 "0 z\n");
}

Test(tree, shows_each_once_where_parents_go_round)
{
	const struct environment all[] = {
		make("p", "a", "b"),
		make("p", "b", "a"),
		make("p", "c", "c"),
	};
	AUTO(arena) struct arena arena = { 0 };

	cr_assert_str_eq(drawn(&arena, all, ARRAY_SIZE(all)), "0 a\n1 └─ b\n0 c\n");
}

Test(tree, of_none_is_none)
{
	AUTO(arena) struct arena arena = { 0 };

	cr_assert_str_eq(drawn(&arena, NULL, 0), "");
}
