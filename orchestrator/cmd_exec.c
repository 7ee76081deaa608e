/*
 * cmd_exec.c - exec and ssh: a command of the user's in a running container
 */
#include <string.h>

#include "base/auto.h"
#include "base/error.h"
#include "orchestrator/command.h"
#include "orchestrator/commands.h"
#include "orchestrator/session.h"

static int run(const struct options *options, const char *container, const char *const *argv,
	       struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	AUTO(command) struct command c = COMMAND_NONE;

	if (session_open(&s, options, err) < 0 || host_need_root("exec", err) < 0 ||
	    session_environment(&s, err) < 0 || command_open(&c, &s, container, err) < 0)
		return -1;
	return command_run(&c, argv, options->user, options->no_tty, err);
}

int cmd_exec(void *ctx, int argc, const char **argv, struct error *err)
{
	int first = argc > 1 && !strcmp(argv[1], "--") ? 2 : 1;

	if (first >= argc)
		return fail(err, ERROR_INPUT, "say the command: orch exec %s -- COMMAND...",
			    argv[0]);
	return command_outcome(run(ctx, argv[0], argv + first, err), err);
}

int cmd_ssh(void *ctx, int argc, const char **argv, struct error *err)
{
	/* No login shell: /etc/profile would put the default in the place of PATH. */
	static const char *const shell[] = { "/bin/sh", "-c",
					     "command -v bash >/dev/null && exec bash; exec sh",
					     NULL };

	return command_outcome(run(ctx, argc ? argv[0] : NULL, shell, err), err);
}
