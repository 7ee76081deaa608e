/*
 * init.h - talking to orch-init, PID 1 of a container (runtime/pid1.c)
 *
 * Everything goes through the folder /run/orch in the container, so that it
 * works for whoever is alive: the supervisor that made the container, or the next one.
 *
 *	/run/orch/init.conf	what to run; written by us, read by orch-init when told to
 *	/run/orch/zone		the host's file of the time zone of crons, where they have one
 *	/run/orch/status	what runs; written by orch-init by rename on every change
 *	/run/orch/control	a unix datagram socket of orch-init: one command a datagram
 *
 * orch-init starts with nothing to run, makes the socket, writes status "waiting", and
 * obeys:
 *	start	read init.conf; run its tasks in order; start its processes; check readiness
 *	reload	read init.conf again; run the tasks named "configure"; signal or restart the processes that
 *		say so; start new ones, stop dropped ones, restart changed ones
 *	swap	as reload, but processes do what their `swap` says, because /app is another
 *	restart	read init.conf; stop all in reverse order, run the tasks, start all
 *	stop	stop all in reverse order, each with its signal and grace, then exit
 *	hold	start no job until "release", "start" or "restart"; the status says so. These three leave the epoch as it is
 *	cron NAME	the job is due now, whatever its schedule says
 *	operation NAME	likewise
 *	cancel NAME	the operation is not to run, or no longer
 * SIGTERM is stop. orch-init never exits otherwise.
 *
 * It writes each process's output, line by line with an RFC 3339 UTC time stamp in front, to
 * <log folder>/<process>.log, rotated to .log.1 at the given size, and its own words to init.log.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct container;
struct error;
struct text;

/* After what on_reload and on_swap say, the process is the same, was told, or is another. */
enum init_reaction { REACT_NONE, REACT_SIGNAL, REACT_RESTART };

struct init_process {
	const char *name; /* [a-z0-9_-] */
	bool task;	  /* runs once before the processes, in order, and must exit with 0 */
	uint32_t uid, gid;
	const char *folder;
	const char *const *argv;
	const char *const *env; /* all of it, NULL-terminated */
	const char *const
		*facts;	   /* more of it: a process goes on when only they have changed; or NULL */
	const char *input; /* file that becomes standard input; NULL: /dev/null */
	int stop_signal;   /* 0: SIGTERM */
	uint32_t grace_ms; /* from the stop signal to SIGKILL; 0: 10 s */
	int reload_signal; /* 0: SIGHUP */
	enum init_reaction on_reload, on_swap;
	bool group; /* a shell with what it runs: all of them are sent the stop signal, and all have to be gone */
	bool may_end; /* ending with 0 is no failure: the container stays ready until the next start */
	uint32_t timeout_ms; /* tasks: killed and failed after it; 0: 10 min */
};

/*
 * A job: runs at times, one of a container at a time, later ones wait. It is stopped after process.timeout_ms, by `stop` or SIGTERM, and killed
 * process.grace_ms later. Its output goes to cron.log. Without a schedule it is an operation: it runs when asked, also beside a cron, and its
 * output goes to operation.log.
 */
struct init_cron {
	struct init_process
		process; /* any name but with a newline; all jobs may have the same env, which is told once */
	const char *schedule; /* base/cron.h; by UTC */
	uint32_t hash;	      /* what H stands for */
	uint32_t
		jitter_s; /* started up to that much later, and at most its period: some time that follows from the hash */
	const char *stop; /* for a shell; NULL: SIGTERM */
};

/* Ready when argv exits with 0; checked every interval until it does, then no more. No argv: ready once all are started. */
struct init_check {
	const char *const *argv;
	const char *const *env;
	uint32_t uid, gid;
	uint32_t interval_ms; /* 0: 50 */
	uint32_t timeout_ms;  /* for one run; 0: 5 s */
};

struct init_spec {
	const struct init_process *processes; /* tasks and processes in order of start */
	size_t n;
	const struct init_cron *crons;
	size_t n_crons;
	const char *
		zone; /* by which schedules are read: a file below /usr/share/zoneinfo here; NULL: UTC */
	uint32_t clock_rate; /* tests: how many seconds of theirs a real one is; 0: 1 */
	struct init_check ready;
	const char *log_folder; /* inside */
	uint64_t log_size;	/* bytes before a log is rotated; 0: 10 MiB */
};

/* The text of init.conf. Any byte but NUL may be in the values. */
void init_spec_print(const struct init_spec *spec, struct text *out);

enum init_state {
	INIT_WAITING,  /* for the first "start" */
	INIT_STARTING, /* tasks, or not ready yet */
	INIT_READY,
	INIT_FAILED, /* a task failed; nothing runs; `why` says which */
	INIT_STOPPING,
};

struct init_process_status {
	const char *name;
	int pid;	  /* inside; 0: doesn't run */
	int64_t since_ms; /* of this run, CLOCK_BOOTTIME */
	uint32_t restarts;
	int last_exit; /* exit code, or 128 + signal; -1: never ended */
};

struct init_cron_status {
	const char *name;
	bool operation;
	int pid; /* 0: doesn't run */
	bool waiting;
	uint32_t runs;	/* that have ended */
	int last_exit;	/* as of a process */
	int64_t next_s; /* seconds since 1970 */
};

struct init_status {
	enum init_state state;
	uint32_t epoch; /* how many commands were obeyed: tells an answer from an old state */
	const char *
		why; /* INIT_FAILED: "task boot: exit 1"; or the last readiness check's end: "exit 1: its last line"; "" */
	struct init_process_status *processes;
	size_t n;
	bool held; /* no job is started */
	struct init_cron_status *crons;
	size_t n_crons;
};

/* Bad text, which the container's root could write, is a failure, never a crash. */
int init_status_parse(struct arena *arena, const char *text, size_t size, struct init_status *out,
		      struct error *err);

/* The container's status as it is now. */
int init_status_read(struct arena *arena, const struct container *c, struct init_status *out,
		     struct error *err);

/* The same below a folder that stands for /run/orch. */
int init_status_read_at(struct arena *arena, int folder, struct init_status *out,
			struct error *err);
int init_write_spec_at(int folder, const struct init_spec *spec, uint32_t owner, struct error *err);
int init_command_at(int folder, const char *command, struct error *err);

/* Replace init.conf in the running container. owner: the host id of its root. */
int init_write_spec(const struct container *c, const struct init_spec *spec, uint32_t owner,
		    struct error *err);

/* "start", "reload", "swap", "restart", "stop". Returns when it was handed over, not when it is done. */
int init_command(const struct container *c, const char *command, struct error *err);

/*
 * *watch becomes readable whenever this status changes: an inotify(7) descriptor, which is made when it is -1. One for many containers: users
 * have 128 of them.
 */
int init_watch(const struct container *c, int *watch, struct error *err);
