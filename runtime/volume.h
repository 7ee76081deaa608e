/*
 * volume.h - copy-on-write folders with a limit: btrfs subvolumes
 *
 * The pool is a btrfs mount. Where path already is on btrfs it is used as it is;
 * else <path>.img, a sparse file of the given size, is made, formatted and mounted there through a loop
 * device (autoclear). A volume is the subvolume "<pool>/<name>"; name may hold one '/' ("main-ab12cd3/db"). Ids on disk
 * are inner ids (idmap.h). A part of a name has at most 200 bytes and doesn't start with '.'.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct error;

#define POOL_SIZE (UINT64_C(64) << 30) /* of a new pool file, which is sparse */
/* Mounted and ready afterwards, whatever was before. size: bytes of a new pool file. */
int pool_ensure(const char *path, uint64_t size, struct error *err);
/* Unmount it (its loop device goes with it). Data stays. Absent is success; busy is a failure. */
int pool_close(const char *path, struct error *err);
bool pool_mounted(const char *path);

/* A volume owned by inner uid/gid with mode 0755, limited to `limit` bytes (0: none); there already: only the limit is set. */
int volume_ensure(const char *pool, const char *name, uint32_t uid, uint32_t gid, uint64_t limit,
		  struct error *err);
/* Deleted with all in it. Absent is success. */
int volume_ensure_no(const char *pool, const char *name, struct error *err);
/* A snapshot of from as to, in constant time. read_only as said. to must not exist. */
int volume_snapshot(const char *pool, const char *from, const char *to, bool read_only,
		    struct error *err);
/* By rename within the pool: to the trash and back. */
int volume_move(const char *pool, const char *from, const char *to, struct error *err);
bool volume_exists(const char *pool, const char *name);
/* Names of the volumes in a folder of the pool, sorted, without it; none where there is no such folder. In the arena. */
int volume_list(struct arena *arena, const char *pool, const char *folder, const char ***names,
		size_t *n, struct error *err);

struct volume_usage {
	uint64_t referenced; /* bytes */
	uint64_t exclusive;
	uint64_t limit; /* 0: none */
};
/*
 * As of the last commit (30 s at most). With simple quotas (kernel 6.7) bytes count for the volume
 * that wrote them: a fresh snapshot has next to none, and both numbers are the same.
 */
int volume_usage(const char *pool, const char *name, struct volume_usage *out, struct error *err);
