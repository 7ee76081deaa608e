/*
 * pattern.h - regular expressions of web.locations; the only user of PCRE2
 */
#pragma once

#include <stddef.h>

struct arena;

/* NULL when it compiles; else why not, in the arena, and *at: bytes into it. */
const char *pattern_check(struct arena *arena, const char *pattern, size_t *at);
