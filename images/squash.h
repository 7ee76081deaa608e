/*
 * squash.h - squashfs files by libsquashfs, its only user
 *
 * Packing is reproducible: the same names, contents, modes, owners and xattrs give the same bytes,
 * whatever the order on disk, inode numbers or times (all set to SQUASH_EPOCH).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct error;

#define SQUASH_EPOCH 1u /* seconds since 1970 on every inode and the super block */

struct squash_options {
	unsigned level;	  /* of zstd; 0: 3 for apps, runtime.md */
	unsigned threads; /* 0: one a core */
	/* Owners on disk are kept when false; else everything belongs to uid/gid. */
	bool one_owner;
	uint32_t uid, gid;
	/* Paths (relative, no leading '/') left out with all below; NULL-terminated or NULL. */
	const char *const *skip;
	/* Told now and then how far it is; NULL: not. */
	void (*progress)(void *ctx, uint64_t files, uint64_t bytes);
	void *ctx;
};

/* Pack the folder into a new file at path (synced). Sockets are left out; device nodes are a failure. */
int squash_pack(const char *folder, const char *path, const struct squash_options *options,
		struct error *err);

/*
 * One regular file out of an image, without mounting: at most max bytes, NUL-terminated, in
 * the arena. SQUASH_ABSENT when there is no such file.
 */
#define SQUASH_ABSENT 1
int squash_read_file(struct arena *arena, const char *image, const char *name, size_t max,
		     char **out, size_t *size, struct error *err);

struct squash_info {
	uint64_t bytes; /* of the image */
	uint64_t files;
	uint64_t content; /* bytes unpacked */
};

/* Reads everything in it: damage of any block is a failure that names the file. */
int squash_verify(const char *image, struct squash_info *out, struct error *err);
