/*
 * mount.h - one mount an image a host, shared by all containers of all environments
 *
 * A loop device (LOOP_CONFIGURE, read-only, autoclear) and a squashfs mount at <folder>/<digest>; containers
 * get id-mapped clones of it, so its page cache is shared.
 */
#pragma once

#include <stddef.h>

struct arena;
struct error;

/* Mounted afterwards; *path (arena) is where. Under a lock, so that two orchs make one mount. */
int image_mount_ensure(struct arena *arena, const char *store, const char *folder,
		       const char *digest, const char **path, struct error *err);

/* Unmount; not mounted is success. Containers that hold clones keep theirs. */
int image_mount_ensure_no(const char *folder, const char *digest, struct error *err);

/* Digests mounted in the folder. */
int image_mount_list(struct arena *arena, const char *folder, const char ***digests, size_t *n,
		     struct error *err);
