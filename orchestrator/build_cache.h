/*
 * build_cache.h - build.caches: folders of an app that a build leaves for the next one
 *
 * Kept below <cache>/<project>.<app>.caches/, or <project>..caches/ for all apps, by a digest over the files that a cache watches, the base image and
 * the folder's path. What a build finds there was kept by one that succeeded.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct build_cache;
struct build_spec;
struct error;
struct session;

/* Where the files of a build go, by what the tree's said before it: it may change them. In the session's arena. */
struct build_caches {
	struct build_cache *items;
	size_t n;
};

/*
 * Before the build: what was kept for these files, or the newest where a cache allows that, is put in its place below folder. What the app's
 * tree has there itself counts before it. Files get uid and gid.
 */
int build_caches_restore(struct session *s, const struct build_spec *spec, const char *folder,
			 const char *aside, uint32_t uid, uint32_t gid, struct build_caches *out,
			 struct error *err);

/* After it: what is there now is kept, unless it was before; the last few of each cache stay. */
int build_caches_keep(const struct build_caches *caches, struct error *err);
