/*
 * backup_images.h - images of a backup, into the store
 */
#pragma once

struct backup_place;
struct error;
struct session;

/* Whether each one is in the backup or in the store; which are not, and how to get them, is the ERROR_ABSENT. */
int backup_check_images(struct session *s, const struct backup_place *p, struct error *err);
/* All of them are in the store afterwards, under their names. */
int backup_take_images(struct session *s, const struct backup_place *p, struct error *err);
