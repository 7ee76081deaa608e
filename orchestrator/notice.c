#include "orchestrator/notice.h"

#include <signal.h>
#include <string.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/text.h"
#include "orchestrator/container_log.h"
#include "runtime/cgroup.h"
#include "runtime/init.h"
#include "runtime/oom.h"

/* NULL at the first look. */
static struct noticed *find(struct notice *n, const char *container)
{
	for (size_t i = 0; i < n->n; i++)
		if (!strcmp(n->items[i].container, container))
			return &n->items[i];
	return NULL;
}

/* Where the kernel's log can't be asked: those of the processes that ended by the signal it sends. */
static void add_killed(struct text *t, const struct init_status *status)
{
	for (size_t i = 0; i < status->n; i++)
		if (status->processes[i].last_exit == 128 + SIGKILL)
			text_printf(t, ", ended by SIGKILL: %s", status->processes[i].name);
}

char *notice_oom(struct arena *arena, uint32_t first_id, const struct cgroup_usage *usage,
		 const struct init_status *status, uint64_t times)
{
	AUTO(text) struct text t = { 0 };
	char limit[16], peak[16], had[16];
	struct oom_victim v;

	text_printf(&t, "%llux: limit %s, peak %s", (unsigned long long)times,
		    text_bytes(limit, usage->memory_limit), text_bytes(peak, usage->memory_peak));
	if (oom_last_victim(first_id, &v))
		text_printf(&t, ", killed%s: %s (%s)", times > 1 ? " last" : "", v.name,
			    text_bytes(had, v.bytes));
	else
		add_killed(&t, status);
	return arena_strdup(arena, text_get(&t));
}

static void tell_oom(struct arena *arena, const struct world *w, const struct live *l,
		     const char *detail, world_event *tell, void *ctx)
{
	tell(ctx, "out of memory", l->name, detail, 0);
	container_log_note(world_log(arena, w, l->name), "oom",
			   arena_printf(arena, "out of memory %s", detail));
}

static void tell_restarts(struct arena *arena, const char *container,
			  const struct init_status *status, world_event *tell, void *ctx)
{
	AUTO(text) struct text t = { 0 };

	for (size_t i = 0; i < status->n; i++)
		if (status->processes[i].restarts)
			text_printf(&t, "%s%s (%u times, exit %d)", t.size ? ", " : "",
				    status->processes[i].name, status->processes[i].restarts,
				    status->processes[i].last_exit);
	tell(ctx, "ended", container, arena_strdup(arena, text_get(&t)), 0);
}

void notice_look(struct notice *n, struct world *w, const struct live *l, world_event *tell,
		 void *ctx)
{
	AUTO(arena) struct arena arena = { 0 };
	struct noticed *was = find(n, l->name);
	struct cgroup_usage usage = { 0 };
	struct init_status status = { 0 };
	struct noticed now = { .container = l->name };
	struct error ignored;

	if (cgroup_usage(world_cgroup(&arena, w, l->name), &usage, &ignored) < 0)
		return;
	/* Of one that has ended as a whole only the group is left. */
	if (init_status_read(&arena, &l->c, &status, &ignored) < 0 && !was)
		return;
	for (size_t i = 0; i < status.n; i++)
		now.restarts += status.processes[i].restarts;
	now.oom_kills = usage.oom_kills;
	if (!was) {
		n->items = arena_grow(&n->arena, n->items, n->n, &n->room, sizeof(*n->items));
		now.container = arena_strdup(&n->arena, l->name);
		n->items[n->n++] = now;
		return;
	}
	if (now.oom_kills > was->oom_kills)
		tell_oom(&arena, w, l,
			 notice_oom(&arena, l->first_id, &usage, &status,
				    now.oom_kills - was->oom_kills),
			 tell, ctx);
	if (now.restarts > was->restarts)
		tell_restarts(&arena, l->name, &status, tell, ctx);
	was->restarts = now.restarts;
	was->oom_kills = now.oom_kills;
}

void notice_clear(struct notice *n)
{
	arena_clear(&n->arena);
	*n = (struct notice){ 0 };
}
