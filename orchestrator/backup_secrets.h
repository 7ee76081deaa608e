/*
 * backup_secrets.h - how the secrets of a backup are kept from whoever has the backup
 *
 * "sealed" in the manifest:
 *
 *	null				they are plain: the host that made it has no key of its own
 *	{ "by": "host", "credential" }	by that host's key (systemd-creds(1)), in whatever root
 *	{ "by": "key file", "salt" }	by a key derived of --key-file; opens anywhere
 *	{ "by": "nobody" }		--no-secrets: they were left out
 *
 * Data isn't sealed, nor the entropy that passwords of services come from: those are in the volumes.
 */
#pragma once

struct backup;
struct error;
struct json_t;
struct session;

/* "plain", "host", "key file", "none"; of one without any secret "none", too. Lives for ever. */
const char *backup_secrets_by(const struct backup *b);

/* Of a backup that is being made: b->secrets as the options say. What was done is told, if there are any. */
int backup_seal(struct session *s, struct backup *b, struct error *err);

/*
 * Of a backup that was read: b->secrets are plain then, before anything is changed. With --no-secrets, or where they were left out, what refers
 * to a secret that isn't kept here either is dropped of the document and told; such variables are marked "left_out". ERROR_PERMISSION where the key is missing.
 */
int backup_unseal(struct session *s, struct backup *b, struct error *err);
