/*
 * recipe.h - base images described in YAML: the catalogue
 *
 * A recipe says how to build an image and, in its `image:` section, what is in it: kind, user, processes,
 * endpoints, data folder, size. That section is kept in the image as /etc/orch/image.yaml,
 * and read back from there: images describe themselves.
 *
 *	include: [parts/sql.yaml]		what it has in common with others
 *	type: mariadb:10.11
 *	aliases: [mysql:10.11]
 *	suite: bookworm
 *	packages: [mariadb-server]
 *	folders: [var/lib/mysql]		empty folders that mounts go to
 *	remove: [usr/share/doc]
 *	files:					path to text, {text, mode} or {link}
 *	  etc/my.cnf: "..."
 *	  etc/orch/hooks/open: {mode: 0755, text: "..."}
 *	  etc/localtime: {link: /usr/share/zoneinfo/UTC}
 *	image:
 *	  kind: service				or app; or router: in front of the apps
 *	  user: mysql
 *	  users: {mysql: {uid: 100, gid: 101, home: /mnt, shell: /bin/sh}}
 *	  processes:				name to process
 *	    mariadbd:
 *	      command: [/usr/sbin/mariadbd]
 *	      user: mysql			all the following may be left out
 *	      main: true
 *	      web: true			not in workers
 *	      stop_signal: SIGTERM
 *	      grace: 30s
 *	      reload_signal: SIGHUP
 *	      on_reload: restart		none, signal or restart
 *	      on_swap: none
 *	  ready: {command: [/usr/bin/mariadb-admin, ping], user: mysql}	or the list alone
 *	  endpoints: {mysql: {scheme: mysql, port: 3306, default: true}}
 *	  data: /mnt
 *	  disk: 256				MB, the least; or "forbidden", as without data
 *	  hooks: [boot, configure, open]	of apps also build: before the app's own
 *	  upstream: {socket_family: unix, protocol: fastcgi}	where web.upstream says nothing
 *	  memory: 512M
 *	  cpu: 0.5
 *	  pids: 256
 *	  environment: {TZ: UTC}
 *	  path: /usr/sbin:/usr/bin:/sbin:/bin
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "manifests/problem.h"

struct arena;
struct error;
struct node;

struct strings {
	const char **items; /* NULL-terminated */
	size_t n;
};

enum reaction { REACTION_NONE, REACTION_SIGNAL, REACTION_RESTART };

struct image_process {
	const char *name;
	struct strings command;
	const char *user; /* NULL: the image's */
	bool main;	  /* web.commands.start replaces its command */
	bool web;	  /* for requests: workers don't have it */
	const char *
		with; /* only where the app's manifest has this: keys with dots between them; or NULL */
	int stop_signal; /* number; 0: SIGTERM */
	uint32_t grace_ms;
	int reload_signal; /* 0: SIGHUP */
	enum reaction on_reload, on_swap;
};

struct image_endpoint {
	const char *name; /* "mysql" */
	const char *scheme;
	uint16_t port;
	bool is_default;
};

/* /etc/orch/image.yaml */
struct image_description {
	bool app, router; /* kind: app, router or service */
	const char *user; /* of processes and hooks of the user; must be in users */
	struct image_user {
		const char *name;
		uint32_t uid, gid;
		const char *home;
		const char *shell;
	} * users;
	size_t n_users;
	struct image_process *processes;
	size_t n_processes;
	struct strings ready; /* readiness command; none: once started */
	const char *ready_user;
	struct image_endpoint *endpoints;
	size_t n_endpoints;
	const char *data;		   /* "/mnt": where the volume goes; NULL: keeps nothing */
	bool data_forbidden;		   /* `disk` must not be set */
	uint32_t data_minimum;		   /* MB */
	bool boot, configure, open, build; /* which hooks it has, at /etc/orch/hooks/ */
	const char *socket_family; /* of web.upstream where the app says nothing: "tcp", "unix" */
	const char *protocol;	   /* likewise: "http", "fastcgi" */
	uint64_t memory;	   /* bytes, default size */
	uint32_t cpu_milli;
	uint32_t pids;
	struct strings environment; /* "NAME=value" for all processes */
	const char *path;	    /* PATH */
};

struct recipe_file {
	const char *path;
	const char *text; /* or NULL */
	const char *link; /* or NULL */
	uint32_t mode;
};

struct recipe {
	const char *type;	/* "php:8.2" */
	struct strings aliases; /* "mysql:10.11", other spellings of the same */
	const char *suite;
	struct strings packages, folders, remove;
	struct recipe_file *files;
	size_t n_files;
	struct image_description image;
	const char *image_text; /* of /etc/orch/image.yaml: the image section printed as YAML */
	const char *file;	/* where it was read */
};

/*
 * A type of the vendor's that is known by name: what a manifest may say about it is checked, with a recipe for it or without.
 *
 *	types:
 *	  mariadb:
 *	    kind: service
 *	    aliases: [mysql]
 *	    endpoints: {mysql: {scheme: mysql, port: 3306}}
 *	    disk: 256			MB, the least; or "forbidden"
 *	    storage: true		other containers mount its volume
 *	    flavors: [composer]		of build.flavor, besides none
 */
struct known_type {
	const char *name; /* without version */
	struct strings aliases, flavors;
	bool storage;
	struct image_description image; /* kind, endpoints, disk */
};

struct catalog {
	struct recipe *recipes;
	size_t n;
	struct known_type *types;
	size_t n_types;
};

/* A tree that is NULL was reported already. */
void recipe_read(struct problems *problems, const struct node *root, const char *file,
		 struct recipe *out);
/* One recipe's text, or the text of an image.yaml; problems as everywhere. Everything in problems->arena. */
int recipe_parse(struct problems *problems, const char *file, const char *text, size_t size,
		 struct recipe *out, struct error *err);
/* The same, with the catalogue's folders (NULL-terminated), where what is included may be as well. */
int recipe_load(struct problems *problems, const char *file, const char *text, size_t size,
		const char *const *folders, struct recipe *out, struct error *err);
int image_description_parse(struct problems *problems, const char *file, const char *text,
			    size_t size, struct image_description *out, struct error *err);

/* All *.yaml in the folders (NULL-terminated; absent ones are fine): recipes, and tables of types. A later folder's replace an earlier one's. */
int catalog_load(const char *const *folders, struct problems *problems, struct catalog *out,
		 struct error *err);
/* By type or alias; NULL when there is none. */
const struct recipe *catalog_find(const struct catalog *c, const char *type);
/* "mysql:5.7": of any version. NULL when nothing is known. */
const struct known_type *catalog_type(const struct catalog *c, const char *type);
/* What the recipe says, else what is known of the type, else NULL. */
const struct image_description *catalog_image(const struct catalog *c, const char *type);
