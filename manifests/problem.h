/*
 * problem.h - what is wrong with the user's files: all of it, with places
 *
 * Readers add problems and go on; the caller prints them at the end. More than
 * PROBLEMS_MAX are counted, not kept.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct arena;

#define PROBLEMS_MAX 100

enum severity { PROBLEM_ERROR, PROBLEM_WARNING };

struct place {
	const char *file;      /* as shown to people: relative to the project; NULL: no place */
	unsigned line, column; /* from 1 */
	unsigned width;	       /* bytes to underline; 0: 1 */
};

struct problem {
	enum severity severity;
	const char *code; /* "E0203" */
	struct place at;
	const char *text;     /* the fact */
	const char *hint;     /* the way out, shown behind the underline; or NULL */
	struct place note_at; /* a second place, or .file NULL */
	const char *note;     /* "services defined here: ..."; or NULL */
};

/* The texts of the files, for the source line under a message. */
struct source {
	const char *file;
	const char *text;
	size_t size;
};

struct problems {
	struct arena *arena;
	struct problem *items;
	size_t n, room;
	size_t errors, warnings; /* all, also those not kept */
	struct source *sources;
	size_t n_sources, sources_room;
};

void problem_add_source(struct problems *p, const char *file, const char *text, size_t size);

/* The item is returned to add a hint or a note to; never NULL. fmt is the fact. */
struct problem *problem_add(struct problems *p, enum severity severity, const char *code,
			    struct place at, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* As in cli.md: place, fact, code; source line; underline with hint; note. Sorted by file and place. */
void problems_print(const struct problems *p, bool warnings, FILE *to);

/* An array of objects: severity, code, file, line, column, text, hint. Owned by the caller. */
struct json_t *problems_json(const struct problems *p);
