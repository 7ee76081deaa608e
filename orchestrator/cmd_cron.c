/*
 * cmd_cron.c - the jobs of an environment: list them, run one now
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/table.h"
#include "base/text.h"
#include "orchestrator/command.h"
#include "orchestrator/commands.h"
#include "orchestrator/control.h"
#include "orchestrator/log_file.h"
#include "orchestrator/say.h"
#include "orchestrator/session.h"
#include "runtime/init.h"

#define LOOK_MS 50

static const struct init_cron_status *find(const struct init_status *status, const char *name)
{
	for (size_t i = 0; i < status->n_crons; i++)
		if (!strcmp(status->crons[i].name, name))
			return &status->crons[i];
	return NULL;
}

struct list {
	struct arena *arena;
	const char *container;
	struct init_status status;
	struct json_t *items;
	struct table table;
};

static const char *state_of(const struct init_cron_status *job, bool held)
{
	if (!job)
		return "stopped";
	if (job->pid)
		return "running";
	return job->waiting ? "waiting" : held ? "held" : "idle";
}

static int add(const char *name, struct json_t *cron, void *ctx)
{
	struct list *l = ctx;
	const struct init_cron_status *job = find(&l->status, name);
	const char *state = state_of(job, l->status.held);
	bool ran = job && job->runs;
	struct json_t *map = json_add(l->items, json_new_map());

	json_put_text(map, "container", l->container);
	json_put_text(map, "name", name);
	json_put_text(map, "spec", json_get_text(cron, "spec", ""));
	json_put_text(map, "state", state);
	json_put_text(map, "next", job ? say_when(l->arena, job->next_s, true) : NULL);
	json_put_number(map, "runs", job ? job->runs : 0);
	json_put(map, "last_exit", ran ? json_new_number(job->last_exit) : NULL);
	table_row(&l->table, l->container, name, json_get_text(cron, "spec", ""), state,
		  job ? say_when(l->arena, job->next_s, false) : "-",
		  arena_printf(l->arena, "%u", job ? job->runs : 0),
		  ran ? arena_printf(l->arena, "%d", job->last_exit) : "-", NULL);
	return 0;
}

/* What can't be asked is stopped: its jobs are known all the same. */
static void ask(struct arena *arena, const struct json_t *entry, struct init_status *out)
{
	struct container c = CONTAINER_NONE;
	struct error ignored;

	*out = (struct init_status){ .n = 0 };
	if (container_adopt((pid_t)json_get_number(entry, "pid", 0),
			    (uint64_t)json_get_number(entry, "start_time", 0), &c, &ignored) != 0)
		return;
	(void)init_status_read(arena, &c, out, &ignored);
	container_release(&c);
}

static int list(const struct options *options, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	AUTO(json) struct json_t *record = NULL;
	AUTO(json) struct json_t *document = NULL;
	struct list l = { .arena = &s.arena };
	const struct json_t *containers;
	const char **names;
	size_t n;

	if (session_supervised(&s, options, &record, err) < 0)
		return -1;
	if (s.env.generation) {
		document = session_document(&s, 0, err);
		if (!document)
			return -1;
	}
	l.items = json_new_list();
	table_row(&l.table, "CONTAINER", "NAME", "SPEC", "STATE", "NEXT", "RUNS", "EXIT", NULL);
	containers = json_get(document, "containers");
	names = json_keys(&s.arena, containers, &n);
	for (size_t i = 0; i < n; i++) {
		l.container = names[i];
		ask(&s.arena, json_path(record, "containers", names[i], NULL), &l.status);
		(void)json_each(json_path(containers, names[i], "app", "crons", NULL), add, &l);
	}
	if (options->json) {
		session_print("orch.cron/1", "crons", l.items);
	} else {
		table_print(&l.table, stdout);
		json_free(l.items);
	}
	table_clear(&l.table);
	return 0;
}

/* "APP:NAME", or NAME where one app alone has it. */
static int choose(struct session *s, const char *text, const char **container, const char **name,
		  struct error *err)
{
	AUTO(json) struct json_t *document = NULL;
	const char *colon = strchr(text, ':');
	const char **names;
	size_t n, found = 0;

	if (!s->env.generation)
		return fail(err, ERROR_ABSENT, "%s was never deployed: orch deploy", s->env.name);
	document = session_document(s, 0, err);
	if (!document)
		return -1;
	names = json_keys(&s->arena, json_get(document, "containers"), &n);
	for (size_t i = 0; i < n; i++) {
		const struct json_t *jobs =
			json_path(document, "containers", names[i], "app", "crons", NULL);
		size_t len = strlen(names[i]);
		bool named = colon && (size_t)(colon - text) == len &&
			!strncmp(text, names[i], len) && json_get(jobs, colon + 1);

		if (!named && !json_get(jobs, text))
			continue;
		found++;
		*container = arena_strdup(&s->arena, names[i]);
		*name = named ? colon + 1 : text;
	}
	if (found > 1)
		return fail(err, ERROR_INPUT, "several apps have a cron \"%s\": say APP:%s", text,
			    text);
	return found ? 0
		     : fail(err, ERROR_ABSENT, "no cron \"%s\" in %s; see them: orch cron ls", text,
			    s->env.name);
}

static int look(struct arena *arena, const struct live *l, const char *name,
		struct init_cron_status *out, struct error *err)
{
	const struct init_cron_status *job;
	struct init_status status;

	if (!container_alive(&l->c))
		return fail(err, ERROR_SYSTEM, "%s ended; see orch logs %s", l->name, l->name);
	if (init_status_read(arena, &l->c, &status, err) < 0)
		return -1;
	job = find(&status, name);
	if (!job)
		return fail(err, ERROR_ABSENT, "%s has no cron \"%s\" any more", l->name, name);
	*out = *job;
	return 0;
}

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

	log_file_skip(&output.file);
	if (look(arena, l, name, &job, err) < 0)
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
		if (look(&pass, l, name, &job, err) < 0)
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
		return list(options, err);
	if (argc != 2 || strcmp(argv[0], "run") != 0)
		return fail(err, ERROR_INPUT, "say orch cron ls, or orch cron run [APP:]NAME");
	if (session_open(&s, options, err) < 0 || host_need_root("cron run", err) < 0 ||
	    session_environment(&s, err) < 0 || choose(&s, argv[1], &container, &name, err) < 0 ||
	    command_open(&c, &s, container, err) < 0)
		return -1;
	return command_outcome(run(&c, name, err), err);
}
