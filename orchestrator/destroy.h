/*
 * destroy.h - the end of an environment, for the verbs that cause it
 */
#pragma once

#include <stddef.h>

struct error;
struct session;

/*
 * The session's environment: processes, network, volumes (to the trash, or deleted when the options say purge; *kept says how many
 * are there), logs, state. Cut short, doing it again finishes it.
 */
int destroy_environment(struct session *s, size_t *kept, struct error *err);
