/*
 * cmd_destroy.c - destroy, and what has to be said before it does
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "orchestrator/commands.h"
#include "orchestrator/destroy.h"
#include "orchestrator/session.h"

static bool names(const char *name, const struct environment *e)
{
	return !strcmp(name, e->name) || !strcmp(name, e->id);
}

/* Asks on the terminal; what is typed has to be the environment's name, or just "y". */
static int ask(const struct session *s, bool by_name, struct error *err)
{
	char line[256] = "";

	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return by_name
			? fail(err, ERROR_INPUT,
			       "\"%s\" is the production environment; destroying it has to be "
			       "confirmed by its name: --yes-destroy %s",
			       s->env.name, s->env.name)
			: fail(err, ERROR_INPUT, "destroy of \"%s\" has to be confirmed: --yes",
			       s->env.name);
	fprintf(stderr, "Destroy \"%s\" of %s%s? %s ", s->env.name, s->env.project,
		s->options->purge ? ", WITH ALL ITS DATA" : " (its data goes to the trash)",
		by_name ? "It is the production environment: type its name:" : "[y/N]");
	if (!fgets(line, sizeof(line), stdin))
		*line = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (by_name ? !names(line, &s->env) : *line != 'y' && *line != 'Y')
		return fail(err, ERROR_INTERRUPTED, "nothing was changed");
	return 0;
}

static int confirm(const struct session *s, struct error *err)
{
	bool by_name = !strcmp(s->env.type, "production");
	const char *said = s->options->yes_destroy;

	if (said && !names(said, &s->env))
		return fail(err, ERROR_INPUT,
			    "--yes-destroy %s: this is the environment \"%s\"; nothing was changed",
			    said, s->env.name);
	/* What was begun was confirmed. */
	if (said || s->env.deleting || (s->options->yes && !by_name))
		return 0;
	return ask(s, by_name, err);
}

int cmd_destroy(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	const struct options *options = ctx;
	size_t kept;

	(void)argc;
	(void)argv;
	if (session_open(&s, options, err) < 0 || host_need_root("destroy", err) < 0 ||
	    session_find(&s, err) < 0 || confirm(&s, err) < 0 ||
	    session_need_state(&s, "destroy", err) < 0 ||
	    destroy_environment(&s, options->purge, &kept, err) < 0)
		return -1;
	if (options->quiet)
		return 0;
	fprintf(stderr, "%s is gone", s.env.name);
	if (kept)
		fprintf(stderr, "; %zu volume%s in the trash for 7 days: orch trash restore %s",
			kept, kept == 1 ? "" : "s", s.env.id);
	fputc('\n', stderr);
	return 0;
}
