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
	const char *domains;	   /* deploy, plan */
	const char *access, *auth; /* env set */
	const char *to, *as;	   /* backup; as: also var set */
	const char *key_file;	   /* backup */
	bool live, no_images, no_secrets, data_only, repair;
	unsigned long timeout_ms, older_than_ms;
	unsigned verbose;
	bool quiet, json;
	const char *type, *title, *parent, *keep; /* env set */
	const char *ttl;			  /* deploy, env set */
	bool expired;				  /* gc */
	bool gc;			 /* set by gc itself: what has ended is in good hands */
	unsigned long age_ms;		 /* gc */
	const char *environments, *file; /* var set */
	bool for_project, sensitive, inherit, no_inherit, no_build, no_runtime; /* var */
	const char *app;							/* var */
	bool reveal;								/* var get */
	bool yes, purge;							/* destroy */
	bool dry_run, worktree;							/* deploy */
	bool detailed, offline;							/* plan */
	bool lenient;		/* whatever reads the manifest */
	bool origin;		/* config */
	bool follow;		/* logs */
	bool no_tty;		/* exec */
	bool all, shutdown;	/* start, stop */
	bool deferred, resume;	/* supervise */
	unsigned long after_ms; /* idle */
	bool now, never;	/* idle */
	bool rm, host;		/* run */
	const char *artifacts;
	const char *from;	    /* branch, sync, run */
	bool no_data, no_start;	    /* branch */
	bool no_snapshot;	    /* deploy */
	const char *port;	    /* of the host */
	const char *pool_size;	    /* deploy, branch, run, backup restore */
	bool allow_copy, unlimited; /* pool use */
	bool with_data;		    /* rollback */
};

extern const struct cli_flag common_flags[];

/* The verbs: commands.c. */
extern const struct cli_command commands[];
extern const size_t n_commands;
