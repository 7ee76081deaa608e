/*
 * error.h - how a function says why it failed
 *
 * A function that can fail takes `struct error *err` last and returns
 *
 *	 0 or a pointer	done; *err is untouched
 *	-1 or NULL	failed; *err says why, outputs are untouched
 *	> 0		an expected outcome named in its comment; *err is untouched
 *
 * struct error is plain data: nothing to free, and a container's child sends it
 * over a socket as it is.
 */
#pragma once

/* The value of each kind is orch's exit code. */
enum error_kind {
	ERROR_NONE = 0,
	ERROR_SYSTEM = 1,     /* the operation failed; the previous state stands */
	ERROR_INPUT = 2,      /* arguments or manifest are wrong; nothing was touched */
	ERROR_ABSENT = 3,     /* no such project, environment, container, generation */
	ERROR_CONFLICT = 4,   /* locked, or a reviewed plan is stale */
	ERROR_PERMISSION = 5, /* needs root */
	ERROR_TIMEOUT = 6,    /* gave up waiting; the text says what goes on */
	ERROR_BROKEN = 7,     /* going back failed too: needs a person */
	ERROR_HOST = 9,	      /* the host can't do it: orch doctor */
	ERROR_INTERRUPTED = 130,
};

struct error {
	enum error_kind kind;
	int errnum;	 /* errno value, or 0 */
	char text[1000]; /* no trailing newline; always terminated */
};

/* Set *err and return -1, so that a caller can write `return fail(...)`. */
int fail(struct error *err, enum error_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* As fail(), with errno kept in errnum and ": strerror" added. EPERM and EACCES stay ERROR_SYSTEM. */
int fail_errno(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Put "context: " in front of the text of a failure. Returns -1. */
int fail_in(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
