#include <criterion/criterion.h>
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

static struct tm read_time(const char *text)
{
	struct tm t = { 0 };
	time_t at;

	cr_assert_not_null(strptime(text, "%Y-%m-%d %H:%M", &t), "%s", text);
	at = timegm(&t);
	gmtime_r(&at, &t);
	return t;
}

Test(cron, next)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct tm after = read_time(table[i].after), next;
		struct cron_spec spec;
		char shown[32] = "";
		const char *why = cron_parse(table[i].spec, 0, &spec);

		cr_assert_null(why, "%s: %s", table[i].spec, why);
		if (!cron_next(&spec, &after, &next)) {
			cr_expect_null(table[i].next, "%s: never", table[i].spec);
			continue;
		}
		strftime(shown, sizeof(shown), "%Y-%m-%d %H:%M", &next);
		cr_expect_not_null(table[i].next, "%s: %s", table[i].spec, shown);
		if (table[i].next)
			cr_expect_str_eq(shown, table[i].next, "%s: %s", table[i].spec, shown);
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
