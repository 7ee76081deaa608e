#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

static enum log_level current = LOG_NORMAL;
static const char *before = "";

void log_set_level(enum log_level level)
{
	current = level;
}

void log_set_prefix(const char *prefix)
{
	before = prefix ? prefix : "";
}

/* One write a line, so that lines of several processes don't mix. */
static void __attribute__((format(printf, 2, 0))) say(const char *kind, const char *fmt, va_list ap)
{
	char line[2000];

	vsnprintf(line, sizeof(line), fmt, ap);
	fprintf(stderr, "%s%s%s\n", before, kind, line);
}

#define LOG_FUNCTION(name, level, kind) \
	void name(const char *fmt, ...) \
	{                               \
		va_list ap;             \
                                        \
		if (current < (level))  \
			return;         \
		va_start(ap, fmt);      \
		say(kind, fmt, ap);     \
		va_end(ap);             \
	}

LOG_FUNCTION(log_info, LOG_NORMAL, "")
LOG_FUNCTION(log_warn, LOG_QUIET, "warning: ")
LOG_FUNCTION(log_debug, LOG_VERBOSE, "debug: ")
