/*
 * mounts.h - detached mounts: made by the parent, attached by the container's child
 *
 * Each function gives a descriptor of a mount that is attached nowhere
 * (open_tree(2), fsmount(2)); it lives as long as the descriptor or where it is
 * attached. The caller owns the descriptor.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

/* What a mount may be for. It is nosuid and nodev unless it says otherwise. */
#define MOUNTS_WRITABLE 1u /* else read-only */
#define MOUNTS_DEVICES 2u  /* device nodes work */
#define MOUNTS_NOEXEC 4u

/* A detached mount becomes so, id-mapped by userns (-1: not mapped). */
int mounts_set(int tree, int userns, unsigned flags, struct error *err);
/* A clone of the mount or folder at path (not of mounts below it), id-mapped by userns (-1: not mapped). */
int mounts_clone(const char *path, int userns, unsigned flags, int *tree, struct error *err);

/* A new tmpfs of at most size bytes, its root owned by host id `owner`, with that mode. nosuid, nodev. */
int mounts_tmpfs(uint64_t size, uint32_t owner, unsigned mode, int *tree, struct error *err);

/*
 * A file or folder in a detached mount made by mounts_tmpfs, owned by host ids
 * uid/gid. Its folder must be there. path is relative.
 */
int mounts_put_file(int tree, const char *path, const void *data, size_t size, uint32_t uid,
		    uint32_t gid, unsigned mode, struct error *err);
int mounts_put_folder(int tree, const char *path, uint32_t uid, uint32_t gid, unsigned mode,
		      struct error *err);

/*
 * The template of /dev, ensured at path (a folder on the host, kept mounted
 * there): a tmpfs with null, zero, full, random, urandom, tty, the usual links,
 * and empty folders pts, shm, mqueue. Clone it with MOUNTS_DEVICES for each container.
 */
int mounts_ensure_dev(const char *path, struct error *err);
/* Unmounts it; gone is success. */
int mounts_ensure_no_dev(const char *path, struct error *err);
