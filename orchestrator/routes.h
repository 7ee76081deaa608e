/*
 * routes.h - routes.yaml in an environment: the container in front of the apps, and what addresses become
 *
 * Where there are routes, a domain or rules of who may ask, the group has one container more: the router, of kind "router".
 * Its document has the routes as they are written ("{default}" and all), so that the same document made again for another
 * environment is another address:
 *
 *	"routes": { URL: as in routes.yaml, with "upstream" without its endpoint, and redirects.paths a list in order },
 *	"upstreams": { "app:http": { "service", "endpoint", "port" } },
 *	"versions": { APP: DIGEST },	of their code: answers that are kept are of one version
 *	"domains": [ NAME ],		of deploy --domain
 *	"access": { "addresses": [ { "permission", "address" } ], "basic_auth": { USER: HASH } }	of env set
 *
 * There is no TLS: each address is served as http://, on the published port. Where two have the same address then, what
 * answers wins over a redirect, https over http, and {default} over {all}. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct environment;
struct error;
struct json_t;
struct manifest;

#define ROUTES_TYPE "router:1" /* of the catalogue */

bool routes_wanted(const struct manifest *m, const struct environment *e);
/* "router", unless something of the manifest is called that. In the arena. */
const char *routes_name(struct arena *arena, const struct manifest *m);

/* The routes' part of the router's document; the containers that it leads to are in `containers` already. */
void routes_put(struct json_t *router, const struct manifest *m, const struct json_t *containers);
/* The environment's part of it. */
void routes_put_environment(struct json_t *router, const struct environment *e);

/* What env set said where the document was made, as environment.access is; "" for nothing. In the arena. */
const char *routes_access(struct arena *arena, const struct json_t *desired);

/* The router of a whole document; NULL: there is none. */
const struct json_t *routes_router(const struct json_t *desired);

/*
 * The routes as they are served, sorted by URL: a list of maps with url, hosts (the first is the URL's), path, original_url, type,
 * upstream and address, or to, and all keys of the route. Empty without a router. Owned by the caller.
 */
struct json_t *routes_resolve(const struct json_t *desired);

/* PLATFORM_ROUTES: { URL: { primary, type, upstream, ... } }. Owned by the caller. */
struct json_t *routes_public(const struct json_t *desired);

/* Whether robots are asked to stay away: from all but production. */
bool routes_hidden(const struct json_t *router);

/* ERROR_INPUT when that is more than a process can be given in one variable: execve(2), MAX_ARG_STRLEN. */
int routes_check(const struct json_t *desired, struct error *err);

/* What the router's image makes nginx's configuration of: docs/orch-image.5.scd. Owned by the caller. */
struct json_t *routes_config(const struct json_t *desired);

/* Where people go: the primary route first, no redirects and no wildcards. In the arena; none without a router. */
const char **routes_urls(struct arena *arena, const struct json_t *desired, size_t *n);
