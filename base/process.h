/*
 * process.h - run another program and wait for it
 *
 * For tools that orch uses from outside (git, mmdebstrap), never for what runs
 * in a container. No shell: arguments go through as they are.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct error;
struct text;

struct process_spec {
	const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
	const char *const *env;	 /* "NAME=value" added to the caller's environment; or NULL */
	const char *folder;	 /* working directory; NULL: the caller's */
	uid_t uid;		 /* run as this user and group when not 0 */
	gid_t gid;
	bool outlives; /* when the caller is killed it goes on to its end, lest it leave something half done */
	struct text *out; /* collects standard output; NULL: goes to the caller's stderr */
	size_t out_max;	  /* bytes of it kept; 0: 1 MiB */
	/* Each line of standard error (and of output, when out is NULL); NULL: to the caller's stderr. */
	void (*line)(void *ctx, const char *line);
	void *ctx;
};

/*
 * 0 when it exited with 0. Else -1 with the command, how it ended, and its last
 * line of standard error. The child gets no descriptors but 0 (/dev/null), 1, 2,
 * default signal handling, and dies with the caller unless it outlives it.
 */
int process_run(const struct process_spec *spec, struct error *err);

/* Wait for a child of ours: its exit code, or 128 + the signal that ended it. */
int process_wait(pid_t pid);

/* The 22nd field of /proc/PID/stat, proc_pid_stat(5): clock ticks since boot. 0 when there is no such process, or it ended. */
uint64_t process_start_time(pid_t pid);
