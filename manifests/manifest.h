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
	struct node *node;
	struct place at;
};

enum mount_source { MOUNT_LOCAL, MOUNT_TMP, MOUNT_INSTANCE, MOUNT_SERVICE, MOUNT_STORAGE };

struct mount {
	const char *path; /* below the app's root, without outer slashes */
	enum mount_source source;
	const char *source_path; /* folder in the volume; "" is its root */
	const char *service;	 /* MOUNT_SERVICE: whose volume; MOUNT_STORAGE: the app, or NULL */
	struct place at;
};

struct variable {
	const char *prefix; /* "env", "php", ... */
	const char *name;
	struct json_t *value;
	struct place at;
};

/* As base/cron.h reads it; H stands for the project's and the job's name. */
struct cron {
	const char *name;
	const char *spec;
	const char *start, *stop;  /* stop NULL: SIGTERM */
	uint32_t shutdown_timeout; /* seconds */
	uint32_t timeout;	   /* seconds */
	struct place at;
};

/* Another container of the app's image. What it doesn't say itself is the app's (not that of `web`). */
struct worker {
	const char *name;
	const char *container; /* APP--NAME; NULL where the app has no name */
	const char *size;
	uint32_t disk;
	struct relationship *relationships;
	size_t n_relationships;
	struct mount *mounts;
	size_t n_mounts;
	struct variable *variables;
	size_t n_variables;
	const char *pre_start, *start, *post_start;
	struct json_t *
		document; /* as an app's, with "worker": commands, and without web, workers, crons, operations and hooks */
	const struct node *node;
	struct place at;
};

/*
 * What an app says is what its web container has: size, disk, mounts and so on of `web` in place of the
 * app's. All keys of the format, also those without a member here, are in the document, in the format's own JSON: firewall,
 * additional_hosts, timezone, runtime, dependencies, operations, resources, build, source.
 */
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
	const char *pre_start, *start, *post_start;	  /* web.commands; NULL when not given */
	struct json_t *locations;			  /* map in file order; part of document */
	const char *build, *deploy, *post_deploy, *clone; /* hooks; NULL when not given */
	struct cron *crons;
	size_t n_crons;
	struct worker *workers;
	size_t n_workers;
	struct json_t *document; /* the whole normalised app, as PLATFORM_APPLICATION shows it */
	const struct node *node; /* as read, with all defaults; for manifest_place */
	struct place at;
};

struct service {
	const char *name;
	const char *type;
	const char *size;
	uint32_t disk;		      /* MB; 0: none */
	struct json_t *configuration; /* {} when not given; part of document */
	struct json_t *document;      /* the whole normalised service */
	struct relationship *relationships;
	size_t n_relationships;
	const struct node *node;
	struct place at;
};

struct route {
	const char *url; /* "https://www.{default}/shop/": always a path, with a slash at its end */
	const char *type;     /* "upstream", "redirect", "proxy" */
	const char *upstream; /* app or service; NULL: none */
	const char *endpoint;
	const char *to; /* redirect, proxy */
	const char *id; /* or NULL */
	bool primary;	/* exactly one is, unless there is no upstream */
	struct json_t *
		document; /* all keys, with defaults: cache, ssi, sticky, redirects, tls, attributes */
	const struct node *node;
	struct place at; /* .file NULL: no routes.yaml; the one that stands for it */
};

struct manifest {
	struct app
		*apps; /* of the project's root first, then as in applications.yaml, then by path */
	size_t n_apps;
	struct service *services;
	size_t n_services;
	struct route *routes; /* in file order */
	size_t n_routes;
	const struct node *services_node, *routes_node; /* as read, or NULL: no file */
};

/*
 * Everything in the project at folder: app.yaml in the root or .platform.app.yaml in any folder,
 * .platform/applications.yaml, services.yaml, routes.yaml or those in .platform/. Problems go to *problems; the
 * manifest is usable only when problems->errors is 0. types: what images exist, and what is known of others, for endpoints and
 * disk rules. Fails (-1) only when files can't be read at all, or there is no app: then ERROR_ABSENT.
 * *out lives in problems->arena, but for the JSON values, which manifest_clear gives back.
 */
int manifest_load(const char *folder, const struct catalog *types, struct problems *problems,
		  struct manifest *out, struct error *err);
/* Also of a manifest that was only half read. */
void manifest_clear(struct manifest *m);
#define auto_manifest manifest_clear

/*
 * What deploy can't do yet, and which types have no recipe, become errors: N0204 and W0301 as E0204 and E0301.
 * How many.
 */
size_t manifest_refuse(struct problems *problems);

/*
 * All of it as YAML in the modern spelling, complete with defaults: files that give the same when they are read.
 * origin: each value with its file and line. apps is a list as in .platform/applications.yaml.
 */
enum manifest_part { MANIFEST_ALL, MANIFEST_APPS, MANIFEST_SERVICES, MANIFEST_ROUTES };
/* Freed by the caller. */
char *manifest_print(const struct manifest *m, enum manifest_part part, bool origin);

/* The place in a file of "variables.php.memory_limit" (or of the nearest parent that is written down) below a node. */
struct place manifest_place(const struct node *node, const char *const *path, size_t n);
