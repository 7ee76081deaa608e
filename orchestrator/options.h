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
	bool yes, purge;		   /* destroy */
	bool dry_run, worktree;		   /* deploy */
	bool detailed;			   /* plan */
	bool follow;			   /* logs */
	bool no_tty;			   /* exec */
	bool all, shutdown;		   /* start, stop */
	bool deferred;			   /* supervise */
	const char *type, *title, *parent; /* env set */
	const char *ttl;		   /* deploy, env set */
	bool expired;			   /* gc */
	bool gc;			   /* set by gc itself: what has ended is in good hands */
	unsigned long age_ms;		   /* gc */
	const char *environments, *file, *as;					/* var set */
	bool for_project, sensitive, inherit, no_inherit, no_build, no_runtime; /* var */
	bool reveal;								/* var get */
};

extern const struct cli_flag common_flags[];

/* The verbs: commands.c. */
extern const struct cli_command commands[];
extern const size_t n_commands;
