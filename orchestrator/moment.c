#include "orchestrator/moment.h"

#include <time.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "orchestrator/control.h"
#include "orchestrator/group.h"
#include "orchestrator/host.h"
#include "orchestrator/record.h"
#include "orchestrator/state.h"
#include "orchestrator/supervise.h"
#include "runtime/volume.h"

#define TRIES 500 /* of 20 ms: a supervisor that starts or ends has its lock for a moment */

int moment_make(const struct host *h, const struct environment *e, const char *to, bool read_only,
		struct moment *out, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *cgroup = arena_printf(&arena, "%s/%s", h->cgroups, e->id);
	const char **names;

	*out = (struct moment){ 0 };
	/* Those of a paused one stand still already, and are to go on doing so. */
	if (group_copy(h, e->id, to, read_only, e->paused ? NULL : cgroup, &out->held_us, err) < 0)
		return -1;
	return volume_list(&arena, h->pool, to, &names, &out->volumes, err);
}

static void take_event(void *ctx, const struct json_t *event)
{
	struct moment *m = ctx;

	if (!json_get(event, "held_us"))
		return;
	m->held_us = (uint64_t)json_get_number(event, "held_us", 0);
	m->volumes = (size_t)json_get_number(event, "volumes", 0);
}

static int ask(int fd, const char *to, bool read_only, struct moment *out, struct error *err)
{
	AUTO(json) struct json_t *request = json_new_map();

	json_put_text(request, "do", "snapshot");
	json_put_text(request, "to", to);
	json_put_flag(request, "read_only", read_only);
	return control_call(fd, request, take_event, out, err);
}

/* Something of it may run, or is about to. */
static int runs(const struct host *h, const struct environment *e, bool *out, struct error *err)
{
	AUTO(json) struct json_t *record = record_load(h, e->id, err);

	if (!record)
		return -1;
	*out = !e->paused && (e->wanted || json_count(json_get(record, "containers")));
	return 0;
}

#define MOMENT_BUSY 1
/* MOMENT_BUSY: it has a supervisor after all. */
static int make_alone(const struct host *h, const struct environment *e, const char *to,
		      bool read_only, struct moment *out, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(fd) int lock = -1;
	int r;

	if (file_make_dirs(record_path(&arena, h, e->id, ""), 0755, err) < 0)
		return -1;
	r = file_lock(record_path(&arena, h, e->id, "supervisor.lock"), false, &lock, err);
	if (r != 0)
		return r < 0 ? -1 : MOMENT_BUSY;
	return moment_make(h, e, to, read_only, out, err);
}

int moment_take(const struct host *h, const struct environment *e, const char *to, bool read_only,
		struct moment *out, struct error *err)
{
	const struct timespec step = { .tv_nsec = 20 * 1000000L };
	bool running = false;

	*out = (struct moment){ 0 };
	if (pool_ensure(h->pool, POOL_SIZE, err) < 0 || runs(h, e, &running, err) < 0)
		return -1;
	for (int i = 0; i < TRIES; i++) {
		AUTO(fd) int fd = -1;
		int r = running ? supervise_connect(h, e->id, true, &fd, err)
				: control_connect(h, e->id, &fd, err);

		if (r < 0)
			return -1;
		if (r == 0)
			r = ask(fd, to, read_only, out, err);
		else
			r = make_alone(h, e, to, read_only, out, err);
		if (r != MOMENT_BUSY && r != CONTROL_ABSENT)
			return r;
		(void)nanosleep(&step, NULL);
	}
	return fail(err, ERROR_CONFLICT, "%s: its supervisor neither answers nor ends", e->name);
}
