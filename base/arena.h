/*
 * arena.h - memory that is all given back at once
 *
 * What one pass reads, plans and prints lives in one arena: no ownership of
 * single fields, no free functions for nested structs. Memory is zeroed. Out of
 * memory aborts: ARCHITECTURE.md, "crash-only".
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

struct arena {
	struct arena_block *head;
};

/* size bytes, zeroed, aligned for any type. Never NULL. */
void *arena_alloc(struct arena *arena, size_t size);
/* n * size bytes, zeroed; aborts when that overflows. */
void *arena_array(struct arena *arena, size_t n, size_t size);
char *arena_strdup(struct arena *arena, const char *s);
/* The first len bytes of s, terminated. */
char *arena_strndup(struct arena *arena, const char *s, size_t len);
char *arena_printf(struct arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Give everything back. The arena is empty and can be used again. */
void arena_clear(struct arena *arena);

#define auto_arena arena_clear /* AUTO(arena) struct arena arena = { 0 }; */
#define arena_new(arena, T) ((T *)arena_alloc((arena), sizeof(T)))

/*
 * A growing array of T: { T *items; size_t n, room; }. arena_push returns the
 * new, zeroed last item; earlier items may move.
 */
#define ARENA_LIST(T)        \
	struct {             \
		T *items;    \
		size_t n;    \
		size_t room; \
	}
void *arena_grow(struct arena *arena, void *items, size_t n, size_t *room, size_t size);
#define arena_push(arena, list)                                                       \
	((list)->items = arena_grow((arena), (list)->items, (list)->n, &(list)->room, \
				    sizeof(*(list)->items)),                          \
	 &(list)->items[(list)->n++])
