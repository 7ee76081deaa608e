#include "orchestrator/lineage.h"

#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "orchestrator/git_branch.h"
#include "orchestrator/group.h"
#include "orchestrator/session.h"
#include "runtime/volume.h"

int lineage_find(struct session *s, const char *name, struct environment *out, struct error *err)
{
	struct environment *list;
	size_t n;

	if (!s->state)
		return STATE_ABSENT;
	if (state_list(s->state, &s->arena, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		bool ours = s->project.folder && !strcmp(list[i].project_id, s->project.id);

		if (strcmp(list[i].id, name) != 0 && (!ours || strcmp(list[i].name, name) != 0))
			continue;
		*out = list[i];
		return 0;
	}
	return STATE_ABSENT;
}

static int find_production(struct session *s, struct environment *out, struct error *err)
{
	struct environment *list;
	size_t n;

	if (state_list(s->state, &s->arena, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(list[i].project_id, s->project.id) != 0 ||
		    strcmp(list[i].type, "production") != 0)
			continue;
		*out = list[i];
		return 0;
	}
	return STATE_ABSENT;
}

static int find_default(struct session *s, const char *here, struct environment *out,
			struct error *err)
{
	const char *before = s->project.git ? git_branch_previous(&s->arena, &s->project) : NULL;
	const char *const names[] = { here, here ? NULL : before };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int r = names[i] ? lineage_find(s, names[i], out, err) : STATE_ABSENT;

		if (r < 0 || (r == 0 && out->generation))
			return r;
	}
	return find_production(s, out, err);
}

/* "main@42": what is behind the last '@', if that is a number. */
static const char *split(struct arena *arena, const char *text, uint64_t *generation)
{
	const char *at = strrchr(text, '@');

	if (!at || text_to_u64(at + 1, INT64_MAX, generation) < 0)
		return text;
	return arena_strndup(arena, text, (size_t)(at - text));
}

int origin_find(struct session *s, const char *text, const char *here, struct origin *out,
		struct error *err)
{
	uint64_t generation = 0;
	const char *name = text ? split(&s->arena, text, &generation) : NULL;
	struct origin o = { 0 };
	int r = name ? lineage_find(s, name, &o.env, err) : find_default(s, here, &o.env, err);

	if (r < 0)
		return -1;
	if (r == STATE_ABSENT && name)
		return fail(err, ERROR_ABSENT, "no environment \"%s\"; see them: orch ls", name);
	if (r == STATE_ABSENT || !o.env.generation)
		return fail(err, ERROR_ABSENT,
			    "there is no environment to clone yet: orch deploy on the default "
			    "branch, or name one with --from");
	if (o.env.deleting)
		return fail(err, ERROR_CONFLICT, "\"%s\" is being destroyed", o.env.name);
	/* What is wanted but wasn't reached may never be. */
	o.generation = o.env.good ? o.env.good : o.env.generation;
	if (generation && (int64_t)generation != o.generation) {
		o.generation = (int64_t)generation;
		if (!s->options->no_data &&
		    lineage_left(s, &o.env, o.generation, &o.snapshot, err) < 0)
			return -1;
	}
	*out = o;
	return 0;
}

int lineage_left(struct session *s, const struct environment *e, int64_t generation,
		 const char **folder, struct error *err)
{
	struct generation *list;
	int64_t next = 0;
	size_t n;

	if (state_list_generations(s->state, &s->arena, e->id, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n && list[i].number > generation; i++)
		if (!strcmp(list[i].result, "ok"))
			next = list[i].number;
	*folder = group_snapshot_name(&s->arena, e->id,
				      arena_printf(&s->arena, "g%lld", (long long)next));
	if (pool_ensure(s->host.pool, POOL_SIZE, err) < 0)
		return -1;
	if (!next || !file_exists(arena_printf(&s->arena, "%s/%s", s->host.pool, *folder)))
		return fail(err, ERROR_ABSENT,
			    "the data of generation %lld of \"%s\" is not kept; without data: "
			    "%s; what is kept: orch history -e %s",
			    (long long)generation, e->name,
			    s->options->with_data ? "leave out --with-data" : "--no-data", e->name);
	return 0;
}
