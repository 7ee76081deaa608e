/*
 * manifest.h - what the user asked for: typed, complete and checked
 *
 * After manifest_load without errors every name is valid, every
 * relationship resolves, every size is in range, and legacy spellings are in their modern
 * form. Nothing downstream checks again. Order of maps is that of the file.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "manifests/problem.h"

struct arena;
struct catalog;
struct error;
struct json_t;
struct node;

struct relationship {
	const char *name;
	const char *service;  /* name of a service or app */
	const char *endpoint; /* never NULL after the check */
	struct place at;
};

enum mount_source { MOUNT_LOCAL, MOUNT_TMP };

struct mount {
	const char *path; /* below the app's root, without outer slashes */
	enum mount_source source;
	const char *source_path; /* folder in the volume; "" is its root */
	struct place at;
};

struct variable {
	const char *prefix; /* "env", "php", ... */
	const char *name;
	struct json_t *value;
	struct place at;
};

/* A location or rule as JSON with defaults filled in, in file order: the image's configure hook reads it. */
struct app {
	const char *name;
	const char *type; /* "php:8.2" */
	const char *size; /* "AUTO", "S", ... */
	uint32_t disk;	  /* MB (10^6 bytes); 0: none */
	const char *root; /* the app's folder, relative to the project; "" is the project itself */
	struct relationship *relationships;
	size_t n_relationships;
	struct mount *mounts;
	size_t n_mounts;
	struct variable *variables;
	size_t n_variables;
	const char *pre_start, *start, *post_start; /* web.commands; NULL when not given */
	struct json_t *locations;		    /* map in file order; NULL when not given */
	const char *build, *deploy, *post_deploy, *clone; /* hooks; NULL when not given */
	struct json_t *document; /* the whole normalised app, as PLATFORM_APPLICATION shows it */
	const struct node *node; /* for manifest_place */
	struct place at;
};

struct service {
	const char *name;
	const char *type;
	const char *size;
	uint32_t disk;		      /* MB; 0: none */
	struct json_t *configuration; /* {} when not given */
	struct relationship *relationships;
	size_t n_relationships;
	const struct node *node;
	struct place at;
};

struct manifest {
	struct app *apps;
	size_t n_apps;
	struct service *services;
	size_t n_services;
};

/*
 * Everything in the project at folder: app.yaml or .platform.app.yaml, services.yaml or
 * .platform/services.yaml. Problems go to *problems; the
 * manifest is usable only when problems->errors is 0. types: what images exist, for endpoints and disk
 * rules. Fails (-1) only when files can't be read at all, or there is no app: then ERROR_ABSENT.
 * *out lives in problems->arena, but for the JSON values, which manifest_clear gives back.
 */
int manifest_load(const char *folder, const struct catalog *types, struct problems *problems,
		  struct manifest *out, struct error *err);
/* Also of a manifest that was only half read. */
void manifest_clear(struct manifest *m);
#define auto_manifest manifest_clear

/* The place in a file of "variables.php.memory_limit" (or of the nearest parent that is written down) below a node. */
struct place manifest_place(const struct node *node, const char *const *path, size_t n);
