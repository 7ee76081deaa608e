/*
 * cmd_cron.c - the jobs of an environment: list them, run one now
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "orchestrator/command.h"
#include "orchestrator/commands.h"
#include "orchestrator/control.h"
#include "orchestrator/jobs.h"
#include "orchestrator/log_file.h"
#include "orchestrator/session.h"

#define LOOK_MS 50

/* What the job writes: from the line that it was started, to the one that it has ended. */
struct output {
	struct log_file file;
	const char *start, *end;
	bool begun, over;
};

static void show(struct output *o)
{
	AUTO(arena) struct arena arena = { 0 };
	char *data = log_file_more(&arena, &o->file), *line;

	while ((line = strsep(&data, "\n")) && !o->over) {
		line += strcspn(line, " ");
		line += *line == ' ';
		if (!o->begun) {
			o->begun = !strcmp(line, o->start);
			continue;
		}
		o->over = text_starts(line, o->end);
		if (!o->over)
			log_file_put(line);
	}
	fflush(stdout);
}

/* The job's exit code. */
static int run(struct command *c, const char *name, struct error *err)
{
	struct arena *arena = &c->s->arena;
	const struct timespec step = { .tv_nsec = LOOK_MS * 1000000L };
	const struct live *l = world_find(&c->w, c->container);
	struct init_cron_status job = { 0 };
	struct output output = {
		.file.path =
			arena_printf(arena, "%s/cron.log", world_log(arena, &c->w, c->container)),
		.start = arena_printf(arena, "%s: started", name),
		.end = arena_printf(arena, "%s: ended, exit ", name),
	};
	uint32_t target;

	log_file_skip(&output.file, 0);
	if (jobs_look(arena, l, &jobs_crons, name, &job, err) < 0)
		return -1;
	/* One that runs already is not the one that was asked for. */
	target = job.runs + (job.pid ? 2 : 1);
	if (init_command(&l->c, arena_printf(arena, "cron %s", name), err) < 0)
		return -1;
	while (job.runs < target) {
		AUTO(arena) struct arena pass = { 0 };

		if (control_interrupts)
			return fail(err, ERROR_INTERRUPTED,
				    "not waited for any longer; it runs on: orch cron ls");
		(void)nanosleep(&step, NULL);
		show(&output);
		if (jobs_look(&pass, l, &jobs_crons, name, &job, err) < 0)
			return -1;
	}
	show(&output);
	if (job.last_exit)
		log_info("cron \"%s\" ended with exit %d", name, job.last_exit);
	return job.last_exit;
}

int cmd_cron(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	AUTO(command) struct command c = COMMAND_NONE;
	const struct options *options = ctx;
	const char *container = NULL, *name = "";

	if (argc == 1 && !strcmp(argv[0], "ls"))
		return jobs_list(options, &jobs_crons, err);
	if (argc != 2 || strcmp(argv[0], "run") != 0)
		return fail(err, ERROR_INPUT, "say orch cron ls, or orch cron run [APP:]NAME");
	if (session_open(&s, options, err) < 0 || host_need_root("cron run", err) < 0 ||
	    session_environment(&s, err) < 0 ||
	    jobs_choose(&s, &jobs_crons, argv[1], &container, &name, err) < 0 ||
	    command_open(&c, &s, container, err) < 0)
		return -1;
	return command_outcome(run(&c, name, err), err);
}
