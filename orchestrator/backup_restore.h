/*
 * backup_restore.h - an environment as a backup has it
 */
#pragma once

struct backup_place;
struct error;
struct session;

/*
 * Into the environment that it is of, or the one that --as names, which is made if need be; of the project here if that has the name of the backup's, else
 * of the backup's own. Everything is checked first. What the environment has is kept as the snapshot "before-restore-<seconds>"; the new volumes take the
 * place of the old ones by one rename. Cut short at any point, the same again ends it. s->env is the environment afterwards.
 */
int backup_restore(struct session *s, const struct backup_place *p, struct error *err);
