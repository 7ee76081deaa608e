/*
 * urls.h - where an environment is reached, as people read it
 */
#pragma once

#include <stddef.h>

struct environment;
struct json_t;
struct session;

/*
 * Of its routes, the primary one first; without routes the one address of the app. At least one; "-" before the first deploy. In
 * the session's arena.
 */
const char **urls_of(struct session *s, const struct environment *e, size_t *n);
/* The first of them. */
const char *url_of(struct session *s, const struct environment *e);
/* All as a list of texts, for JSON. Owned by the caller. */
struct json_t *urls_json(struct session *s, const struct environment *e);
