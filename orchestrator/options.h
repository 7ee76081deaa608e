/*
 * options.h - what every command line can say, in one struct that cli.c fills
 */
#pragma once

#include <stdbool.h>

#include "base/cli.h"

struct options {
	const char *folder, *root, *project, *environment;
	const char *progress, *format, *publish, *user, *tail;
	const char *yes_destroy;
	const char *to, *as;
	bool live, no_images, data_only, repair;
	unsigned long timeout_ms, older_than_ms;
	unsigned verbose;
	bool quiet, json;
	bool yes, purge;	/* destroy */
	bool dry_run, worktree; /* deploy */
	bool detailed;		/* plan */
	bool follow;		/* logs */
	bool no_tty;		/* exec */
	bool all, shutdown;	/* start, stop */
	bool deferred;		/* supervise */
};

extern const struct cli_flag common_flags[];

/* The verbs: commands.c. */
extern const struct cli_command commands[];
extern const size_t n_commands;
