/*
 * swap.h - put another image under a mount point of a running container
 *
 * move_mount(2) with MOVE_MOUNT_BENEATH, then the old one is peeled off: every
 * open(2) meanwhile sees the old tree or the new one, never none.
 */
#pragma once

struct container;
struct error;

/*
 * tree (mounts.h; the caller keeps the descriptor) goes to target inside, where something must be mounted.
 * Mounts below target in the container (writable folders under /app) are carried over: `submounts` names them,
 * NULL-terminated, relative to the container's root; each must exist as a folder in the new tree.
 */
int swap_mount(const struct container *c, const char *target, int tree,
	       const char *const *submounts, struct error *err);
