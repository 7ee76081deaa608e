/* Any text as a schedule: the next time is later, and one that the spec names. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cron.h"
#include "tests/fuzz/project.h"

static void check(const struct cron_spec *spec, time_t at)
{
	struct tm next;
	int64_t found;
	time_t shown;

	if (!cron_next(spec, at, &found))
		return;
	shown = found;
	gmtime_r(&shown, &next);
	if (found <= at || found % 60 || !(spec->minute >> next.tm_min & 1) ||
	    !(spec->hour >> next.tm_hour & 1) || !(spec->month >> (next.tm_mon + 1) & 1) ||
	    !((spec->day >> next.tm_mday & 1) || (spec->weekday >> next.tm_wday & 1)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[256] = "";
	struct cron_spec spec;

	setenv("TZ", "UTC0", 1);
	if (size < 4 || size >= sizeof(text))
		return 0;
	memcpy(text, data + 4, size - 4);
	if (!cron_parse(text, cron_hash(text), &spec))
		check(&spec, (time_t)(data[0] << 22 | data[1] << 14 | data[2] << 6 | data[3]) * 60);
	return 0;
}
