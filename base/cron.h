/*
 * cron.h - when a job runs: five fields as in crontab(5), and H for "some time, always the same"
 *
 * Pure but for the zone, which is the process's: TZ, tzset(3). The caller says what time it is, and what H stands for.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct cron_spec {
	uint64_t minute;		    /* bit n: minute n */
	uint32_t hour, day, month, weekday; /* days from 1, months from 1, Sunday is 0 */
	bool any_day, any_weekday;	    /* "*": else a day that either names is right */
};

/*
 * "m h day month weekday": numbers, names of months and weekdays, *, lists, ranges, steps; H, H(1-5), H/15.
 * hash stands for the job: what H is follows from it. NULL, or what is wrong, as a constant text.
 */
const char *cron_parse(const char *text, uint32_t hash, struct cron_spec *out);

/* The same for the same name, and spread over all names. */
uint32_t cron_hash(const char *name);

/*
 * The first time after `after` that the spec names, in seconds since 1970; whole minutes. False when there is none, as on 30 February.
 *
 * Where clocks are put forward, what would be in the hour that is left out comes right behind it; where they are put back, what would
 * come twice comes the first time. Jobs of each hour go by time that passes.
 */
bool cron_next(const struct cron_spec *spec, int64_t after, int64_t *out);
