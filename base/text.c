#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void reserve(struct text *t, size_t more)
{
	size_t need = t->size + more + 1;

	if (need <= t->room)
		return;
	t->room = need < 128 ? 256 : need * 2;
	t->data = realloc(t->data, t->room);
	if (!t->data)
		abort();
}

void text_add_bytes(struct text *t, const void *data, size_t size)
{
	reserve(t, size);
	memcpy(t->data + t->size, data, size);
	t->size += size;
	t->data[t->size] = '\0';
}

void text_add(struct text *t, const char *s)
{
	text_add_bytes(t, s, strlen(s));
}

void text_printf(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0)
		abort();
	reserve(t, (size_t)len);
	va_start(ap, fmt);
	vsnprintf(t->data + t->size, (size_t)len + 1, fmt, ap);
	va_end(ap);
	t->size += (size_t)len;
}

const char *text_get(const struct text *t)
{
	return t->data ? t->data : "";
}

void text_clear(struct text *t)
{
	free(t->data);
	*t = (struct text){ 0 };
}

bool text_starts(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

bool text_ends(const char *s, const char *suffix)
{
	size_t len = strlen(s), tail = strlen(suffix);

	return len >= tail && !strcmp(s + len - tail, suffix);
}

#define WORD_MAX 64

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* Optimal string alignment: insert, delete, replace, swap of neighbours cost one each. */
static unsigned distance(const char *a, size_t na, const char *b, size_t nb)
{
	unsigned d[WORD_MAX + 1][WORD_MAX + 1];

	for (size_t i = 0; i <= na; i++)
		d[i][0] = (unsigned)i;
	for (size_t k = 0; k <= nb; k++)
		d[0][k] = (unsigned)k;
	for (size_t i = 1; i <= na; i++) {
		for (size_t k = 1; k <= nb; k++) {
			d[i][k] = least(d[i - 1][k] + 1, d[i][k - 1] + 1,
					d[i - 1][k - 1] + (a[i - 1] != b[k - 1]));
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
				d[i][k] = least(d[i][k], d[i - 2][k - 2] + 1, d[i][k]);
		}
	}
	return d[na][nb];
}

const char *text_nearest(const char *word, const char *const *candidates, size_t n)
{
	size_t len = strlen(word);
	const char *best = NULL;
	unsigned nearest = 0;

	if (len > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t other = strlen(candidates[i]);
		unsigned d;

		if (other > WORD_MAX)
			continue;
		d = distance(word, len, candidates[i], other);
		if ((size_t)d * 3 > (len > other ? len : other) || (best && d >= nearest))
			continue;
		best = candidates[i];
		nearest = d;
	}
	return best;
}

int text_to_u64(const char *s, uint64_t max, uint64_t *out)
{
	unsigned long long number;
	char *end;

	if (*s < '0' || *s > '9')
		return -1;
	errno = 0;
	number = strtoull(s, &end, 10);
	if (errno || *end || number > max)
		return -1;
	*out = number;
	return 0;
}

static const char units[] = "KMGTPE";

int text_to_bytes(const char *s, uint64_t *out)
{
	size_t digits = strspn(s, "0123456789");
	const char *unit = s[digits] ? strchr(units, s[digits]) : NULL;
	unsigned shift = unit ? (unsigned)(unit - units + 1) * 10 : 0;
	char number[24];
	uint64_t n;

	if (digits >= sizeof(number) || (s[digits] && (!unit || s[digits + 1])))
		return -1;
	memcpy(number, s, digits);
	number[digits] = '\0';
	if (text_to_u64(number, UINT64_MAX >> shift, &n) < 0)
		return -1;
	*out = n << shift;
	return 0;
}

char *text_bytes(char *buf, uint64_t bytes)
{
	double value = (double)bytes;
	int unit = -1;

	/* From 999.5 on it would be printed as four digits. */
	while (value >= 999.5 && unit < 5) {
		value /= 1024;
		unit++;
	}
	if (unit < 0)
		snprintf(buf, 16, "%uB", (unsigned)bytes);
	else if (value < 9.95 && (uint64_t)(value * 10 + 0.5) % 10)
		snprintf(buf, 16, "%.1f%c", value, units[unit]);
	else
		snprintf(buf, 16, "%.0f%c", value, units[unit]);
	return buf;
}

char *text_duration(char *buf, uint64_t ms)
{
	uint64_t s = ms < 60000 ? (ms + 500) / 1000 : ms / 1000;

	if (ms < 9950)
		snprintf(buf, 16, "%.2fs", (double)ms / 1000);
	else if (ms < 59950)
		snprintf(buf, 16, "%.1fs", (double)ms / 1000);
	else if (s < 3600)
		snprintf(buf, 16, "%um%02us", (unsigned)(s / 60), (unsigned)(s % 60));
	else if (s < 86400)
		snprintf(buf, 16, "%uh%02um", (unsigned)(s / 3600), (unsigned)(s / 60 % 60));
	else
		snprintf(buf, 16, "%" PRIu64 "d", s / 86400);
	return buf;
}

char *text_time(char buf[TEXT_TIME], int64_t seconds)
{
	const time_t t = (time_t)seconds;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(buf, TEXT_TIME, "%Y-%m-%dT%H:%M:%SZ", &tm))
		buf[0] = '\0';
	return buf;
}
