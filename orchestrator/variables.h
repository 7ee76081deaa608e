/*
 * variables.h - variables that people set beside the manifest: whose they are, and which one counts
 *
 * A name is "env:FOO", "php:memory_limit" or "prefix:name"; FOO alone means env:FOO. Each belongs to an environment or to the project, for all
 * its apps or for one of them and its workers. An environment's own counts before one that it inherits (from the nearest environment above
 * it), that before the project's, that before the manifest's; on each of these levels one for the app before one for all. In a container's
 * document (desired.h), for apps only:
 *
 *	"variables": {
 *	  "runtime": { PREFIX: { NAME: { "value": any } | { "secret": DIGEST, "json": true }, "file": true } },
 *	  "build": the same }
 *
 * The document holds a keyed digest of what is sensitive; whoever starts the app finds the text by it (secrets.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct error;
struct json_t;

struct var {
	const char *owner; /* a project's id, or a machine name */
	const char *name;  /* with its prefix */
	const char *app;   /* "": for all */
	const char *value; /* as it was given; sensitive: its digest */
	bool sensitive;
	bool json;    /* value is JSON, and keeps its structure */
	bool file;    /* the app is given the path of a file that holds it */
	bool inherit; /* environments below have it too */
	bool build, runtime;
	int64_t made;	  /* seconds since 1970 */
	const char *from; /* variables_merge: "environment", "environment main", "project" */
};

/* The whole name, in the arena: prefix added, env's in upper case. ERROR_INPUT for no name, or one that orch itself gives. */
int variable_name(struct arena *arena, const char *text, const char **out, struct error *err);

/* One scope's variables; the strongest first. */
struct variable_level {
	const char *from;
	const struct var *list;
	size_t n;
	bool inherited; /* only those with inherit */
};
/* What counts for the app, sorted by name; app "": for one that has none of its own; NULL: for each of them. In the arena. */
struct var *variables_merge(struct arena *arena, const char *app,
			    const struct variable_level *levels, size_t n_levels, size_t *n);

/* For a container's document. Owned by the caller; NULL when there are none. */
struct json_t *variables_document(struct arena *arena, const struct var *list, size_t n);

/*
 * What the app finds: entry is one of a document, secrets a map from digests to texts. A secret that isn't in
 * there gives "secret:" and its digest, which is what a build's identity holds. Owned by the caller.
 */
struct json_t *variable_value(const char *name, const struct json_t *entry,
			      const struct json_t *secrets);
