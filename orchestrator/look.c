#include "orchestrator/look.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "base/process.h"
#include "base/text.h"
#include "orchestrator/host.h"
#include "orchestrator/notice.h"
#include "orchestrator/quota.h"
#include "runtime/cgroup.h"
#include "runtime/container.h"
#include "runtime/init.h"

bool look_alive(void *record, const char *container)
{
	const struct json_t *entry = json_path(record, "containers", container, NULL);
	int64_t start = json_get_number(entry, "start_time", 0);

	return start > 0 &&
		process_start_time((pid_t)json_get_number(entry, "pid", 0)) == (uint64_t)start;
}

static const char *name_of(enum init_state state)
{
	switch (state) {
	case INIT_WAITING:
		return "waiting";
	case INIT_STARTING:
		return "starting";
	case INIT_READY:
		return "run";
	case INIT_FAILED:
		return "failed";
	case INIT_STOPPING:
		return "stopping";
	}
	abort();
}

static void ask_init(struct arena *arena, const struct json_t *entry, struct seen *s,
		     struct init_status *status)
{
	struct container c = CONTAINER_NONE;
	struct error ignored;

	if (container_adopt((pid_t)json_get_number(entry, "pid", 0),
			    (uint64_t)json_get_number(entry, "start_time", 0), &c, &ignored) != 0)
		return;
	if (init_status_read(arena, &c, status, &ignored) == 0) {
		s->state = name_of(status->state);
		s->ready = status->state == INIT_READY;
		s->why = status->why;
		for (size_t i = 0; i < status->n; i++)
			s->restarts += status->processes[i].restarts;
	}
	container_release(&c);
}

static void see(struct arena *arena, const struct host *h, const char *environment,
		const struct json_t *record, const char *name, struct seen *out)
{
	const struct json_t *entry = json_path(record, "containers", name, NULL);
	const struct json_t *document = json_get(entry, "document");
	struct cgroup_usage usage = { 0 };
	struct init_status status = { 0 };
	struct error ignored;
	struct seen s = {
		.name = name,
		.type = json_get_text(document, "type", "?"),
		.kind = json_get_text(document, "kind", "?"),
		.state = "stopped",
		.why = "",
		.alive = look_alive((void *)(uintptr_t)record, name),
		.pid = (int)json_get_number(entry, "pid", 0),
		.since = json_get_number(entry, "since", 0),
		.generation = json_get_number(entry, "generation", 0),
		.memory_limit =
			(uint64_t)json_number(json_path(document, "limits", "memory", NULL), 0),
	};

	if (s.alive) {
		s.state = "starting";
		ask_init(arena, entry, &s, &status);
		if (json_get(record, "asleep"))
			s.state = "asleep";
		if (cgroup_usage(arena_printf(arena, "%s/%s/%s", h->cgroups, environment, name),
				 &usage, &ignored) == 0) {
			s.cpu_us = usage.cpu_us;
			s.memory = usage.memory;
			s.pids = usage.pids;
			if (usage.oom_kills && !*s.why)
				/* An end by the limit looks like any other SIGKILL. */
				s.why = arena_printf(
					arena, "out of memory %s",
					notice_oom(arena,
						   (uint32_t)json_get_number(entry, "first_id", 0),
						   &usage, &status, usage.oom_kills));
		}
	}
	if (!*s.why) {
		const char *full = quota_why(arena, h, environment, name);

		s.why = full ? full : "";
	}
	*out = s;
}

void look(struct arena *arena, const struct host *h, const char *environment,
	  const struct json_t *record, struct seen **out, size_t *n)
{
	const char **names = json_keys(arena, json_get(record, "containers"), n);
	struct seen *list = arena_array(arena, *n + 1, sizeof(*list));

	for (size_t i = 0; i < *n; i++)
		see(arena, h, environment, record, names[i], &list[i]);
	*out = list;
}
