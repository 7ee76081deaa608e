/*
 * contract.h - what an application finds in its environment: the PLATFORM_* variables
 *
 * Pure: from the environment's document and what its services opened. Names and shapes are
 * those of the manifest format (docs/orch-manifest.5.scd), so that client libraries made for it work unchanged.
 */
#pragma once

#include <stddef.h>

struct arena;
struct image_description;
struct json_t;

struct contract {
	const struct json_t *desired; /* the whole document */
	const char *container;	      /* an app or service in it */
	/* Of each container: { NAME: { ENDPOINT: { scheme, port, username, password, path, query } } } */
	const struct json_t *opened;
	const char *entropy;
	const struct image_description
		*image; /* the app's, for what its manifest leaves to it; NULL: unknown */
	const struct json_t
		*secrets; /* from digests to texts: variables.h. NULL: digests will do */
};

/* web.commands, or a worker's own: what takes the place of the image's main process. */
const struct json_t *contract_commands(const struct json_t *container);

/* What is between the front and the app: { socket_family, protocol }. Owned by the caller. */
struct json_t *contract_upstream(const struct contract *c);

/* PLATFORM_RELATIONSHIPS: { NAME: [ { host, ip, port, ... } ] }. Owned by the caller. */
struct json_t *contract_relationships(const struct contract *c);
/* The same as variables NAME_FIELD of the env: DATABASE_HOST, DATABASE_URL. What is null is "". */
void contract_flatten(struct arena *arena, const struct json_t *relationships, struct json_t *env);
/* PLATFORM_ROUTES: { URL: { primary, type, upstream, ... } }. Owned by the caller. */
struct json_t *contract_routes(const struct contract *c);

/*
 * All variables of an app's processes as a map of texts, in no order. runtime false: those that a build sees, where there are neither
 * relationships nor routes. Owned by the caller.
 */
struct json_t *contract_environment(const struct contract *c, int runtime);

/* Standard base64 with padding, RFC 4648 section 4. */
char *contract_base64(struct arena *arena, const char *data, size_t size);
