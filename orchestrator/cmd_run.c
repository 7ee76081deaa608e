/*
 * cmd_run.c - a command in the app container of an environment, which may be made for it and thrown away
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/error.h"
#include "orchestrator/attend.h"
#include "orchestrator/command.h"
#include "orchestrator/commands.h"
#include "orchestrator/control.h"
#include "orchestrator/deploy.h"
#include "orchestrator/progress.h"
#include "orchestrator/report.h"
#include "orchestrator/request.h"
#include "orchestrator/session.h"
#include "orchestrator/terminal.h"
#include "orchestrator/throwaway.h"
#include "orchestrator/urls.h"

#define DEFAULT_TIMEOUT_MS 3600000u
#define GRACE_S \
	300u /* from the deadline to the moment when nobody needs the environment any more */

struct run {
	struct options options;
	struct session s;
	struct request q;
	struct report report;
	int lock; /* of a throwaway; -1: none */
	int log;  /* what the command wrote; -1: isn't kept */
	uint64_t since;
};

static uint64_t left_ms(const struct run *r)
{
	uint64_t gone = clock_ms() - r->since;

	return gone < r->options.timeout_ms ? r->options.timeout_ms - gone : 0;
}

/* What the app's processes have, where it means something on the host: not who is where inside. */
static const char **host_env(struct run *r, const struct command *c)
{
	static const char *const inside[] = { "PATH=", "LANG=",	 "USER=",
					      "HOME=", "SHELL=", "PLATFORM_RELATIONSHIPS=" };
	ARENA_LIST(const char *) list = { 0 };
	struct arena *arena = &r->s.arena;

	for (const char *const *e = c->lowered.env; *e; e++) {
		bool left_out = false;

		for (size_t i = 0; i < ARRAY_SIZE(inside); i++)
			left_out |= !strncmp(*e, inside[i], strlen(inside[i]));
		if (!left_out)
			*arena_push(arena, &list) = *e;
	}
	*arena_push(arena, &list) = arena_printf(arena, "ORCH_ENVIRONMENT=%s", r->s.env.id);
	*arena_push(arena, &list) = arena_printf(arena, "ORCH_ROOT=%s", r->s.host.root);
	*arena_push(arena, &list) = NULL;
	return list.items;
}

static int start_on_host(struct run *r, const struct command *c, const char *const *argv,
			 const int stdio[3], pid_t *out, struct error *err)
{
	const char **env = host_env(r, c);

	fflush(NULL);
	*out = fork();
	if (*out < 0)
		return fail_errno(err, "fork");
	if (*out > 0)
		return 0;
	for (size_t i = 0; env[i]; i++)
		putenv((char *)(uintptr_t)env[i]);
	for (int i = 0; i < 3; i++)
		(void)dup2(stdio[i], i);
	attend_as_before();
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	fprintf(stderr, "orch: %s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? COMMAND_NOT_FOUND : COMMAND_NOT_EXECUTABLE);
}

/* Where its streams lead: to ours, to a terminal of its own, or to us first when they are kept. */
struct streams {
	int stdio[3];
	int out, err, master;
	int far[2]; /* the command's ends, closed once it has them */
};

static int open_streams(const struct run *r, struct streams *st, struct error *err)
{
	bool terminal = !r->options.no_tty && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	int out[2], errors[2];

	*st = (struct streams){
		.stdio = { 0, 1, 2 }, .out = -1, .err = -1, .master = -1, .far = { -1, -1 }
	};
	if (r->log >= 0) {
		if (pipe2(out, O_CLOEXEC) < 0 || pipe2(errors, O_CLOEXEC) < 0)
			return fail_errno(err, "pipe");
		st->out = out[0];
		st->err = errors[0];
		st->stdio[1] = st->far[0] = out[1];
		st->stdio[2] = st->far[1] = errors[1];
		return 0;
	}
	if (!terminal || r->options.host)
		return 0;
	if (terminal_open(&st->master, &st->far[0], err) < 0)
		return -1;
	st->stdio[0] = st->stdio[1] = st->stdio[2] = st->far[0];
	return 0;
}

static void close_streams(struct streams *st)
{
	auto_fd(&st->out);
	auto_fd(&st->err);
	auto_fd(&st->master);
	auto_fd(&st->far[0]);
	auto_fd(&st->far[1]);
}
#define auto_streams close_streams

/* The command's exit code. */
static int run_command(struct run *r, const char *const *argv, struct error *err)
{
	AUTO(command) struct command c = COMMAND_NONE;
	AUTO(streams) struct streams st = { .out = -1, .err = -1, .master = -1, .far = { -1, -1 } };
	struct attended a = { .terminal = -1 };
	uint64_t since;
	int result;

	if (command_open(&c, &r->s, NULL, err) < 0 || open_streams(r, &st, err) < 0)
		return -1;
	if (control_interrupts)
		return fail(err, ERROR_INTERRUPTED, "interrupted");
	if (!left_ms(r))
		return fail(err, ERROR_TIMEOUT, "no time is left for the command");
	result = r->options.host
		? start_on_host(r, &c, argv, st.stdio, &a.pid, err)
		: command_start(&c, argv, r->options.user, st.stdio, st.master >= 0, &a.pid, err);
	if (result < 0)
		return -1;
	r->report.ran = true;
	if (result > 0) {
		fprintf(stderr, "orch: %s\n", err->text);
		return result;
	}
	auto_fd(&st.far[0]);
	auto_fd(&st.far[1]);
	a.timeout_ms = left_ms(r) + 1;
	a.terminal = st.master;
	a.out = st.out;
	a.err = st.err;
	a.copy = r->log;
	since = clock_ms();
	result = attend(&a, &r->report.late);
	r->report.command_ms = clock_ms() - since;
	if (r->report.late)
		return fail(err, ERROR_TIMEOUT, "%s: not done in time; it was ended", argv[0]);
	return result;
}

/* "run-" and six letters: nobody else's. */
static const char *any_name(struct arena *arena)
{
	char *name = arena_strdup(arena, "run-......");
	unsigned char bytes[6];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		abort();
	for (size_t i = 0; i < sizeof(bytes); i++)
		name[4 + i] = (char)('a' + bytes[i] % 26);
	return name;
}

static int make(struct run *r, struct error *err)
{
	struct progress progress = progress_of(&r->options);
	struct session *s = &r->s;
	uint64_t since = clock_ms();
	int result;

	progress.also = report_step;
	progress.also_ctx = &r->report;
	if (!r->options.environment)
		r->options.environment = any_name(&r->report.arena);
	r->report.environment = r->options.environment;
	if (session_need_state(s, "run", err) < 0 ||
	    throwaway_begin(s, r->options.timeout_ms / 1000 + GRACE_S, &r->lock, err) < 0)
		return -1;
	if (r->options.from && throwaway_clone(s, r->options.from, err) < 0)
		return -1;
	result = deploy(s, &r->q, &progress, err);
	r->report.deploy_ms = clock_ms() - since;
	return result < 0 ? -1 : 0;
}

static int make_and_run(struct run *r, const char *const *argv, struct error *err)
{
	if (session_open(&r->s, &r->options, err) < 0 || host_need_root("run", err) < 0 ||
	    report_open(&r->report, &r->log, err) < 0)
		return -1;
	if (r->options.rm ? make(r, err) < 0 : session_environment(&r->s, err) < 0)
		return -1;
	r->report.environment = r->s.env.name;
	r->report.machine_name = r->s.env.id;
	if (r->s.env.publish_port)
		r->report.url = arena_strdup(&r->report.arena, url_of(&r->s, &r->s.env));
	return run_command(r, argv, err);
}

/* Logs first, then the environment, then how all of it went. *result is what the command or orch came to. */
static int finish(struct run *r, int *result, struct error *err)
{
	struct error own = { 0 };

	attend_no_signals();
	if (*result < 0 && err->kind == ERROR_SYSTEM)
		r->report.exit = COMMAND_FAILED;
	else
		r->report.exit = *result < 0 ? (int)err->kind : *result;
	r->report.failed = *result < 0 ? err->text : NULL;
	if (r->s.env.id && report_logs(&r->report, &r->s.host, r->s.env.id, &own) < 0)
		fprintf(stderr, "orch: logs: %s\n", own.text);
	if (r->lock >= 0 && throwaway_end(&r->s, &r->lock, &own) < 0) {
		if (*result < 0)
			fprintf(stderr, "orch: removing %s: %s\n", r->s.env.name, own.text);
		else
			*result = fail(err, own.kind, "removing %s: %s", r->s.env.name, own.text);
	}
	r->report.ms = clock_ms() - r->since;
	if (report_write(&r->report, &own) < 0)
		*result = fail(err, own.kind, "--artifacts: %s", own.text);
	return *result;
}

int cmd_run(void *ctx, int argc, const char **argv, struct error *err)
{
	const struct options *options = ctx;
	struct run r = { .options = *options, .lock = -1, .log = -1, .since = clock_ms() };
	int result;

	(void)argc;
	if (options->json)
		return fail(
			err, ERROR_INPUT,
			"standard output is the command's; --artifacts DIR leaves a summary.json");
	if (options->from && !options->rm)
		return fail(err, ERROR_INPUT, "--from goes with --rm; to keep it: orch branch");
	if (options->pool_size && !options->rm)
		return fail(err, ERROR_INPUT, "--pool-size goes with --rm: nothing is made here");
	if (!r.options.timeout_ms)
		r.options.timeout_ms = DEFAULT_TIMEOUT_MS;
	r.options.purge = true;
	r.report.folder = options->artifacts;
	r.report.command = argv;
	r.report.environment = options->environment ? options->environment : "";
	attend_signals();
	result = make_and_run(&r, argv, err);
	result = command_outcome(finish(&r, &result, err), err);
	auto_fd(&r.log);
	request_close(&r.q);
	session_close(&r.s);
	report_close(&r.report);
	return result;
}
