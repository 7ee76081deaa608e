/*
 * report.h - what `orch run --artifacts DIR` leaves behind
 *
 *	DIR/summary.json	{"schema": "orch.run/1", ...}: how it ended, each step with its time
 *	DIR/junit.xml		one testsuite: the steps of the deploy and the command as test cases
 *	DIR/command.log		what the command wrote, both streams as they came
 *	DIR/logs/CONTAINER/	the processes' logs
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct error;
struct host;

struct report_step {
	const char *what, *name, *detail; /* "create", "db", "" */
	uint64_t ms;
};

struct report {
	struct arena arena;
	const char *folder; /* NULL: nothing is written */
	const char *environment, *machine_name, *url;
	const char *const *command;
	int64_t began; /* seconds since 1970 */
	ARENA_LIST(struct report_step) steps;
	uint64_t deploy_ms, command_ms, ms;
	const char *failed; /* why orch itself failed; NULL: it didn't */
	bool ran;	    /* the command did */
	bool late;	    /* and was ended by the deadline */
	int exit;	    /* of orch run */
};

/* Make the folder, and what the command writes into, emptied: *out, the caller's; -1 when there is no folder. */
int report_open(struct report *r, int *out, struct error *err);
void report_close(struct report *r);
#define auto_report report_close

/* As request.tell; ctx is the report. */
void report_step(void *ctx, const char *what, const char *name, const char *detail, uint64_t ms);

/* The containers' logs, while there are any: regular files only, whatever a container made of its log folder. */
int report_logs(const struct report *r, const struct host *h, const char *id, struct error *err);
int report_write(struct report *r, struct error *err);
