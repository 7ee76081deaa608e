/*
 * build.h - an app's image: its tree, its build hook, packed
 *
 * Named in the store by all that goes into it ("app-<identity>"), so that the same is never built twice.
 */
#pragma once

#include <stdbool.h>

#include "base/sha256.h"
#include "orchestrator/bases.h"

struct app;
struct error;
struct json_t;
struct recipe;
struct session;

struct build_spec {
	const struct app *app;
	const struct recipe *recipe;
	const char *base; /* digest */
	const char *tree; /* id of the git tree of the app's folder */
	const struct json_t
		*identity_env;	  /* what the hook sees, secrets by their digests: a map of texts */
	const struct json_t *env; /* with the secrets; for build_make */
	const char *config;	  /* what the image's hooks read, likewise */
	build_line *line;
	void *ctx;
};

struct built {
	char identity[SHA256_HEX];
	char digest[SHA256_HEX];
	bool reused;
};

/* A folder for the tree's way into the image. */
char *build_scratch(struct session *s, const struct app *app);

/* The identity; and the digest, if there is such an image. BUILD_ABSENT: it has to be built. */
#define BUILD_ABSENT 1
int build_find(struct session *s, const struct build_spec *spec, struct built *out,
	       struct error *err);

/* After build_find said that it is absent. */
int build_make(struct session *s, const struct build_spec *spec, struct built *out,
	       struct error *err);
