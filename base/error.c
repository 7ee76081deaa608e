#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void __attribute__((format(printf, 2, 0)))
set_text(struct error *err, const char *fmt, va_list ap)
{
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
}

int fail(struct error *err, enum error_kind kind, const char *fmt, ...)
{
	va_list ap;

	err->kind = kind;
	err->errnum = 0;
	va_start(ap, fmt);
	set_text(err, fmt, ap);
	va_end(ap);
	return -1;
}

int fail_errno(struct error *err, const char *fmt, ...)
{
	int errnum = errno;
	size_t used;
	va_list ap;

	err->kind = ERROR_SYSTEM;
	err->errnum = errnum;
	va_start(ap, fmt);
	set_text(err, fmt, ap);
	va_end(ap);
	used = strlen(err->text);
	snprintf(err->text + used, sizeof(err->text) - used, ": %s", strerror(errnum));
	return -1;
}

int fail_in(struct error *err, const char *fmt, ...)
{
	char context[200];
	size_t len, room, keep;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(context, sizeof(context) - 2, fmt, ap);
	va_end(ap);
	len = strlen(context);
	memcpy(context + len, ": ", 3);
	len += 2;
	room = sizeof(err->text) - 1 - len;
	keep = strnlen(err->text, room);
	memmove(err->text + len, err->text, keep);
	memcpy(err->text, context, len);
	err->text[len + keep] = '\0';
	return -1;
}
