/*
 * cron.h - when a job runs: five fields as in crontab(5), and H for "some time, always the same"
 *
 * Pure: the caller says what time it is, in which zone, and what H stands for.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct tm;

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
 * The first time after `after` (broken down, in the job's zone; seconds are dropped) that the spec names, as broken
 * down time without DST: the caller's mktime(3) says when that is. False when there is none, as on 30 February.
 */
bool cron_next(const struct cron_spec *spec, const struct tm *after, struct tm *out);
