#include "orchestrator/rollout.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "images/store.h"
#include "orchestrator/control.h"
#include "orchestrator/group.h"
#include "orchestrator/moment.h"
#include "orchestrator/plan.h"
#include "orchestrator/progress.h"
#include "orchestrator/record.h"
#include "orchestrator/session.h"
#include "orchestrator/supervise.h"
#include "orchestrator/urls.h"
#include "runtime/volume.h"

int rollout_lock(struct session *s, int *lock, struct error *err)
{
	int r = session_lock(s, lock, err);

	return r == SESSION_LOCKED
		? fail(err, ERROR_CONFLICT,
		       "another change of %s is at work; wait for it: orch status", s->env.name)
		: r;
}

char *rollout_causes(struct arena *arena, const struct plan *plan)
{
	AUTO(json) struct json_t *all = plan_json(plan);
	AUTO(json) struct json_t *list = json_new_list();

	for (size_t i = 0; i < json_count(all); i++)
		if (strcmp(json_get_text(json_at(all, i), "action", "none"), "none") != 0)
			json_add(list, json_copy_deep(json_at(all, i)));
	return json_print(arena, list, FORM_CANONICAL);
}

int rollout_has_volumes(struct session *s, const char *id, bool *out, struct error *err)
{
	const char **names;
	size_t n;

	*out = false;
	if (!file_exists(s->host.pool) &&
	    !file_exists(arena_printf(&s->arena, "%s.img", s->host.pool)))
		return 0;
	if (pool_ensure(s->host.pool, POOL_SIZE, err) < 0 ||
	    volume_list(&s->arena, s->host.pool, id, &names, &n, err) < 0)
		return -1;
	*out = n > 0;
	return 0;
}

int rollout_snapshot(struct session *s, struct progress *progress, const char *tag,
		     struct error *err)
{
	const char *to = group_snapshot_name(&s->arena, s->env.id, tag);
	uint64_t since = clock_ms();
	struct moment m;
	bool any;

	if (rollout_has_volumes(s, s->env.id, &any, err) < 0)
		return -1;
	if (!any)
		return 0;
	if (group_remove(&s->host, to, err) < 0 ||
	    moment_take(&s->host, &s->env, to, true, &m, err) < 0)
		return fail_in(err, "snapshot %s", tag);
	progress_tell(progress, "snapshot", "",
		      arena_printf(&s->arena, "%zu volume%s @%s", m.volumes,
				   m.volumes == 1 ? "" : "s", tag),
		      clock_ms() - since);
	return 0;
}

int rollout_keep(struct session *s, struct progress *progress, const char *prefix,
		 const char **folder, struct error *err)
{
	int64_t now = (int64_t)time(NULL);
	const char *tag;
	bool any;

	*folder = "";
	if (rollout_has_volumes(s, s->env.id, &any, err) < 0)
		return -1;
	if (!any)
		return 0;
	/* One that was killed here had another name. */
	if (group_remove_unfinished(&s->host, s->env.id, err) < 0)
		return -1;
	do {
		tag = arena_printf(&s->arena, "%s%lld", prefix, (long long)now++);
		*folder = group_snapshot_name(&s->arena, s->env.id, tag);
	} while (file_exists(arena_printf(&s->arena, "%s/%s", s->host.pool, *folder)));
	return rollout_snapshot(s, progress, tag, err);
}

int rollout_check_images(struct session *s, const struct json_t *document, struct error *err)
{
	const struct json_t *containers = json_get(document, "containers");
	const char **names;
	size_t n;

	names = json_keys(&s->arena, containers, &n);
	for (size_t i = 0; i < n; i++) {
		const struct json_t *c = json_get(containers, names[i]);
		const char *const digests[] = { json_get_text(c, "base", ""),
						json_get_text(json_get(c, "code"), "image", "") };

		for (size_t k = 0; k < ARRAY_SIZE(digests); k++)
			if (*digests[k] && !store_has(s->host.images, digests[k]))
				return fail(err, ERROR_ABSENT,
					    "%s: its image %.12s is gone; build it again: orch "
					    "deploy from that commit",
					    names[i], digests[k]);
	}
	return 0;
}

/* Failed ones keep their numbers. */
static int next_number(struct session *s, int64_t *out, struct error *err)
{
	struct generation *list;
	size_t n;

	if (state_list_generations(s->state, &s->arena, s->env.id, &list, &n, err) < 0)
		return -1;
	*out = n && list[0].number >= s->env.generation ? list[0].number + 1
							: s->env.generation + 1;
	return 0;
}

int rollout_remember(struct session *s, struct progress *progress, struct generation *g,
		     struct error *err)
{
	const char *tag;

	if (next_number(s, &g->number, err) < 0)
		return -1;
	tag = arena_printf(&s->arena, "g%lld", (long long)g->number);
	/* Before it is wanted: from then on a supervisor may be at work on it. */
	if (s->env.good && !s->options->no_snapshot && rollout_snapshot(s, progress, tag, err) < 0)
		return fail_in(err, "nothing was changed; without it: --no-snapshot");
	g->made = (int64_t)time(NULL);
	g->result = "";
	if (state_add_generation(s->state, s->env.id, g, err) < 0)
		return -1;
	s->env.generation = g->number;
	s->env.wanted = true;
	return state_save(s->state, &s->env, err);
}

/* Afterwards, since one of them may be what is restored. */
static int prune(struct session *s, struct error *err)
{
	static const char *const prefixes[] = { "g", "before-rollback-", "before-sync-",
						"before-restore-" };

	size_t keep = s->env.keep ? (size_t)s->env.keep : GROUP_KEEP;

	if (!pool_mounted(s->host.pool))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (group_prune(&s->host, s->env.id, prefixes[i], keep, err) < 0)
			return -1;
	return 0;
}

int rollout_converge(struct session *s, struct progress *progress, struct error *err)
{
	AUTO(json) struct json_t *request = json_new_map();

	json_put_text(request, "do", "converge");
	json_put_flag(request, "hooks", true);
	json_put_number(request, "timeout_ms", (int64_t)s->options->timeout_ms);
	if (supervise_call(&s->host, s->env.id, request, progress_event, progress, err) < 0)
		return -1;
	return prune(s, err);
}

void rollout_end(struct session *s, const struct progress *progress, const char *what,
		 uint64_t since)
{
	double seconds = (double)(clock_ms() - since) / 1000;
	AUTO(json) struct json_t *end = NULL;
	const char **urls;
	size_t n;

	urls = urls_of(s, &s->env, &n);

	if (!progress->json) {
		if (!progress->quiet)
			fprintf(stderr, "%s in %.2fs   ", what, seconds);
		fflush(stderr);
		for (size_t i = 0; i < n; i++)
			printf("%s\n", urls[i]);
		return;
	}
	end = json_new_map();
	json_put_text(end, "event", "end");
	json_put_text(end, "result", what);
	json_put_text(end, "environment", s->env.name);
	json_put_number(end, "generation", s->env.generation);
	json_put_text(end, "url", urls[0]);
	json_put(end, "urls", urls_json(s, &s->env));
	printf("%s\n", json_print(&s->arena, end, FORM_COMPACT));
}
