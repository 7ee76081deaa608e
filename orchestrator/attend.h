/*
 * attend.h - wait for a command of the user's: with a deadline, passing signals on, keeping what it writes
 *
 * SIGINT, SIGTERM and SIGHUP count in control_interrupts, so that whatever waits for a supervisor cancels, and go on to the command that is
 * attended to (the terminal itself sends ^C to it). A command that neither they nor the deadline's SIGTERM end is killed 10 s later.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct error;

/* From now on. */
void attend_signals(void);
/* As it was, for a child about to become another program. Nothing but system calls. */
void attend_as_before(void);
/* No more: what follows has to be finished. */
void attend_no_signals(void);

struct attended {
	pid_t pid; /* a child of ours */
	uint64_t timeout_ms;
	int terminal; /* master of the command's pseudo terminal; -1: none */
	int out,
		err; /* where its output is read, to be carried to ours; -1: it writes there itself */
	int copy;    /* a file that gets both too; -1: none */
};

/* Its exit code, once it has ended. *late: the deadline had passed. */
int attend(const struct attended *a, bool *late);
