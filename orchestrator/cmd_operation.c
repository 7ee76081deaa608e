/*
 * cmd_operation.c - commands that the app declares by name: list them, run one and show what it writes
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "orchestrator/command.h"
#include "orchestrator/commands.h"
#include "orchestrator/control.h"
#include "orchestrator/jobs.h"
#include "orchestrator/log_file.h"
#include "orchestrator/session.h"

#define LOOK_MS 50

/* What is written from now on, as it was said: without the times in front. */
static void show(struct log_file *file)
{
	AUTO(arena) struct arena arena = { 0 };
	char *data = log_file_more(&arena, file), *line;

	while ((line = strsep(&data, "\n"))) {
		line += strcspn(line, " ");
		log_file_put(line + (*line == ' '));
	}
	fflush(stdout);
}

/* ^C once: it is ended, by its own stop command or SIGTERM. Twice: it is left alone. */
static int interrupted(struct command *c, const struct live *l, const char *name, int *told,
		       struct error *err)
{
	if (control_interrupts > 1)
		return fail(err, ERROR_INTERRUPTED, "not waited for any longer: orch operation ls");
	if (!control_interrupts || *told)
		return 0;
	*told = 1;
	return init_command(&l->c, arena_printf(&c->s->arena, "cancel %s", name), err);
}

/* Its exit code. */
static int run(struct command *c, const char *name, struct error *err)
{
	const struct timespec step = { .tv_nsec = LOOK_MS * 1000000L };
	const struct live *l = world_find(&c->w, c->container);
	struct log_file file = {
		.path = arena_printf(&c->s->arena, "%s/operation.log",
				     world_log(&c->s->arena, &c->w, c->container)),
	};
	struct init_cron_status job = { 0 };
	int told = 0;
	uint32_t target;

	log_file_skip(&file, 0);
	if (jobs_look(&c->s->arena, l, &jobs_operations, name, &job, err) < 0)
		return -1;
	if (job.pid || job.waiting)
		return fail(err, ERROR_CONFLICT, "operation \"%s\" runs already: orch operation ls",
			    name);
	target = job.runs + 1;
	if (init_command(&l->c, arena_printf(&c->s->arena, "operation %s", name), err) < 0)
		return -1;
	while (job.runs < target) {
		AUTO(arena) struct arena arena = { 0 };

		if (interrupted(c, l, name, &told, err) < 0)
			return -1;
		(void)nanosleep(&step, NULL);
		if (jobs_look(&arena, l, &jobs_operations, name, &job, err) < 0)
			return -1;
		show(&file);
		if (told && !job.pid && !job.waiting)
			break;
	}
	if (told)
		return fail(err, ERROR_INTERRUPTED, "operation \"%s\" was ended", name);
	return job.last_exit;
}

int cmd_operation(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	AUTO(command) struct command c = COMMAND_NONE;
	const struct options *options = ctx;
	const char *container = NULL, *name = "";

	if (argc == 1 && !strcmp(argv[0], "ls"))
		return jobs_list(options, &jobs_operations, err);
	if (argc != 2 || strcmp(argv[0], "run") != 0)
		return fail(err, ERROR_INPUT,
			    "say orch operation ls, or orch operation run [APP:]NAME");
	if (session_open(&s, options, err) < 0 || host_need_root("operation run", err) < 0 ||
	    session_environment(&s, err) < 0 ||
	    jobs_choose(&s, &jobs_operations, argv[1], &container, &name, err) < 0 ||
	    command_open(&c, &s, container, err) < 0)
		return command_outcome(-1, err);
	return command_outcome(run(&c, name, err), err);
}
