/*
 * trash.h - volumes that were thrown away, until they are old
 *
 * <pool>/trash/<folder>.<container>.<seconds since 1970>: folder is that of an environment or of a snapshot of one
 * (group.h), and no container has a '.' in its name. What one environment threw away at one moment is an entry, called
 * "<environment>.<seconds>". The pool must be ready (trash_open).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct arena;
struct error;
struct host;

#define TRASH_KEPT_S 604800 /* seven days */

/* The pool is ready; TRASH_ABSENT: there is none, and so no trash. */
#define TRASH_ABSENT 1
int trash_open(const struct host *h, struct error *err);

/* The volume <folder>/<container>. */
int trash_put(const struct host *h, const char *folder, const char *container, int64_t when,
	      struct error *err);
/* All volumes of the folder, which is gone afterwards; *n of them in addition. */
int trash_put_all(const struct host *h, const char *folder, int64_t when, size_t *n,
		  struct error *err);

struct trashed {
	const char *name;
	const char *environment; /* machine name */
	int64_t when;		 /* seconds since 1970 */
	uint64_t bytes;		 /* of its volumes, without snapshots */
	const char **volumes;	 /* names in the trash, snapshots included */
	size_t n;
	const char *containers; /* "app db" */
	size_t snapshots;
};

/* Newest first. In the arena. */
int trash_list(struct arena *arena, const struct host *h, struct trashed **out, size_t *n,
	       struct error *err);

/* Each volume to where it was. One that is there already is a conflict, found before anything is moved. */
int trash_restore(const struct host *h, const struct trashed *t, struct error *err);
int trash_remove(const struct host *h, const struct trashed *t, struct error *err);

/* What was thrown away before that moment is deleted; *n entries. */
int trash_expire(const struct host *h, int64_t before, size_t *n, struct error *err);
