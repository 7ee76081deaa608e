/*
 * desired_mounts.h - the mounts of an app's containers in the document, and how large their volumes are for them
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct app;
struct json_t;
struct mount;
struct worker;

/* As in desired.h. Owned by the caller. */
struct json_t *mounts_document(const struct app *app, const struct mount *list, size_t n);

/* Megabytes of the volume; 0: there is none. */
uint32_t mounts_disk(uint32_t disk, const struct mount *list, size_t n);
uint32_t mounts_worker_disk(const struct worker *w);
