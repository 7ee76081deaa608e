/*
 * main.c - find the verb, read its flags, run it, say how it ended
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/log.h"
#include "orchestrator/commands.h"
#include "orchestrator/control.h"
#include "orchestrator/options.h"
#include "orchestrator/throwaway.h"

static void on_interrupt(int signum)
{
	static const char said[] = "\norch: cancelling; once more to leave it to the supervisor\n";

	(void)signum;
	control_interrupts = control_interrupts + 1;
	if (control_interrupts == 1)
		(void)!write(STDERR_FILENO, said, sizeof(said) - 1);
}

static void handle_signals(void)
{
	/* No SA_RESTART: whoever waits looks at control_interrupts. */
	const struct sigaction interrupt = { .sa_handler = on_interrupt };
	const struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGINT, &interrupt, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
}

/* mkfs and others are there, and su(1) leaves a user's own PATH. What a container runs has one of its own. */
static void extend_path(void)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *path = getenv("PATH");

	(void)setenv(
		"PATH",
		arena_printf(&arena, "%s:/usr/sbin:/sbin", path && *path ? path : "/usr/bin:/bin"),
		1);
}

static int usage(FILE *to)
{
	fprintf(to, "Usage: orch [-C DIR] [--root DIR] [-e ENVIRONMENT] COMMAND ...\n\n");
	cli_print_commands(commands, n_commands, common_flags, to);
	return to == stderr ? ERROR_INPUT : 0;
}

static int report(const struct error *err)
{
	fprintf(stderr, "orch: %s\n", err->text);
	return err->kind ? (int)err->kind : ERROR_SYSTEM;
}

/* Where the message doesn't know the way out itself. */
static int report_usage(const char *command, const struct error *err)
{
	struct error all;

	if (strchr(err->text, '?'))
		return report(err);
	fail(&all, err->kind, "%s; see: orch %s%s--help", err->text, command, *command ? " " : "");
	return report(&all);
}

static int check_count(const struct cli_command *c, size_t n, struct error *err)
{
	if (n < c->min_args)
		return fail(err, ERROR_INPUT, "usage: orch %s %s", c->name, c->usage);
	if (n > c->max_args)
		return fail(err, ERROR_INPUT, "orch %s takes %u operand%s: orch %s --help", c->name,
			    c->max_args, c->max_args == 1 ? "" : "s", c->name);
	return 0;
}

static int run_command(struct arena *arena, const struct cli_command *c, int argc, char **argv,
		       struct options *options)
{
	struct error err = { 0 };
	const char **args;
	size_t n;
	int r = cli_parse(arena, common_flags, c->flags, c->rest, argc, argv, options, &args, &n,
			  &err);

	if (r == CLI_HELP) {
		cli_print_help(c, common_flags, stdout);
		return 0;
	}
	if (r < 0)
		return report_usage(c->name, &err);
	if (check_count(c, n, &err) < 0)
		return report(&err);
	log_set_level(options->quiet ? LOG_QUIET : options->verbose ? LOG_VERBOSE : LOG_NORMAL);
	/* The supervisor is started by a command that has swept already. */
	if (geteuid() == 0 && c->run != cmd_supervise)
		throwaway_sweep(options);
	r = c->run(options, (int)n, args, &err);
	return r < 0 ? report(&err) : r;
}

int main(int argc, char **argv)
{
	AUTO(arena) struct arena arena = { 0 };
	struct options options = { 0 };
	const struct cli_command *c;
	struct error err = { 0 };
	const char **args;
	size_t n;
	int r;

	handle_signals();
	extend_path();
	if (argc == 2 && !strcmp(argv[1], "--version")) {
		printf("orch %s\n", ORCH_VERSION);
		return 0;
	}
	r = cli_parse(&arena, common_flags, NULL, true, argc - 1, argv + 1, &options, &args, &n,
		      &err);
	if (r == CLI_HELP || (r == 0 && n && !strcmp(args[0], "help")))
		return usage(stdout);
	if (r < 0)
		return report_usage("", &err);
	if (!n)
		return usage(stderr);
	c = cli_find(commands, n_commands, args[0], &err);
	if (!c)
		return report(&err);
	return run_command(&arena, c, (int)n - 1, (char **)(uintptr_t)(args + 1), &options);
}
