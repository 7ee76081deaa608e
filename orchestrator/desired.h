/*
 * desired.h - the whole environment as one document: what a generation is
 *
 * {
 *   "format": 1, "commit": ..., "subject": ...,
 *   "containers": { NAME: {
 *     "kind": "app" | "worker" | "service" | "router", "type": "php:8.2", "base": DIGEST,
 *     "code": { "image": DIGEST, "tree": ID },                 apps
 *     "address": "169.254.16.2",
 *     "limits": { "memory": bytes, "cpu_milli": n, "pids": n },
 *     "disk": MB or null,
 *     "environment": { "name", "machine_name", "type", "project", "project_id" },
 *     "url": "http://127.0.0.1:20321/",                        apps
 *     "relationships": { NAME: { "service", "endpoint" } },
 *     "endpoints": { NAME: { "scheme", "port" } },
 *     "mounts": { PATH: { "source", "source_path" } },         apps
 *     "app": the rest of the normalised app.yaml,              apps; of workers with "worker" in place of "web"
 *     "variables": what people set beside it: variables.h,     apps, where there are any
 *     "configuration": as in services.yaml                     services
 *     "firewall", "resources", "container_profile": likewise   services, where they are given
 *   } },
 *   "network": { "paths": { "app -> db tcp/3306": {...} }, "publish": { "address", "port", "to", "container_port" } }
 * }
 *
 * What a router has of its own: routes.h. Workers have what apps have but rules, as APP--WORKER, and no endpoints.
 *
 * Nothing in it comes from the tool's version, the clock or the order of anything: the same
 * project gives the same document, and the digest of a container is that of its part printed canonically.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/sha256.h"

struct arena;
struct catalog;
struct environment;
struct error;
struct image_description;
struct json_t;
struct manifest;
struct project;

/* What building gave: the base image of a type, the image and tree of an app. */
struct desired_image {
	const char *name; /* type, or app */
	const char *digest;
	const char *tree; /* apps */
};

struct desired_input {
	const struct manifest *manifest;
	const struct catalog *catalog;
	const struct environment *environment;
	const struct project *project;
	const struct desired_image *bases, *codes;
	size_t n_bases, n_codes;
	const struct json_t
		*variables;	       /* of each app that has any: variables_document(); or NULL */
	const struct json_t *previous; /* the generation before, for its addresses; or NULL */
};

/* Owned by the caller. Fails when addresses run out. */
struct json_t *desired_make(const struct desired_input *in, struct error *err);

/* The same for another environment: its names, URL and published port. Owned by the caller. */
struct json_t *desired_remake(const struct json_t *document, const struct environment *e);

/* The app that a container is of: itself, or the one whose worker it is. In the arena, or the name. */
const char *desired_app_of(struct arena *arena, const struct json_t *document, const char *name);

/* What people set beside the manifest, by app. */
void desired_set_variables(struct json_t *document, const struct json_t *variables);
/* The smallest size, which previews have whatever the manifest says. */
void desired_shrink(struct json_t *container, const struct image_description *image);

/* Where a container has an endpoint; one that only a service's configuration names is on its default one's port. */
int64_t desired_port(const struct json_t *container, const char *endpoint);

/* SHA-256 of the canonical text of one container's document. */
void desired_digest(const struct json_t *container, char out[SHA256_HEX]);

/* The containers that one needs: of its relationships, or those that a router leads to. Lives in the arena. */
const char **desired_needs(struct arena *arena, const struct json_t *container, size_t *n);

/* Containers so that each comes after all that it needs; among equals by name. Lives in the arena. */
const char **desired_order(struct arena *arena, const struct json_t *desired, size_t *n);
