/*
 * say.h - times and addresses as people and JSON read them
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct environment;

/* All in the arena, or constant. Times are seconds since 1970; 0 or less gives "-". */
const char *say_ago(struct arena *arena, int64_t since);
/* "1h05m", or "over" when the time has come. */
const char *say_left(struct arena *arena, int64_t until);
/* utc: RFC 3339, else local with offset. */
const char *say_when(struct arena *arena, int64_t t, bool utc);
/* Where the app is reached; "-" before the first deploy. */
const char *say_url(struct arena *arena, const struct environment *e);
