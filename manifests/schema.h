/*
 * schema.h - one table of fields for each kind of map: reading and checking follow from it
 *
 * Everything that is wrong becomes a problem; what is right is read all the same. A null value counts as
 * not given.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "manifests/problem.h"

struct node;

enum field_kind {
	FIELD_TEXT,    /* const char * */
	FIELD_RAW,     /* const char *: as written, also where YAML sees a number: 8.10 */
	FIELD_NUMBER,  /* uint32_t, from min to max */
	FIELD_FLAG,    /* bool */
	FIELD_STRINGS, /* struct strings: a list of texts */
	FIELD_CHOICE,  /* const char *: one of choices */
	FIELD_CALL,    /* call(..., out) */
};

typedef void field_call(struct problems *p, const struct node *value, void *out);

struct field {
	const char *key;
	enum field_kind kind;
	bool required;
	size_t offset; /* of the member in *out */
	int64_t min, max;
	const char *const *choices; /* NULL-terminated */
	field_call *call;	    /* out is the struct itself */
};

/* Read a map into *out. Returns false when it is no map at all. */
bool fields_read(struct problems *p, const struct node *map, const struct field *fields, size_t n,
		 void *out);

/* Each member of a map with free keys; problems and NULL when it is no map. null is an empty map. */
const struct node *map_members(struct problems *p, const struct node *map);
/* Likewise for a list. */
const struct node *list_members(struct problems *p, const struct node *list);

/* E0201: NODE must be WHAT, not ... Returns the problem. */
struct problem *wrong_type(struct problems *p, const struct node *n, const char *what);
/* E0206 at the value. */
struct problem *wrong_value(struct problems *p, const struct node *n, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The node for messages: "\"key\"", "this item", "the file". */
const char *node_label(struct problems *p, const struct node *n);
/* The key's place; the value's where there is no key. */
struct place node_place(const struct node *n);
/* did you mean "x"?; NULL when nothing is near. */
const char *hint_nearest(struct problems *p, const char *word, const char *const *words, size_t n);

/* The value, or NULL with a problem. */
const char *read_text(struct problems *p, const struct node *n);
/* As read_text, but numbers and flags are taken as written. */
const char *read_raw(struct problems *p, const struct node *n);
/* A choice out of a NULL-terminated list; its index, or -1 with a problem. */
int read_choice(struct problems *p, const struct node *n, const char *const *choices);
/* False with a problem. */
bool read_flag(struct problems *p, const struct node *n, bool *out);
bool read_number(struct problems *p, const struct node *n, int64_t min, int64_t max, int64_t *out);
/* Lower-case letters, digits, "-", "_", at most 63: what is said about the key is a problem there. */
bool check_name(struct problems *p, const char *name, const char *what, struct place at);
