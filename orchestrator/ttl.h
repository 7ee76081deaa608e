/*
 * ttl.h - environments that end by themselves
 *
 * The time of the end is in the state. Its supervisor looks at it with a timer; where there is none, the next command that
 * changes anything does. Either only starts `orch gc --expired`, which waits for nobody: what
 * is being deployed is kept until the deploy has ended.
 */
#pragma once

struct environment;
struct error;
struct host;
struct state;

/* "2h" from now; "never" or "0" takes it back. ERROR_INPUT for production, and for no time. */
int ttl_set(struct environment *e, const char *text, struct error *err);

/* Its supervisor, if there is one, looks at the state again. */
void ttl_look(const struct host *h, const struct environment *e);

/* In the background, and only when something has ended: remove it. id NULL: whatever has. */
void ttl_remove(const struct host *h, const char *id);
