/*
 * rootfs.h - make a fresh Debian root what a recipe says, and the same every time
 */
#pragma once

struct arena;
struct base_recipe;
struct error;
struct json_t;

/* Users, files, folders; what is to be left out, and what differs from run to run, is removed. */
int rootfs_finish(struct arena *arena, const struct base_recipe *recipe, const char *root,
		  struct error *err);

/* Version by package, from dpkg's status(5). Owned by the caller; NULL on failure. */
struct json_t *rootfs_packages(struct arena *arena, const char *root, struct error *err);
