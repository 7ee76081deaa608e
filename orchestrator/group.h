/*
 * group.h - all volumes of an environment, as they were at one moment
 *
 * An environment's volumes are <pool>/<id>/<container>. A snapshot of all of them is <pool>/<id>@<tag>/<container>,
 * read-only: "@g42" before generation 42 was deployed, others by the name that somebody gave. Neither a machine name nor a tag
 * has an '@'. A folder whose name ends in '~' is unfinished: whoever makes the same one clears it first.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct error;
struct host;

/* The tag of what a sync took from the parent: stays until the next one, so that it is known where the volumes come from. */
#define GROUP_SYNCED "synced"

/* "main-ab12cd3@g42". */
char *group_snapshot_name(struct arena *arena, const char *id, const char *tag);

/*
 * Every volume of `from` (an environment or a snapshot) again in the folder `to`, which must not exist; it appears as a whole, by rename. Nothing is
 * copied. cgroup: of the environment whose processes write to them, frozen while the snapshots are made; NULL: nobody does.
 * *held_us, if not NULL: how long they stood still. From without volumes gives an empty folder.
 *
 * Whoever freezes has to be somebody that is started again: the supervisor. Each new one lets the environment go on.
 */
int group_copy(const struct host *h, const char *from, const char *to, bool read_only,
	       const char *cgroup, uint64_t *held_us, struct error *err);

/*
 * The environment's volumes are those of the snapshot `from` afterwards, which stays: exchanged as a whole, by one rename. Volumes that
 * `from` lacks stay. Nobody may have any of them mounted. Cut short, doing it again finishes it.
 */
int group_replace(const struct host *h, const char *id, const char *from, struct error *err);

/* The folder with its volumes is gone afterwards. Absent is success. */
int group_remove(const struct host *h, const char *folder, struct error *err);
/*
 * Snapshots that its dead supervisor was making. Not what another one's supervisor makes for it ("synced"), which is cleared
 * when that is made again.
 */
int group_remove_unfinished(const struct host *h, const char *id, struct error *err);
/* All snapshots of an environment, and what was left unfinished. */
int group_remove_snapshots(const struct host *h, const char *id, struct error *err);

/*
 * Of the snapshots whose tags are this prefix and a number, the `keep` with the highest numbers stay.
 * Before each deploy one is made ("g42"), before data is replaced as well ("before-rollback-<seconds since 1970>").
 */
#define GROUP_KEEP 50 /* of an environment that doesn't say */
#define GROUP_KEEP_MAX 1000
int group_prune(const struct host *h, const char *id, const char *prefix, size_t keep,
		struct error *err);

/* Tags of an environment's snapshots, sorted. In the arena. */
int group_list(struct arena *arena, const struct host *h, const char *id, const char ***tags,
	       size_t *n, struct error *err);
