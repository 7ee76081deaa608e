/*
 * world_cron.c - jobs and deploys keep out of each other's way
 */
#include <string.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "orchestrator/world.h"
#include "runtime/init.h"

#define LOOK_MS 1000
#define SOON_MS 10
#define DEFAULT_TIMEOUT_MS 300000

static bool has_jobs(const struct json_t *record, const char *name)
{
	const struct json_t *app = json_path(record, "containers", name, "document", "app", NULL);

	return json_count(json_get(app, "crons")) + json_count(json_get(app, "operations")) > 0;
}

static void tell_all(struct world *w, const struct json_t *record, const char *command)
{
	struct error ignored;

	for (size_t i = 0; i < w->n; i++)
		if (w->lives[i].released && has_jobs(record, w->lives[i].name))
			(void)init_command(&w->lives[i].c, command, &ignored);
}

void world_release_jobs(struct world *w, const struct json_t *record)
{
	tell_all(w, record, "release");
}

/* Of a container that ended meanwhile no job runs. */
static const char *running_in(struct arena *arena, const struct live *l, bool *held)
{
	struct init_status status;
	struct error ignored;

	if (!container_alive(&l->c) || init_status_read(arena, &l->c, &status, &ignored) < 0)
		return NULL;
	*held &= status.held;
	for (size_t i = 0; i < status.n_crons; i++)
		if (status.crons[i].pid)
			return arena_printf(arena, "%s \"%s\"",
					    status.crons[i].operation ? "operation" : "cron",
					    status.crons[i].name);
	return NULL;
}

const char *world_running_job(struct world *w, struct arena *arena, const struct json_t *record,
			      const char **container, bool *held)
{
	bool all = true;

	for (size_t i = 0; i < w->n; i++) {
		const struct live *l = &w->lives[i];
		const char *job = l->released && has_jobs(record, l->name)
			? running_in(arena, l, &all)
			: NULL;

		if (!job)
			continue;
		*container = l->name;
		return job;
	}
	if (held)
		*held = all;
	return NULL;
}

int world_hold_jobs(struct world *w, const struct json_t *record, uint64_t timeout_ms,
		    struct error *err)
{
	const struct backend b = world_backend(w);
	uint64_t since = b.now_ms(w);
	bool told = false;

	if (!timeout_ms)
		timeout_ms = DEFAULT_TIMEOUT_MS;
	tell_all(w, record, "hold");
	for (;;) {
		AUTO(arena) struct arena arena = { 0 };
		const char *container = "", *job;
		bool held = false;

		job = world_running_job(w, &arena, record, &container, &held);
		if (!job && held)
			return 0;
		if (job && !told)
			b.event(w, "wait", container, arena_printf(&arena, "for %s to end", job),
				0);
		told |= job != NULL;
		if (b.now_ms(w) - since >= timeout_ms)
			return fail(
				err, ERROR_TIMEOUT,
				"%s: %s still runs, and nothing was changed; try again later or "
				"with a longer --timeout: orch cron ls, orch operation ls",
				container, job ? job : "a job");
		if (world_wait(w, job ? LOOK_MS : SOON_MS, err) < 0)
			return -1;
	}
}
