/*
 * build_box.h - the container that a build hook runs in: the app's base image, a writable /app, egress
 *
 * It belongs to the process that builds. What a killed one left is removed by the next build of the
 * same app, or by box_remove.
 */
#pragma once

#include "orchestrator/bases.h"
#include "runtime/container.h"

struct image_description;
struct json_t;
struct session;

struct box_spec {
	const char *name; /* of the app */
	const char *base; /* digest */
	const struct image_description *image;
	const char *folder;	  /* becomes /app: of inner ids */
	const char *cache;	  /* becomes /tmp/cache: of inner ids */
	const struct json_t *env; /* map of texts */
	const char *config;	  /* what the image's hooks read */
	const char *within; /* the folder below /app that the script starts in; NULL: /app itself */
	bool plain;	    /* the script alone: without the image's `build` */
	const char *script; /* NULL: none */
	build_line *line;
	void *ctx;
};

/* Runs the image's `configure` as root, its `build` and then the script as the image's user; 0 when it exited with 0. Nothing of the box is left in any case. */
int box_run(struct session *s, const struct box_spec *spec, struct error *err);

/* What a killed build of that app left. */
int box_remove(struct session *s, const char *app, struct error *err);
