#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "base/cron.h"

/* 2026-11-24 is a Tuesday. */
static const struct {
	const char *spec, *after, *next; /* next NULL: never */
} table[] = {
	{ "* * * * *", "2026-11-24 22:05", "2026-11-24 22:06" },
	{ "*/5 * * * *", "2026-11-24 22:05", "2026-11-24 22:10" },
	{ "*/19 * * * *", "2026-11-24 22:38", "2026-11-24 22:57" },
	{ "0 3 * * *", "2026-11-24 22:05", "2026-11-25 03:00" },
	{ "30 4 1 * *", "2026-11-24 22:05", "2026-12-01 04:30" },
	{ "0 0 1 jan *", "2026-11-24 22:05", "2027-01-01 00:00" },
	{ "0 0 29 2 *", "2026-11-24 22:05", "2028-02-29 00:00" },
	{ "0 0 30 2 *", "2026-11-24 22:05", NULL },
	{ "0 0 31 * *", "2026-11-24 22:05", "2026-12-31 00:00" },
	{ "0 12 * * mon-fri", "2026-11-27 12:00", "2026-11-30 12:00" },
	{ "0 12 * * 7", "2026-11-24 22:05", "2026-11-29 12:00" },
	{ "0 12 * * SUN", "2026-11-24 22:05", "2026-11-29 12:00" },
	/* Both restricted: either is enough. */
	{ "0 0 13 * 5", "2026-11-24 22:05", "2026-11-27 00:00" },
	{ "0 0 26 * 5", "2026-11-24 22:05", "2026-11-26 00:00" },
	/* A day with a step is still any day: crontab(5). */
	{ "0 0 */2 * tue", "2026-11-24 22:05", "2026-12-01 00:00" },
	{ "5,10 1-3/2 * * *", "2026-11-24 01:10", "2026-11-24 03:05" },
	{ "59 23 31 12 *", "2026-12-31 23:59", "2027-12-31 23:59" },
	{ "0 0 29 2 *", "2096-03-01 00:00", "2104-02-29 00:00" },
};

static int64_t read_time(const char *text)
{
	struct tm t = { 0 };

	cr_assert_not_null(strptime(text, "%Y-%m-%d %H:%M", &t), "%s", text);
	return (int64_t)timegm(&t);
}

static void show_time(char shown[32], int64_t seconds)
{
	time_t at = (time_t)seconds;
	struct tm t;

	gmtime_r(&at, &t);
	strftime(shown, 32, "%Y-%m-%d %H:%M", &t);
}

static void use_zone(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
}

Test(cron, next)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		int64_t next;
		struct cron_spec spec;
		char shown[32] = "";
		const char *why = cron_parse(table[i].spec, 0, &spec);

		use_zone("UTC");
		cr_assert_null(why, "%s: %s", table[i].spec, why);
		if (!cron_next(&spec, read_time(table[i].after), &next)) {
			cr_expect_null(table[i].next, "%s: never", table[i].spec);
			continue;
		}
		show_time(shown, next);
		cr_expect_not_null(table[i].next, "%s: %s", table[i].spec, shown);
		if (table[i].next)
			cr_expect_str_eq(shown, table[i].next, "%s: %s", table[i].spec, shown);
	}
}

/* All in UTC but the specs. Berlin: 2026-03-29 01:00 UTC, 2:00 becomes 3:00; 2026-10-25 01:00 UTC, 3:00 becomes 2:00. */
static const struct {
	const char *zone, *spec, *after, *next[4];
} zoned[] = {
	{ "Europe/Berlin",
	  "0 3 * * *",
	  "2026-01-10 00:00",
	  { "2026-01-10 02:00", "2026-01-11 02:00" } },
	{ "Europe/Berlin",
	  "0 3 * * *",
	  "2026-07-10 00:00",
	  { "2026-07-10 01:00", "2026-07-11 01:00" } },
	/* The day of the change, from either side of it. */
	{ "Europe/Berlin",
	  "0 3 * * *",
	  "2026-03-28 12:00",
	  { "2026-03-29 01:00", "2026-03-30 01:00" } },
	{ "Europe/Berlin",
	  "0 3 * * *",
	  "2026-10-24 12:00",
	  { "2026-10-25 02:00", "2026-10-26 02:00" } },
	/* In the hour that isn't: right behind it, once. */
	{ "Europe/Berlin",
	  "30 2 * * *",
	  "2026-03-28 12:00",
	  { "2026-03-29 01:00", "2026-03-30 00:30" } },
	{ "Europe/Berlin",
	  "0,30 2 * * *",
	  "2026-03-28 12:00",
	  { "2026-03-29 01:00", "2026-03-30 00:00" } },
	{ "Europe/Berlin",
	  "30 2,3 * * *",
	  "2026-03-28 12:00",
	  { "2026-03-29 01:00", "2026-03-29 01:30", "2026-03-30 00:30" } },
	{ "Europe/Berlin",
	  "30 2 29 3 *",
	  "2025-06-01 00:00",
	  { "2026-03-29 01:00", "2027-03-29 00:30" } },
	/* In the hour that is twice: the first time, once. */
	{ "Europe/Berlin",
	  "30 2 * * *",
	  "2026-10-24 12:00",
	  { "2026-10-25 00:30", "2026-10-26 01:30" } },
	{ "Europe/Berlin", "30 2 * * *", "2026-10-25 00:45", { "2026-10-26 01:30" } },
	{ "Europe/Berlin",
	  "0 2-3 * * *",
	  "2026-10-24 12:00",
	  { "2026-10-25 00:00", "2026-10-25 02:00", "2026-10-26 01:00" } },
	/* Each hour: by time that passes. */
	{ "Europe/Berlin",
	  "30 * * * *",
	  "2026-10-24 23:45",
	  { "2026-10-25 00:30", "2026-10-25 01:30", "2026-10-25 02:30" } },
	{ "Europe/Berlin",
	  "*/30 * * * *",
	  "2026-03-29 00:15",
	  { "2026-03-29 00:30", "2026-03-29 01:00", "2026-03-29 01:30" } },
	/* At midnight, so that a day begins at 1:00. */
	{ "Asia/Beirut",
	  "0 0 * * *",
	  "2026-03-28 12:00",
	  { "2026-03-28 22:00", "2026-03-29 21:00" } },
	{ "Asia/Beirut", "30 0 29 3 *", "2026-03-01 00:00", { "2026-03-28 22:00" } },
	/* By half an hour; and a zone that is off by 45 minutes. */
	{ "Australia/Lord_Howe",
	  "15 2 * * *",
	  "2026-10-03 12:00",
	  { "2026-10-03 15:30", "2026-10-04 15:15" } },
	{ "Australia/Lord_Howe",
	  "45 1 * * *",
	  "2026-04-04 00:00",
	  { "2026-04-04 14:45", "2026-04-05 15:15" } },
	{ "Asia/Kathmandu", "0 6 * * *", "2026-05-01 00:00", { "2026-05-01 00:15" } },
	/* South of the equator, and where there is no DST. */
	{ "America/Santiago",
	  "30 0 * * *",
	  "2026-09-05 12:00",
	  { "2026-09-06 04:00", "2026-09-07 03:30" } },
	{ "Asia/Tokyo", "0 9 * * mon", "2026-03-28 00:00", { "2026-03-30 00:00" } },
	/* By a table, not by a rule: no DST in Ramadan. */
	{ "Africa/Casablanca",
	  "0 12 * * *",
	  "2026-02-14 00:00",
	  { "2026-02-14 11:00", "2026-02-15 12:00" } },
};

Test(cron, zones)
{
	for (size_t i = 0; i < ARRAY_SIZE(zoned); i++) {
		int64_t at = read_time(zoned[i].after);
		struct cron_spec spec;

		use_zone(zoned[i].zone);
		cr_assert_null(cron_parse(zoned[i].spec, 0, &spec));
		for (size_t k = 0; k < 4 && zoned[i].next[k]; k++) {
			char shown[32];

			cr_assert(cron_next(&spec, at, &at));
			show_time(shown, at);
			cr_expect_str_eq(shown, zoned[i].next[k],
					 "%s, %s after %s: %s instead of %s", zoned[i].zone,
					 zoned[i].spec, zoned[i].after, shown, zoned[i].next[k]);
		}
	}
}

/* A day has each of its minutes once, whatever the clock does. */
Test(cron, each_day_has_one)
{
	static const char *const zones[] = { "Europe/Berlin", "America/Santiago", "Asia/Beirut",
					     "Australia/Lord_Howe", "Africa/Casablanca" };

	for (size_t z = 0; z < ARRAY_SIZE(zones); z++)
		for (int minute = 0; minute < 1440; minute += 15) {
			int64_t at = read_time("2026-01-01 00:00"), before = at;
			struct cron_spec spec;
			char text[32];

			use_zone(zones[z]);
			snprintf(text, sizeof(text), "%d %d * * *", minute % 60, minute / 60);
			cr_assert_null(cron_parse(text, 0, &spec));
			cr_assert(cron_next(&spec, at, &before));
			for (int day = 0; day < 366; day++, before = at) {
				cr_assert(cron_next(&spec, before, &at));
				cr_assert(at - before >= 22 * 3600 && at - before <= 26 * 3600,
					  "%s, %s: %lld after %lld", zones[z], text, (long long)at,
					  (long long)before);
			}
		}
}

Test(cron, wrong)
{
	static const char *const specs[] = {
		"",
		"* * * *",
		"* * * * * *",
		"60 * * * *",
		"* 24 * * *",
		"* * 0 * *",
		"* * 32 * *",
		"* * * 13 *",
		"* * * * 8",
		"*/0 * * * *",
		"5-1 * * * *",
		"a * * * *",
		"1, * * * *",
		"@daily",
		"-1 * * * *",
		"1- * * * *",
		"H( * * * *",
		"H(5 * * * *",
		"H(9-1) * * * *",
		"* * * foo *",
		"1x * * * *",
		"99999999999999999999 * * * *",
	};

	for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
		struct cron_spec spec;

		cr_expect_not_null(cron_parse(specs[i], 0, &spec), "\"%s\"", specs[i]);
	}
}

static unsigned count(uint64_t bits)
{
	return (unsigned)__builtin_popcountll(bits);
}

/* The same job at the same time, other jobs at others, and always within what is asked for. */
Test(cron, hashed)
{
	uint64_t minutes = 0;

	for (unsigned i = 0; i < 200; i++) {
		const char name[] = { 'j', (char)('a' + i % 26), (char)('a' + i / 26), '\0' };
		struct cron_spec spec, again;

		cr_assert_null(cron_parse("H H(1-5) H * *", cron_hash(name), &spec));
		cr_assert_null(cron_parse("H H(1-5) H * *", cron_hash(name), &again));
		cr_expect(spec.minute == again.minute && spec.hour == again.hour &&
			  spec.day == again.day);
		cr_expect_eq(count(spec.minute), 1);
		cr_expect_eq(count(spec.hour), 1);
		cr_expect_eq(count(spec.day), 1);
		cr_expect_eq(spec.hour & ~0x3eu, 0);
		cr_expect_eq(spec.day & ~0x1ffffffeu, 0);
		minutes |= spec.minute;
		cr_assert_null(cron_parse("H/15 * * * *", cron_hash(name), &spec));
		cr_expect_eq(count(spec.minute), 4);
	}
	cr_expect_gt(count(minutes), 40);
}
