/*
 * parts.h - readers and checks of the parts of a manifest, for each other
 */
#pragma once

#include "manifests/manifest.h"

struct catalog;
struct error;
struct files;
struct node;
struct problems;

/* A tree of app.yaml; root: the app's folder in the project, unless it says source.root. NULL name: it couldn't be read. */
void app_read(struct problems *p, const struct node *tree, const char *root, struct app *out);
/* services.yaml and routes.yaml. */
void services_read(struct problems *p, const struct node *tree, struct manifest *out);
void routes_read(struct problems *p, const struct node *tree, struct manifest *out);
/* Where there is no routes.yaml: everything goes to the first app. */
void routes_default(struct problems *p, struct manifest *out);

/* The list of a map as read. */
struct relationship *relationships_of(struct problems *p, const struct node *map, size_t *n);

/* The documents, from what was read and checked. */
void documents_make(struct manifest *m);

/* Rules across fields and files. types may be NULL: then nothing is said about images and endpoints. */
void manifest_check(struct problems *p, const struct catalog *types, struct manifest *m);

/* An app, worker or service: what they have in common, for the checks. */
struct part {
	const char *name, *type;
	enum { PART_APP, PART_WORKER, PART_SERVICE } kind;
	uint32_t disk;
	struct relationship *relationships;
	size_t n_relationships;
	const struct mount *mounts;
	size_t n_mounts;
	const struct node *node;
	struct place at;
	struct node *configuration;
	const struct image_description *image; /* NULL: not known */
	bool storage;			       /* other containers mount its volume */
	const struct part *owner;	       /* of a worker: its app; else itself */
	enum { UNSEEN, ON_PATH, DONE } mark;
};

struct check {
	struct problems *problems;
	const struct catalog *types;
	struct part *parts;
	size_t n;
};

struct place place_in(const struct part *part, const char *key);
/* Never a worker. */
struct part *find_part(const struct check *c, const char *name);
void check_mounts(const struct check *c, const struct part *part);
void check_links(struct check *c);
/* Which endpoints a target has; *standard is the default one, or NULL. */
size_t endpoint_names(const struct check *c, const struct part *target, const char ***out,
		      const char **standard);
void check_routes(const struct check *c, struct manifest *m);

/* As manifest_load(), with files from wherever; folder: where apps are looked for, or -1. */
int manifest_load_files(const struct files *files, int folder, const struct catalog *types,
			struct problems *problems, struct manifest *out, struct error *err);

/* Notes for what is accepted and not done yet: later.c. */
void later_note(struct problems *p, const struct manifest *m);
