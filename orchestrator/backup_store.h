/*
 * backup_store.h - where backups are
 *
 * <state>/backups/<id>/, or such a folder elsewhere, or all of it in one tar file. A name that ends in '~' is unfinished.
 */
#pragma once

#include <stdbool.h>

#include "orchestrator/backup.h"

struct host;
struct session;

/* <state>/backups, and a path in it. In the arena. */
char *backup_path(struct arena *arena, const struct host *h, const char *name);

struct backup_place {
	struct backup b;
	const char *folder;   /* in the session's arena */
	const char *unpacked; /* a folder that is only there while this is open; or NULL */
	const char *shown;    /* as the user calls it */
	int lock;	      /* of unpacked */
};
#define BACKUP_PLACE_NONE ((struct backup_place){ .lock = -1 })

/* what: an id, a folder or a tar file. *p must be closed, also on failure. */
int backup_open(struct session *s, const char *what, struct backup_place *p, struct error *err);
void backup_place_close(struct backup_place *p);
#define auto_backup_place backup_place_close

/*
 * Each part's size and SHA-256. A broken one is told with what is wrong and counted; told may be NULL. -1 when one is broken: *err names the first.
 */
typedef void backup_part(void *ctx, const char *file, uint64_t bytes, const char *problem);
int backup_verify(const struct backup_place *p, backup_part *told, void *ctx, struct error *err);

struct backup_listed {
	const char *id;
	struct backup b;
	const char *problem; /* its manifest can't be read; or NULL */
	const char *secrets; /* backup_secrets_by() */
	uint64_t bytes;
};
/* Those of the root, oldest first; documents are left out. In the arena. */
int backup_list(struct arena *arena, const struct host *h, struct backup_listed **out, size_t *n,
		struct error *err);

/* The whole folder as one file, which appears by rename. */
int backup_export(const char *folder, const char *file, struct error *err);
int backup_remove(struct session *s, const char *id, struct error *err);

/* The folder's entry is on disk. */
int backup_sync(const char *folder, struct error *err);
