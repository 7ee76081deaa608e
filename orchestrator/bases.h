/*
 * bases.h - base images: from a recipe of the catalogue to a digest in the store
 */
#pragma once

#include "base/sha256.h"

struct error;
struct recipe;
struct session;

/* Each line of a build's progress. */
typedef void build_line(void *ctx, const char *line);

/* The image of that recipe is in the store. */
#define BASES_ABSENT 1
int bases_find(struct session *s, const struct recipe *recipe, char digest[SHA256_HEX],
	       struct error *err);

/* There afterwards; built when it was not, or when its recipe has changed. One build at a time on a root. */
int bases_ensure(struct session *s, const struct recipe *recipe, build_line *line, void *ctx,
		 char digest[SHA256_HEX], struct error *err);

/* Pack a folder that holds etc/orch/image.yaml as the base image of a type, without a recipe. */
int bases_import(struct session *s, const char *folder, const char *type, char digest[SHA256_HEX],
		 struct error *err);
