/*
 * storage.h - what takes how much of the disk: for orch df, orch volume ls
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/pool.h"
#include "runtime/volume.h"

struct error;
struct session;

enum storage_kind {
	STORAGE_VOLUME,	  /* of an environment */
	STORAGE_SNAPSHOT, /* of one, read-only: group.h */
	STORAGE_TRASH,
	STORAGE_OTHER, /* unfinished, or of an environment that is gone */
};

struct storage_item {
	enum storage_kind kind;
	const char *folder;	 /* in the pool */
	const char *environment; /* machine name */
	const char *tag;	 /* of a snapshot, else "" */
	const char *name;	 /* of the container */
	uint64_t disk;		 /* of its manifest, bytes; 0: none */
	struct volume_usage usage;
};

struct storage {
	bool pool; /* there is one */
	struct pool_space space;
	struct storage_item *items;
	size_t n;
	size_t n_images;
	uint64_t images; /* bytes */
	uint64_t total;	 /* of the disk: the pool's file, or what its volumes take, and images */
};

/* Everything in the root's pool, sorted by folder. The pool is mounted if it is there. In the session's arena. */
int storage_look(struct session *s, struct storage *out, struct error *err);

const char *storage_kind_name(enum storage_kind kind);

struct json_t;
/* As in orch.df/1. Owned by the caller. */
struct json_t *storage_item_json(const struct storage_item *item);
/* A few lines for people. */
struct arena;
void storage_print_pool(struct arena *arena, const struct pool_space *p);
struct json_t *storage_pool_json(const struct pool_space *p);
/* The pool's file of the size that --pool-size asks for; without that, nothing. */
int storage_first_use(struct session *s, struct error *err);
