/*
 * base.h - build a base image from a recipe, with mmdebstrap
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/sha256.h"

struct arena;
struct error;
struct json_t;

/* A file or link that the recipe puts into the image. */
struct base_file {
	const char *path; /* relative, no leading '/' */
	const char *text; /* content; NULL for a link */
	const char *link; /* target of a symbolic link; NULL for a file */
	unsigned mode;
};

struct base_user {
	const char *name;
	unsigned uid, gid;
	const char *home;
	const char *shell;
};

/* What a recipe says, lowered by the orchestrator from manifests/recipe.h. */
struct base_recipe {
	const char *type; /* "php:8.2" */
	const char *
		suite; /* Debian suite; the mirror is mmdebstrap's default or the host's apt sources */
	const char *const *packages;
	size_t n_packages;
	const struct base_file *files;
	size_t n_files;
	const struct base_user *users;
	size_t n_users;
	const char *const *folders; /* empty folders that mounts go to */
	size_t n_folders;
	const char *const *remove; /* paths (globs allowed) to leave out: docs, caches */
	size_t n_remove;
	const char *image; /* text of /etc/orch/image.yaml */
};

/* Hash of everything that the recipe says: two recipes with the same identity are the same. */
void base_identity(const struct base_recipe *recipe, char out[SHA256_HEX]);

/*
 * Build and add to the store, named "base-<type>": { digest, type, identity, suite, packages:
 * {name: version} }. work is a scratch folder on the same file system as the store; it is left empty. line is told each line of progress.
 */
int base_build(const struct base_recipe *recipe, const char *store, const char *work,
	       void (*line)(void *ctx, const char *line), void *ctx, char digest[SHA256_HEX],
	       struct error *err);
