/*
 * backup_vars.h - variables and secrets of a backup
 *
 * Those of the environment and of its project, and the texts of all secrets that they or the document name by digest. What an environment
 * inherits is in its document.
 */
#pragma once

struct backup;
struct error;
struct json_t;
struct session;

/* b->variables and b->secrets, owned by the caller. The environment and document must be there. */
int backup_collect_vars(struct session *s, struct backup *b, struct error *err);

/*
 * The environment has the variables of the backup then, and no others; the project those that it had none of. Where the project has other
 * entropy here, secrets have other digests: *document is changed accordingly.
 */
int backup_put_vars(struct session *s, const struct backup *b, struct json_t **document,
		    struct error *err);
