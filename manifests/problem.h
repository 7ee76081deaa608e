/*
 * problem.h - what is wrong with the user's files: all of it, with places
 *
 * Readers add problems and go on; the caller prints them at the end. More than
 * PROBLEMS_MAX of a severity are counted, not kept.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct arena;

#define PROBLEMS_MAX 100

/* A note is shown only to who asks for it: keys that are accepted, and without effect. */
enum severity { PROBLEM_ERROR, PROBLEM_WARNING, PROBLEM_NOTE };

struct place {
	const char *file;      /* as shown to people: relative to the project; NULL: no place */
	unsigned line, column; /* from 1 */
	unsigned width;	       /* bytes to underline; 0: 1 */
};

struct problem {
	size_t number; /* in the order they were found */
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
	struct problem **items;
	size_t n, room;
	size_t errors, warnings, notes; /* all, also those not kept */
	bool lenient;			/* unknown keys are warnings: for files of old */
	struct source *sources;
	size_t n_sources, sources_room;
	struct part *parts; /* what recipes include, once it was read */
};

void problem_add_source(struct problems *p, const char *file, const char *text, size_t size);

/* The item is returned to add a hint or a note to; never NULL. fmt is the fact. The same fact at the same place is one problem. */
struct problem *problem_add(struct problems *p, enum severity severity, const char *code,
			    struct place at, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* All with this code become errors with that one. How many there were. */
size_t problems_raise(struct problems *p, const char *code, const char *as);

/* In order of file and place: problems_sort's array lives in the arena. */
const struct problem **problems_sort(struct arena *arena, const struct problems *p);
const char *severity_name(enum severity s);

/* Place, fact, code; source line; underline with hint; note. Those of least severity least and above. */
void problems_print(const struct problems *p, enum severity least, FILE *to);

/* An array of objects: severity, code, file, line, column, text, hint. Owned by the caller. */
struct json_t *problems_json(const struct problems *p);

/* For GitHub's workflow commands: one line each. */
void problems_print_github(const struct problems *p, enum severity least, FILE *to);
/* A whole SARIF 2.1.0 log. Owned by the caller. */
struct json_t *problems_sarif(const struct problems *p, enum severity least);
