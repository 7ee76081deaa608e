#include "orchestrator/notice.h"

#include <string.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/text.h"
#include "runtime/cgroup.h"
#include "runtime/init.h"

/* NULL at the first look. */
static struct noticed *find(struct notice *n, const char *container)
{
	for (size_t i = 0; i < n->n; i++)
		if (!strcmp(n->items[i].container, container))
			return &n->items[i];
	return NULL;
}

static void tell_oom(struct arena *arena, const char *container, const struct cgroup_usage *usage,
		     uint64_t more, world_event *tell, void *ctx)
{
	char peak[16], now[16];

	tell(ctx, "out of memory", container,
	     arena_printf(arena, "%llu process%s killed; %s in use now, %s at most",
			  (unsigned long long)more, more == 1 ? "" : "es",
			  text_bytes(now, usage->memory), text_bytes(peak, usage->memory_peak)),
	     0);
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

	if (init_status_read(&arena, &l->c, &status, &ignored) < 0 ||
	    cgroup_usage(world_cgroup(&arena, w, l->name), &usage, &ignored) < 0)
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
		tell_oom(&arena, l->name, &usage, now.oom_kills - was->oom_kills, tell, ctx);
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
