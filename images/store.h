/*
 * store.h - images by their digest, and names for them
 *
 * <folder>/<sha256>.sqfs, read-only, complete or absent (written beside, synced, renamed).
 * <folder>/names/<key> is a small JSON document about one image: its digest and where it comes from. A key is
 * free text without '/', such as "base-php:8.2" or "app-<build identity>".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sha256.h"

struct arena;
struct error;
struct json_t;

#define STORE_ABSENT 1

int store_ensure(const char *folder, struct error *err);

/* Take the file at path (same file system) into the store; its digest in out. There already: the file is removed. */
int store_add(const char *folder, const char *path, char digest[SHA256_HEX], struct error *err);

/* The image's path, in the arena. */
char *store_path(struct arena *arena, const char *folder, const char *digest);
bool store_has(const char *folder, const char *digest);

/* facts must hold "digest"; the rest is the caller's. Replaces. */
int store_name(const char *folder, const char *key, const struct json_t *facts, struct error *err);
/* STORE_ABSENT when there is no such name, or its image is gone. *facts is owned by the caller. */
int store_find(const char *folder, const char *key, struct json_t **facts, struct error *err);
int store_ensure_no_name(const char *folder, const char *key, struct error *err);

struct store_image {
	const char *digest;
	uint64_t bytes;
	int64_t made; /* seconds since 1970 */
	const char **names;
	size_t n_names;
};

int store_list(struct arena *arena, const char *folder, struct store_image **out, size_t *n,
	       struct error *err);

/* Compares the file's bytes with its name, then squash_verify. */
int store_verify(const char *folder, const char *digest, struct error *err);

/* Remove an image and the names that point to it. Gone is success. The caller knows that nothing uses it. */
int store_remove(const char *folder, const char *digest, struct error *err);
