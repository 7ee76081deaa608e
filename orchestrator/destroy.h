/*
 * destroy.h - the end of an environment
 *
 * That it is to end is recorded first. A destroy that was killed is finished by whoever comes next; volumes that are left then
 * go to the trash, also when it was to purge them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct error;
struct session;

/*
 * Of s->env nothing is left but what is in the trash: *kept volumes. With the last environment all that was mounted goes. Somebody at work on it
 * is an ERROR_CONFLICT. The state must be there (session_need_state).
 */
int destroy_environment(struct session *s, bool purge, size_t *kept, struct error *err);
/* The same by who has its lock (session_lock). */
int destroy_held(struct session *s, bool purge, size_t *kept, struct error *err);

/* One that was begun, and nothing else. DESTROY_BUSY: somebody is at it, or has made it anew. */
#define DESTROY_BUSY 1
int destroy_finish(struct session *s, struct error *err);

/*
 * All that were begun in this root, and what else a killed command left of environments that aren't there any more. Ones that somebody is
 * at work on are his. Also forgets what is too long in the trash.
 */
int destroy_finish_all(struct session *s, struct error *err);
