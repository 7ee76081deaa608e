/*
 * format.h - the manifest format as tables of keys
 *
 * One row a key. Reading, defaults, `orch config` and the JSON Schemas follow from the rows. What is read is a new
 * tree: complete, in the table's order and the modern spelling, and each node still says where it was written.
 * Reading what was read gives the same again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "manifests/problem.h"

struct json_t;
struct node;

enum key_kind {
	KEY_END,     /* ends a table */
	KEY_TEXT,    /* a text; what YAML sees as a number or flag must be quoted */
	KEY_RAW,     /* as written, also where YAML sees a number: 8.10 */
	KEY_NUMBER,  /* whole, from min to max */
	KEY_FLAG,    /* true or false */
	KEY_CHOICE,  /* one of choices */
	KEY_ANY,     /* whatever it is */
	KEY_OWN,     /* check() reads it; the schema says what `also` says */
	KEY_MAP,     /* of keys */
	KEY_NAMES,   /* a map with free keys: each an item */
	KEY_LIST,    /* each an item */
	KEY_VARIANT, /* a map; its "type" names the one of keys that it is */
};

enum {
	KEY_REQUIRED = 1,
	KEY_EMPTY = 2,	   /* KEY_MAP: null is an empty map */
	KEY_ALSO_TEXT = 4, /* other spellings, which fix() or check() takes: for the schema */
	KEY_ALSO_NUMBER = 8,
	KEY_ALSO_FLAG = 16,
	KEY_ALSO_LIST = 32,
	KEY_ALSO_MAP = 64,
	KEY_IDLE = 128, /* accepted, and means nothing here: validate -v says so */
	KEY_OLD = 256,	/* a spelling of old that fix() of the map has rewritten */
};

struct key {
	const char *name; /* NULL in an item */
	enum key_kind kind;
	unsigned flags;
	const char *about; /* one line, for editors */
	const char
		*otherwise; /* default: null, true, a word, {}, [a, b]. NULL: the key stays away */
	int64_t min, max;
	const char *const *choices; /* NULL-terminated */
	const struct key *keys;	    /* KEY_MAP, KEY_VARIANT */
	const struct key *item;	    /* KEY_NAMES, KEY_LIST */
	const char *either;	    /* KEY_MAP: "type stack": one of these must be there */
	/* KEY_NAMES: the name as it is kept; NULL with a problem. */
	const char *(*name_of)(struct problems *p, const struct node *member);
	const char *name_pattern; /* what name_of accepts, for the schema */
	const char *text_pattern; /* KEY_ALSO_TEXT: which texts, for the schema */
	/* Another spelling into the one of this row; n itself where there is nothing to do; NULL with a problem. */
	const struct node *(*fix)(struct problems *p, const struct node *n);
	/* What the kind can't say. out is what was read of n, and may be changed; NULL with a problem. */
	struct node *(*check)(struct problems *p, const struct node *n, struct node *out);
};

/* What app.yaml, services.yaml and routes.yaml hold. */
extern const struct key format_app, format_services, format_routes;

/* NULL when nothing of it can be used; the problems say why. In p->arena. */
struct node *format_read(struct problems *p, const struct key *key, const struct node *n);

/* JSON Schema, draft 2020-12. Owned by the caller. */
struct json_t *format_schema(const struct key *key, const char *title);

/* Each key below: path is "web.locations.*.root". */
void format_each(const struct key *key,
		 void (*fn)(void *ctx, const char *path, const struct key *key), void *ctx);
