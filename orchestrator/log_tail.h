/*
 * log_tail.h - the end of a container's log, for a message that says why something failed
 */
#pragma once

#include <stddef.h>

struct arena;

/*
 * At most `max` last lines of all *.log in the folder, by time: "httpd 2026-11-24T22:10:08.123Z text", without control characters.
 * The folder is the container's: links, pipes and endless files in it do nothing. In the arena; none is no failure.
 */
void log_tail(struct arena *arena, const char *folder, size_t max, const char ***lines, size_t *n);
