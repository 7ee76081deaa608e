/*
 * var_value.h - the value that orch var set is given
 */
#pragma once

struct arena;
struct error;

/*
 * The word itself, "-" for standard input without its last newline, or all of the file: one of the two is given. UTF-8 of at most 64 KiB without
 * NUL; in the arena.
 */
int var_value_read(struct arena *arena, const char *file, const char *word, const char **out,
		   struct error *err);
