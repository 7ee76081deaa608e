/*
 * text.h - building and comparing text
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Text that grows. { 0 } is empty; data is NULL until something is added, then
 * always terminated. Free with text_clear() or AUTO(text).
 */
struct text {
	char *data;
	size_t size; /* without the NUL */
	size_t room;
};

void text_add(struct text *t, const char *s);
void text_add_bytes(struct text *t, const void *data, size_t size);
void text_printf(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Never NULL: "" when nothing was added. */
const char *text_get(const struct text *t);
void text_clear(struct text *t);
#define auto_text text_clear

bool text_starts(const char *s, const char *prefix);
bool text_ends(const char *s, const char *suffix);

/*
 * The candidate nearest to word by Damerau-Levenshtein distance, or NULL when
 * none is near enough to be what was meant (more than a third of its letters).
 */
const char *text_nearest(const char *word, const char *const *candidates, size_t n);

/* Decimal, the whole string, at most max. -1 when it isn't one. */
int text_to_u64(const char *s, uint64_t max, uint64_t *out);

/* "64G", "300M", "4096": whole numbers, binary units, the whole string. -1 when it isn't one. */
int text_to_bytes(const char *s, uint64_t *out);

/* "142M", "1.5G": binary units, at most three digits. buf holds at least 16 bytes; returned. */
char *text_bytes(char *buf, uint64_t bytes);
#define TEXT_TIME 24
/* RFC 3339 in UTC, of seconds since 1970: "2026-11-24T22:10:08Z". Returns buf. */
char *text_time(char buf[TEXT_TIME], int64_t seconds);
/* "6.41s", "12.5s", "1m03s", "2h11m", "11d": for people. buf holds at least 16 bytes; returned. */
char *text_duration(char *buf, uint64_t ms);
