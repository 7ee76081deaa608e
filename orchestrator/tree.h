/*
 * tree.h - environments below those that they were branched from
 *
 * Pure. One whose parent isn't among them, or is of another project, stands at the top.
 */
#pragma once

#include <stddef.h>

struct arena;
struct environment;

struct tree_row {
	const struct environment *environment;
	unsigned depth;
	const char *line; /* drawn before the name: "", "├─ ", "│  └─ " */
};

/* n rows in the arena: by project, production first, else as they come, which is by name. */
struct tree_row *tree_make(struct arena *arena, const struct environment *all, size_t n);
