/*
 * options.h - what every command line can say, in one struct that cli.c fills
 */
#pragma once

#include <stdbool.h>

#include "base/cli.h"

struct options {
	const char *folder, *root, *project, *environment;
	const char *color, *progress, *format, *publish, *user, *tail;
	unsigned long timeout_ms;
	unsigned verbose;
	bool quiet, yes, json, wait, no_wait, dry_run, worktree, follow, purge, all, detailed,
		offline;
	bool digest_input, no_tty, shutdown, lenient, refresh, cascade;
};

extern const struct cli_flag common_flags[];
