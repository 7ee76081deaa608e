/*
 * jobs.c - crons and operations: see jobs.h
 */
#include "orchestrator/jobs.h"

#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "base/table.h"
#include "orchestrator/say.h"
#include "orchestrator/session.h"
#include "orchestrator/world.h"

const struct job_kind jobs_crons = { "cron", "crons", "orch.cron/1", false };
const struct job_kind jobs_operations = { "operation", "operations", "orch.operation/1", true };

static const struct init_cron_status *find(const struct job_kind *kind,
					   const struct init_status *status, const char *name)
{
	for (size_t i = 0; i < status->n_crons; i++)
		if (status->crons[i].operation == kind->operation &&
		    !strcmp(status->crons[i].name, name))
			return &status->crons[i];
	return NULL;
}

struct list {
	struct arena *arena;
	const struct job_kind *kind;
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

/* A cron's own: when. An operation's: how. */
static void add_own(struct list *l, const struct json_t *entry, const struct init_cron_status *job,
		    struct json_t *map, const char *cells[2])
{
	if (l->kind->operation) {
		cells[0] = json_text(json_path(entry, "commands", "start", NULL), "");
		cells[1] = NULL;
		json_put_text(map, "start", cells[0]);
		return;
	}
	cells[0] = json_get_text(entry, "spec", "");
	cells[1] = job ? say_when(l->arena, job->next_s, false) : "-";
	json_put_text(map, "spec", cells[0]);
	json_put_text(map, "next", job ? say_when(l->arena, job->next_s, true) : NULL);
}

/* Of a script its first line. */
static const char *first_line(struct arena *arena, const char *text)
{
	return arena_strndup(arena, text, strcspn(text, "\n"));
}

static int add(const char *name, struct json_t *entry, void *ctx)
{
	struct list *l = ctx;
	const struct init_cron_status *job = find(l->kind, &l->status, name);
	const char *state = state_of(job, l->status.held), *cells[2];
	const char *runs = arena_printf(l->arena, "%u", job ? job->runs : 0);
	bool ran = job && job->runs;
	const char *last = ran ? arena_printf(l->arena, "%d", job->last_exit) : "-";
	struct json_t *map = json_add(l->items, json_new_map());

	json_put_text(map, "container", l->container);
	json_put_text(map, "name", name);
	add_own(l, entry, job, map, cells);
	json_put_text(map, "state", state);
	json_put_number(map, "runs", job ? job->runs : 0);
	json_put(map, "last_exit", ran ? json_new_number(job->last_exit) : NULL);
	if (l->kind->operation)
		table_row(&l->table, l->container, name, state, runs, last,
			  first_line(l->arena, cells[0]), NULL);
	else
		table_row(&l->table, l->container, name, cells[0], state, cells[1], runs, last,
			  NULL);
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

int jobs_list(const struct options *options, const struct job_kind *kind, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	AUTO(json) struct json_t *record = NULL;
	AUTO(json) struct json_t *document = NULL;
	struct list l = { .arena = &s.arena, .kind = kind };
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
	if (kind->operation)
		table_row(&l.table, "CONTAINER", "NAME", "STATE", "RUNS", "EXIT", "START", NULL);
	else
		table_row(&l.table, "CONTAINER", "NAME", "SPEC", "STATE", "NEXT", "RUNS", "EXIT",
			  NULL);
	containers = json_get(document, "containers");
	names = json_keys(&s.arena, containers, &n);
	for (size_t i = 0; i < n; i++) {
		l.container = names[i];
		ask(&s.arena, json_path(record, "containers", names[i], NULL), &l.status);
		(void)json_each(json_path(containers, names[i], "app", kind->key, NULL), add, &l);
	}
	if (options->json) {
		session_print(kind->schema, kind->key, l.items);
	} else {
		table_print(&l.table, stdout);
		json_free(l.items);
	}
	table_clear(&l.table);
	return 0;
}

int jobs_choose(struct session *s, const struct job_kind *kind, const char *text,
		const char **container, const char **name, struct error *err)
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
			json_path(document, "containers", names[i], "app", kind->key, NULL);
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
		return fail(err, ERROR_INPUT, "several apps have a%s %s \"%s\": say APP:%s",
			    kind->operation ? "n" : "", kind->verb, text, text);
	return found ? 0
		     : fail(err, ERROR_ABSENT, "no %s \"%s\" in %s; see them: orch %s ls",
			    kind->verb, text, s->env.name, kind->verb);
}

int jobs_look(struct arena *arena, const struct live *l, const struct job_kind *kind,
	      const char *name, struct init_cron_status *out, struct error *err)
{
	const struct init_cron_status *job;
	struct init_status status;

	if (!container_alive(&l->c))
		return fail(err, ERROR_SYSTEM, "%s ended; see orch logs %s", l->name, l->name);
	if (init_status_read(arena, &l->c, &status, err) < 0)
		return -1;
	job = find(kind, &status, name);
	if (!job)
		return fail(err, ERROR_ABSENT, "%s has no %s \"%s\" any more", l->name, kind->verb,
			    name);
	*out = *job;
	return 0;
}
