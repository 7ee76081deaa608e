/*
 * container_log.h - a container's log folder from outside: its end, for a message that says why something failed, and notes of ours in it
 *
 * The folder is the container's: links, pipes and endless files in it do nothing.
 */
#pragma once

#include <stddef.h>

struct arena;

/*
 * At most `max` last lines of all *.log in the folder, by time: "httpd 2026-11-24T22:10:08.123Z text", without control characters.
 * In the arena; none is no failure.
 */
void container_log_tail(struct arena *arena, const char *folder, size_t max, const char ***lines,
			size_t *n);

/* A line as of a process of that name. Trouble is swallowed. */
void container_log_note(const char *folder, const char *process, const char *line);
