/*
 * volume.h - copy-on-write folders with a limit, in a pool (pool.h)
 *
 * How one is made, copied and limited is up to the pool's file system (driver.h): on XFS it is a file with an ext4 in it, on btrfs a
 * subvolume. Its files are reached by volume_open() alone. A name may hold one '/' ("main-ab12cd3/db"). Ids on disk
 * are inner ids (idmap.h). A part of a name has at most 200 bytes and doesn't start with '.'.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/pool.h"

struct arena;
struct error;

/*
 * A volume owned by inner uid/gid with mode 0755, limited to `limit` bytes (0: none); there already: only the limit is set. *top is its
 * top folder, the caller's to close; NULL: not wanted.
 */
int volume_ensure(const char *pool, const char *name, uint32_t uid, uint32_t gid, uint64_t limit,
		  int *top, struct error *err);
/* The top folder of a volume that is there; its files can be reached as long as that, or something below it, is open. */
int volume_open(const char *pool, const char *name, struct error *err);
/* A detached mount (mounts.h) of it, neither read-only nor id-mapped yet. */
int volume_tree(const char *pool, const char *name, struct error *err);
/* What was written to it is on the disk then. */
int volume_sync(const char *pool, const char *name, struct error *err);
/* What removed files took is the pool's again. */
int volume_trim(const char *pool, const char *name, struct error *err);
/* Deleted with all in it, and what a killed one left that was making it. Absent is success. */
int volume_ensure_no(const char *pool, const char *name, struct error *err);
/* A snapshot of from as to, in constant time on btrfs and XFS. read_only as said. to must not exist. */
int volume_snapshot(const char *pool, const char *from, const char *to, bool read_only,
		    struct error *err);
/* By rename within the pool: to the trash and back. */
int volume_move(const char *pool, const char *from, const char *to, struct error *err);
bool volume_exists(const char *pool, const char *name);
/* Names of the volumes in a folder of the pool, sorted, without it; none where there is no such folder. In the arena. */
int volume_list(struct arena *arena, const char *pool, const char *folder, const char ***names,
		size_t *n, struct error *err);

struct volume_usage {
	uint64_t
		used; /* bytes of the files in it, shared with others or not: what the limit is about */
	uint64_t
		referenced; /* bytes of the pool that it refers to: what is used, and remains of what was overwritten */
	uint64_t exclusive; /* bytes that would be free without it */
	uint64_t limit;	    /* 0: none */
};
/* As of the last commit (30 s at most; pool_space() makes one). Takes as long as there are files. */
int volume_usage(const char *pool, const char *name, struct volume_usage *out, struct error *err);
/*
 * The limit again, for as long as the volume is written to: every second where it is nearly full. What remains of data that was
 * overwritten in place doesn't count against it then. *used: bytes of its files, exact from half of the limit on, and less than
 * that otherwise. Cheap until then.
 */
int volume_tend(const char *pool, const char *name, uint64_t limit, uint64_t *used,
		struct error *err);
