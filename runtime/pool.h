/*
 * pool.h - the file system that volumes live on: how much of it there is, and who gives it
 *
 * The pool is a folder (host.h). Nothing there: <path>.img, a sparse file with an XFS in it, is made at first use and mounted at path through a
 * loop device. Or path is on a btrfs itself. Or pool_use() made it a link to a folder that somebody
 * chose: on btrfs, on XFS, or elsewhere, where each snapshot is a full copy. All but a btrfs are marked by a file ".orch-pool".
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct error;

#define POOL_SIZE \
	(UINT64_C(64) << 30) /* of a pool file that nobody chose a size for; it is sparse */
#define POOL_SIZE_MIN (UINT64_C(320) << 20) /* mkfs.xfs(8) refuses less than 300 MiB */

/* Mounted and ready afterwards, whatever was before. size: bytes of a new pool file; 0: POOL_SIZE. */
int pool_ensure(const char *path, uint64_t size, struct error *err);
/* Unmount it (its loop device goes with it). Data stays. Absent is success; busy is a failure. */
int pool_close(const char *path, struct error *err);
bool pool_mounted(const char *path);

struct pool_space {
	const char *driver; /* "btrfs", "image", "copy" */
	const char *target; /* of pool_use(), in the arena; NULL: none */
	bool file;	    /* in a file of ours */
	bool constant;	    /* snapshots take no time and no space */
	bool limits;	    /* `disk` is enforced */
	bool held; /* some of it is kept back for now: the disk below has no more to give */
	uint64_t size, used, free;	/* bytes, of the pool */
	uint64_t file_size, file_taken; /* of the file, where it is one */
	uint64_t disk_size, disk_free;	/* of the disk below the file */
	bool tight;			/* which is little */
};

#define POOL_ABSENT 1
/* What is committed first, so that the numbers are of now. POOL_ABSENT: not mounted. */
int pool_space(struct arena *arena, const char *path, struct pool_space *out, struct error *err);

/* The same from what is known at once: as of the last commit, without target. The pool must be mounted. */
int pool_room(const char *path, struct pool_space *out, struct error *err);

/* The pool's file and the file system in it are of at least this size then; it never shrinks. */
int pool_grow(const char *path, uint64_t size, struct error *err);

/*
 * What lies in the pool's file takes place on a disk that others fill too. Before that is full, the pool
 * keeps back what the disk couldn't give: volumes are held smaller then (volume_tend()), and their writers get ENOSPC, as from any full disk,
 * instead of a file system that fails below them. It is given all again when there is room.
 * Of a pool that isn't in a file, or not mounted: nothing.
 */
int pool_guard(const char *path, struct error *err);

/*
 * Of a pool, or a disk below one, with `free` bytes left: what is left for blocks that are written again and were shared, and for
 * others who write to it. Never less than 64 MiB, but a small disk isn't all reserve.
 */
uint64_t pool_slack(uint64_t size, uint64_t free);

struct pool_choice {
	const char *folder; /* absolute, there already */
	bool copy;	    /* also where a snapshot is a full copy */
	bool unlimited;	    /* also where `disk` can't be enforced */
};
/* From now on the pool is this folder. The one before must hold no volumes: that is the caller's to check. */
int pool_use(const char *path, const struct pool_choice *choice, struct error *err);

/* Of ".orch-pool" in an open pool folder. false: it has none. */
struct pool_mark {
	bool copy, unlimited;
};
bool pool_marked(int folder, struct pool_mark *out);
