#include "orchestrator/lineage.h"

#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "orchestrator/desired.h"
#include "orchestrator/git_branch.h"
#include "orchestrator/group.h"
#include "orchestrator/request.h"
#include "orchestrator/rollout.h"
#include "orchestrator/session.h"
#include "orchestrator/world.h"
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
	if (!here && s->project.git)
		here = git_branch_previous(&s->arena, &s->project);
	if (here) {
		int r = lineage_find(s, here, out, err);

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

static int shrink_all(struct session *s, struct json_t *document, struct error *err)
{
	struct json_t *containers = json_get(document, "containers");
	struct world w = WORLD_NONE;
	const char **names;
	size_t n;

	w.host = s->host;
	names = json_keys(&s->arena, containers, &n);
	for (size_t i = 0; i < n; i++) {
		struct json_t *c = json_get(containers, names[i]);
		const struct image_description *image =
			world_image(&w, json_get_text(c, "base", ""), err);

		if (!image)
			return fail_in(err, "%s", names[i]);
		desired_shrink(c, image);
	}
	return 0;
}

struct json_t *lineage_document(struct session *s, const struct origin *from, struct error *err)
{
	AUTO(json) struct json_t *had = session_document_of(s, &from->env, from->generation, err);
	AUTO(json) struct json_t *document = NULL;
	AUTO(json) struct json_t *variables = NULL;
	struct app_variables *list = NULL;
	const char **apps;
	size_t n;

	if (!had)
		return NULL;
	apps = json_keys(&s->arena, json_get(had, "containers"), &n);
	if (rollout_check_images(s, had, err) < 0 ||
	    request_app_variables(s, apps, n, &list, err) < 0)
		return NULL;
	document = desired_remake(had, &s->env);
	variables = request_documents(&s->arena, list, n);
	desired_set_variables(document, variables);
	if (environment_is_production(&from->env) && !environment_is_production(&s->env) &&
	    shrink_all(s, document, err) < 0)
		return NULL;
	return TAKE_PTR(document);
}
