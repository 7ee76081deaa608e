#include "base/cron.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/auto.h"

#define MINUTE 60
#define DAY 86400
#define EACH_HOUR 0xffffffu
#define YEARS_MAX 8 /* 29 February comes back after that long at most: 2096 to 2104 */

struct range {
	unsigned min, max;
	const char *const *names; /* of min, min + 1, ...; NULL-terminated; or NULL */
};

static const char *const months[] = { "jan", "feb", "mar", "apr", "may", "jun", "jul",
				      "aug", "sep", "oct", "nov", "dec", NULL };
static const char *const weekdays[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL };

/* weekday: 7 is Sunday, too. */
static const struct range ranges[] = {
	{ 0, 59, NULL }, { 0, 23, NULL }, { 1, 31, NULL }, { 1, 12, months }, { 0, 7, weekdays },
};

uint32_t cron_hash(const char *name)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	return hash ^ hash >> 15;
}

static bool read_value(const char **s, const struct range *r, unsigned *out)
{
	unsigned value = 0;

	for (unsigned i = 0; r->names && r->names[i]; i++)
		if (!strncasecmp(*s, r->names[i], 3)) {
			*s += 3;
			*out = r->min + i;
			return true;
		}
	if (**s < '0' || **s > '9')
		return false;
	for (; **s >= '0' && **s <= '9' && value < 1000; (*s)++)
		value = value * 10 + (unsigned)(**s - '0');
	*out = value;
	return value >= r->min && value <= r->max;
}

static bool read_step(const char **s, unsigned *step)
{
	const struct range any = { 1, 999, NULL };

	*step = 1;
	if (**s != '/')
		return true;
	(*s)++;
	return read_value(s, &any, step);
}

static bool read_pair(const char **s, const struct range *r, unsigned *from, unsigned *to)
{
	if (!read_value(s, r, from))
		return false;
	*to = *from;
	if (**s != '-')
		return true;
	(*s)++;
	return read_value(s, r, to) && *to >= *from;
}

/* H, H(1-5), H/15, H(0-29)/10: one of the range, or every so many from one of the first. */
static bool read_hashed(const char **s, const struct range *r, uint32_t hash, unsigned *from,
			unsigned *to, unsigned *step)
{
	unsigned low = r->min, high = r->max, spread;

	(*s)++;
	if (r->names == weekdays)
		high = 6;
	if (r->min == 1 && r->max == 31)
		high = 28; /* each month has it */
	if (**s == '(') {
		(*s)++;
		if (!read_pair(s, r, &low, &high) || *(*s)++ != ')')
			return false;
	}
	if (high < low)
		return false;
	if (**s != '/') {
		*from = *to = low + hash % (high - low + 1);
		*step = 1;
		return true;
	}
	if (!read_step(s, step))
		return false;
	spread = *step < high - low + 1 ? *step : high - low + 1;
	if (!spread)
		return false;
	*from = low + hash % spread;
	*to = high;
	return true;
}

static bool read_field(const char **s, const struct range *r, uint32_t hash, uint64_t *bits)
{
	for (;; (*s)++) {
		unsigned from, to, step;
		bool good = true;

		if (**s == '*') {
			(*s)++;
			from = r->min;
			to = r->max;
			good = read_step(s, &step);
		} else if (**s == 'H') {
			good = read_hashed(s, r, hash, &from, &to, &step);
		} else {
			good = read_pair(s, r, &from, &to) && read_step(s, &step);
		}
		if (!good)
			return false;
		for (unsigned i = from; i <= to; i += step)
			*bits |= 1ull << i;
		if (**s != ',')
			return **s == ' ' || **s == '\t' || !**s;
	}
}

const char *cron_parse(const char *text, uint32_t hash, struct cron_spec *out)
{
	static const char *const wrong[] = {
		"the minute must be from 0 to 59",
		"the hour must be from 0 to 23",
		"the day must be from 1 to 31",
		"the month must be from 1 to 12, or a name such as jan",
		"the weekday must be from 0 to 7, or a name such as mon",
	};
	uint64_t bits[ARRAY_SIZE(ranges)] = { 0 };
	bool any[ARRAY_SIZE(ranges)];
	struct cron_spec spec;

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		text += strspn(text, " \t");
		if (!*text)
			return "it needs five fields: minute, hour, day, month, weekday";
		any[i] = *text == '*';
		if (!read_field(&text, &ranges[i], hash, &bits[i]))
			return wrong[i];
		hash = hash >> 5 | hash << 27;
	}
	if (text[strspn(text, " \t\n")])
		return "it has more than five fields";
	spec = (struct cron_spec){
		.minute = bits[0],
		.hour = (uint32_t)bits[1],
		.day = (uint32_t)bits[2],
		.month = (uint32_t)bits[3],
		.weekday = (uint32_t)((bits[4] | bits[4] >> 7) & 127),
		.any_day = any[2],
		.any_weekday = any[4],
	};
	*out = spec;
	return NULL;
}

/* crontab(5): where both are restricted, either is enough. */
static bool right_day(const struct cron_spec *spec, const struct tm *t)
{
	bool day = spec->day >> t->tm_mday & 1, weekday = spec->weekday >> t->tm_wday & 1;

	return spec->any_day || spec->any_weekday ? day && weekday : day || weekday;
}

static bool right_minute(const struct cron_spec *spec, const struct tm *t)
{
	return spec->month >> (t->tm_mon + 1) & 1 && right_day(spec, t) &&
		spec->hour >> t->tm_hour & 1 && spec->minute >> t->tm_min & 1;
}

/* What the zone's clocks show, and by how much that differs from UTC. */
static long look_up(time_t at, struct tm *t)
{
	localtime_r(&at, t);
	return t->tm_gmtoff;
}

/* Is there one among the minutes that the clock left out when it was put forward by so much? */
static bool left_out(const struct cron_spec *spec, time_t at, long before, long now)
{
	struct tm t;

	for (time_t shown = at + before; shown < at + now; shown += MINUTE) {
		gmtime_r(&shown, &t);
		if (right_minute(spec, &t))
			return true;
	}
	return false;
}

/* Did the clock show this minute before, since it was put back? */
static bool shown_before(time_t at, long now)
{
	struct tm t;
	long before = look_up(at - DAY, &t);

	return before > now && look_up(at - (before - now), &t) == before;
}

/* Minutes that surely aren't right, were the clock not moved meanwhile. */
static int to_skip(const struct cron_spec *spec, const struct tm *t)
{
	if (!(spec->month >> (t->tm_mon + 1) & 1) || !right_day(spec, t))
		return (23 - t->tm_hour) * 60 + 59 - t->tm_min;
	return spec->hour >> t->tm_hour & 1 ? 0 : 59 - t->tm_min;
}

bool cron_next(const struct cron_spec *spec, int64_t after, int64_t *out)
{
	const bool each_hour = spec->hour == EACH_HOUR;
	time_t at = (time_t)after - (time_t)after % MINUTE;
	const time_t last = at + (time_t)YEARS_MAX * 366 * DAY;
	struct tm t;
	long before = look_up(at, &t), now;

	for (at += MINUTE; at <= last; at += MINUTE, before = now) {
		time_t later;

		now = look_up(at, &t);
		*out = at;
		if (right_minute(spec, &t) && (each_hour || !shown_before(at, now)))
			return true;
		if (!each_hour && now > before && left_out(spec, at, before, now))
			return true;
		later = at + (time_t)to_skip(spec, &t) * MINUTE;
		if (look_up(later, &t) == now)
			at = later;
	}
	return false;
}
