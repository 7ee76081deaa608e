/*
 * parts.h - readers of the parts of a manifest, for each other
 */
#pragma once

#include "manifests/manifest.h"

struct catalog;
struct json_t;
struct node;
struct problems;
struct recipe;

/* The map of an app.yaml; the document is made later by document_make(). */
void app_read(struct problems *p, const struct node *root, struct app *out);
/* services.yaml: a map of names. */
void services_read(struct problems *p, const struct node *root, struct manifest *out);

/* All three spellings; what is not written is NULL until manifest_check(). */
void relationships_read(struct problems *p, const struct node *map, struct relationship **list,
			size_t *n);
struct json_t *relationships_json(const struct relationship *list, size_t n);

/* "web.locations" with defaults filled in, in file order. Owned by the caller. */
struct json_t *locations_read(struct problems *p, const struct node *map);
/* { "/": everything goes to the app }. Owned by the caller. */
struct json_t *locations_default(void);

/* a->document, from the app as read and checked. */
void document_make(struct app *a);

/* Rules across fields and files. types may be NULL: then nothing is said about images and endpoints. */
void manifest_check(struct problems *p, const struct catalog *types, struct manifest *m);
