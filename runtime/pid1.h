/*
 * pid1.h - the parts of orch-init; its behaviour is described in init.h
 *
 * Static memory only: two configurations, the one that runs and the one being read.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cron.h"

#define PID1_PROCESSES 64
#define PID1_TEXT (512 * 1024) /* bytes of init.conf */
#define PID1_WORDS 4096	       /* arguments and variables in it */
#define PID1_LINE 8192	       /* longest line of a log */

enum reaction { NOTHING, SIGNAL, RESTART };
enum job { NO_JOB, JOB_CRON, JOB_OPERATION }; /* the latter when asked only */

struct stream {
	int fd; /* read end of a process's output; -1: none */
	size_t n;
	char line[PID1_LINE];
};

struct proc {
	/* from init.conf */
	const char *name, *folder, *input;
	char **argv, **env;
	bool task;
	uid_t uid;
	gid_t gid;
	int stop_signal, reload_signal;
	uint32_t grace_ms, timeout_ms, interval_ms;
	int on_reload, on_swap;
	bool group, may_end;
	uint64_t
		hash; /* of what makes it another process: arguments, variables, ids, folder, input */
	enum job job;
	const char *schedule, *zone, *stop; /* zone "": UTC */
	uint32_t cron_hash, jitter_s;
	struct cron_spec when;
	/* as it runs */
	pid_t pid;
	bool in_group;		   /* was started with `group` */
	int64_t since_ms, next_ms; /* started; to be started again (0: not) */
	uint32_t backoff_ms, restarts;
	int last_exit;
	struct stream *out;
	/* a job: when it is due, and for which time that stands; what waits; when it is killed (0: not) */
	int64_t due_s, named_s, waits_ms, kill_ms;
	uint32_t runs;
};

struct conf {
	char text[PID1_TEXT];
	char *words[PID1_WORDS];
	size_t n_words, n;
	struct proc procs[PID1_PROCESSES], check;
	const char *log_folder, *zone;
	uint64_t log_size;
	uint32_t clock_rate;
};

/* pid1_conf.c: false with `why` filled when the file can't be read or says nonsense. */
bool conf_read(struct conf *c, int folder, char *why, size_t size);
/* From now on it is self.now. */
void conf_use(struct conf *c);
struct proc *conf_find(struct conf *c, const char *name, enum job job);
/* What a process's output goes to. */
const char *conf_log(const struct proc *p);

/* pid1_log.c */
void log_set(const char *folder, uint64_t size);
/* One line with the time in front into <folder>/<name>.log. Trouble is swallowed: logs never stop a container. */
void log_write(const char *name, const char *line, size_t n);
void log_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* What can be read now; false at the end of the stream. last keeps the last line that had something in it. */
bool stream_read(struct stream *s, const char *name, char *last, size_t size);

/* pid1_run.c */
/* It ended as it may, and is to be started again. */
bool run_rests(const struct proc *p);
bool run_start(struct proc *p);
/* run_start() and a line in the log; tried again later when it fails. */
void run_begin(struct proc *p);
void run_kill(const struct proc *p, int sig);
/* Its signal, its grace, then SIGKILL to all of its process group. Back when it is gone. */
void run_stop(struct proc *p);
void run_stop_check(void);
void run_stop_all(void);
/* All that have ended, orphans among them. */
void run_reap(void);
/* One after the other, or the one of this name; false with `why` filled at the first that fails. */
bool run_tasks(struct conf *c, const char *only);

/* pid1_cron.c */
/* What times are read by: the file `zone` in the folder, or UTC. */
void cron_set_zone(bool given);
/* Starts the job that is due, stops one that takes too long; the time until there is something to do again. */
int64_t cron_turn(void);
void cron_ask(const char *name, enum job job);
/* Nobody wants it any more: as if its time were over. */
void cron_cancel(const char *name, enum job job);
void cron_stop(struct proc *p);
void cron_ended(struct proc *p);

/* pid1.c */
enum state { WAITING, STARTING, READY, FAILED, STOPPING };

extern struct self {
	struct conf confs[2], *now;
	struct stream streams[PID1_PROCESSES + 1];
	enum state state;
	const char *folder; /* of init.conf */
	char why[300];
	bool held;	     /* no job is started */
	struct proc stopper; /* the command that stops a job */
	bool stop_asked;
	sigset_t blocked;
} self;

int64_t pid1_now(void); /* milliseconds */
void pid1_write_status(void);
void pid1_set_state(enum state s);
/* One turn of the loop: output, ends of processes, and commands, which are only noted. */
void pid1_turn(int64_t timeout_ms);
