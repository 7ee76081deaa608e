/*
 * backup.h - the manifest of a backup: what an environment was at one moment, and in which files that is
 *
 * {
 *   "schema": "orch.backup/1", "id": "main-ab22cd3-20261124T221008Z-k3x9qa", "made": seconds since 1970,
 *   "environment": { "machine_name", "name", "type", "project", "project_id", "folder" },
 *   "entropy": the project's, "generation": n, "commit": ..., "subject": ...,
 *   "document": as in desired.h,
 *   "volumes": [ { "container", "file", "format": "tar+zstd", "bytes", "sha256", "used", "limit", "uid", "gid" } ],
 *   "images": [ { "digest", "file": NAME or null, "bytes", "names": { KEY: facts } } ],
 *   "variables": [ { "scope": "environment" | "project", "app": "" for all, "name", "value", "sensitive", ... as in variables.h } ],
 *   "secrets": { DIGEST: text }, "sealed": how the texts are, as in backup_secrets.h, or null,
 *   "sha256": of all of the above, printed canonically
 * }
 *
 * A backup is a folder with this as manifest.json and the files beside it. A volume's file is a tar with inner ids (idmap.h), extended
 * attributes and holes, compressed by zstd: any host, pool and driver can take it. An image's file is the image.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct arena;
struct error;
struct json_t;

#define BACKUP_MANIFEST "manifest.json"
#define BACKUP_MAX_BYTES (64u << 20) /* of a manifest */

struct backup_volume {
	const char *container, *file, *sha256;
	uint64_t bytes;	   /* of the file */
	uint64_t used;	   /* on disk, unpacked */
	uint64_t limit;	   /* of the volume; 0: none */
	uint32_t uid, gid; /* inner ids of the volume's own folder */
};

struct backup_image {
	const char *digest;
	const char *file; /* NULL: left out */
	uint64_t bytes;
	struct json_t *names; /* store.h: key and facts */
};

struct backup {
	const char *id;
	int64_t made;
	const char *machine_name, *name, *type, *project, *project_id, *folder;
	const char *entropy;
	int64_t generation;
	const char *commit, *subject;
	struct json_t *document;
	struct json_t *variables, *secrets;
	struct json_t *sealed; /* NULL: secrets are plain */
	struct backup_volume *volumes;
	size_t n_volumes;
	struct backup_image *images;
	size_t n_images;
	struct json_t *json; /* what document and names are part of, when it was parsed; owned */
};

/*
 * Every name in it is one that is safe to use as part of a path, and nothing is there twice. name is for messages. Texts live in the
 * arena; *out must be closed.
 */
int backup_parse(struct arena *arena, const char *name, const char *data, size_t size,
		 struct backup *out, struct error *err);
void backup_close(struct backup *b);
#define auto_backup backup_close

/* The text of the manifest, in the arena. */
char *backup_print(struct arena *arena, const struct backup *b);

const struct backup_volume *backup_find_volume(const struct backup *b, const char *container);
