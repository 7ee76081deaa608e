/*
 * backup_make.h - a backup of the session's environment
 */
#pragma once

struct backup_made {
	const char *id;
	const char *path; /* of its folder or file */
	unsigned long long bytes;
	unsigned volumes;
};

struct error;
struct session;

/*
 * All volumes as of one moment, the good generation and (unless --no-images) its images, under <state>/backups or where --to says. What is found at
 * that place is complete: written beside, synced, renamed. An interrupted one leaves what the next one of the environment removes. Texts live in the session's arena.
 */
int backup_make(struct session *s, struct backup_made *out, struct error *err);
