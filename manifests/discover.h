/*
 * discover.h - where in a project's folder manifests are
 */
#pragma once

#include <stddef.h>

struct arena;

/* "shop/.platform.app.yaml": in folders below the project's own, sorted. */
const char **discover_apps(struct arena *arena, int folder, size_t *n);
/* ".upsun/config.yaml": files with everything, sorted. */
const char **discover_whole(struct arena *arena, int folder, size_t *n);
