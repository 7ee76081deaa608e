/*
 * options.h - what every command line can say, in one struct that cli.c fills
 */
#pragma once

#include <stdbool.h>

#include "base/cli.h"

struct options {
	const char *folder, *root, *project, *environment;
	const char *progress, *format, *publish, *user, *tail;
	unsigned long timeout_ms;
	unsigned verbose;
	bool quiet, json;
	bool yes, purge;	/* destroy */
	bool dry_run, worktree; /* deploy */
	bool detailed, offline; /* plan */
	bool lenient;		/* whatever reads the manifest */
	bool origin;		/* config */
	bool follow;		/* logs */
	bool no_tty;		/* exec */
	bool all, shutdown;	/* start, stop */
	bool deferred;		/* supervise */
	bool rm, host;		/* run */
	const char *artifacts;
	const char *from;	/* branch, sync, run */
	unsigned long ttl_ms;	/* branch */
	bool no_data, no_start; /* branch */
	bool no_snapshot;	/* deploy */
	bool with_data;		/* rollback */
};

extern const struct cli_flag common_flags[];

/* The verbs: commands.c. */
extern const struct cli_command commands[];
extern const size_t n_commands;
