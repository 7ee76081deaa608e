/*
 * idmap.h - the user namespace of a container, and file systems seen through it
 *
 * A container owns the host ids [first, first + IDMAP_COUNT): inner id N is host id first + N.
 * Images and volumes hold inner ids on disk; an id-mapped mount (mount_setattr(2),
 * MOUNT_ATTR_IDMAP) makes them appear as the container's own.
 */
#pragma once

#include <stdint.h>

struct error;

#define IDMAP_COUNT 65536u

/*
 * A new user namespace that maps inner 0..65535 to first..first + 65535, for
 * uids and gids. The descriptor is the caller's. Needs root on the host.
 */
int idmap_open(uint32_t first, int *userns, struct error *err);
