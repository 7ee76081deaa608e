#include "orchestrator/fsck.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "orchestrator/destroy.h"
#include "orchestrator/look.h"
#include "orchestrator/progress.h"
#include "orchestrator/record.h"
#include "orchestrator/session.h"
#include "orchestrator/supervise.h"

void fsck_found(struct fsck *f, const char *kind, const char *object, const char *text,
		fsck_repair *repair, const char *name, const char *advice)
{
	struct arena *arena = &f->s->arena;
	struct finding *found;
	struct error err;

	f->found = arena_grow(arena, f->found, f->n_found, &f->room, sizeof(*f->found));
	found = &f->found[f->n_found++];
	*found = (struct finding){
		.kind = kind,
		.object = arena_strdup(arena, object),
		.text = arena_strdup(arena, text),
		.advice = repair ? "orch fsck --repair" : advice,
	};
	if (f->repair && repair) {
		found->repaired = repair(f->s, name, &err) == 0;
		if (!found->repaired)
			found->advice = arena_strdup(arena, err.text);
	}
	f->left += !found->repaired;
}

bool fsck_is_known(struct fsck *f, const char *id)
{
	struct environment e;
	struct error ignored;

	/* What can't be asked is not to be taken for a leak. */
	return state_find(f->s->state, &f->s->arena, id, &e, &ignored) != STATE_ABSENT;
}

struct environment *fsck_find(struct fsck *f, const char *id)
{
	for (size_t i = 0; i < f->n; i++)
		if (!strcmp(f->all[i].id, id))
			return &f->all[i];
	return NULL;
}

static int ask(struct session *s, const char *id, const char *what, struct error *err)
{
	struct progress progress = progress_of(s->options);
	AUTO(json) struct json_t *request = json_new_map();

	progress.quiet |= progress.json;
	progress.json = false;
	json_put_text(request, "do", what);
	return supervise_call(&s->host, id, request, progress_event, &progress, err);
}

static int converge(struct session *s, const char *id, struct error *err)
{
	return ask(s, id, "converge", err);
}

static int stop(struct session *s, const char *id, struct error *err)
{
	return ask(s, id, "stop", err);
}

static int end_destroy(struct session *s, const char *id, struct error *err)
{
	int r;

	s->env.id = id;
	r = destroy_finish(s, err);
	return r == DESTROY_BUSY
		? fail(err, ERROR_CONFLICT, "somebody is at work on it; wait: orch ls")
		: r;
}

static int forget(struct session *s, const char *id, struct error *err)
{
	return state_remove(s->state, id, err);
}

/* What should run does, and nothing else. */
static int check_processes(struct fsck *f, const struct environment *e, struct error *err)
{
	struct session *s = f->s;
	AUTO(json) struct json_t *record = record_load(&s->host, e->id, err);
	AUTO(json) struct json_t *document = NULL;
	const char *missing = "", *more = "";
	const char **names;
	size_t n;

	if (!record)
		return -1;
	s->env = *e;
	if (e->generation && e->wanted) {
		document = session_document(s, 0, err);
		if (!document)
			return -1;
	}
	names = json_keys(&s->arena, json_get(document, "containers"), &n);
	for (size_t i = 0; i < n; i++)
		if (!look_alive(record, names[i]))
			missing = arena_printf(&s->arena, "%s %s", missing, names[i]);
	names = json_keys(&s->arena, json_get(record, "containers"), &n);
	for (size_t i = 0; i < n; i++)
		if (look_alive(record, names[i]) &&
		    !json_path(document, "containers", names[i], NULL))
			more = arena_printf(&s->arena, "%s %s", more, names[i]);
	if (*missing)
		fsck_found(f, "missing", e->id,
			   arena_printf(&s->arena, "it should run, but these don't:%s", missing),
			   converge, e->id, NULL);
	if (*more)
		fsck_found(f, "leak", e->id,
			   arena_printf(&s->arena, "these run, but should not:%s", more),
			   e->wanted ? converge : stop, e->id, NULL);
	return 0;
}

static int check_environments(struct fsck *f, struct error *err)
{
	const char **ids;
	size_t n;

	for (size_t i = 0; i < f->n; i++) {
		if (!f->all[i].deleting && check_processes(f, &f->all[i], err) < 0)
			return fail_in(err, "%s", f->all[i].id);
	}
	if (state_orphans(f->s->state, &f->s->arena, &ids, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		fsck_found(f, "leak", arena_printf(&f->s->arena, "state.db/%s", ids[i]),
			   "generations or user ids of an environment that isn't there", forget,
			   ids[i], NULL);
	return 0;
}

/* With the locks of all that nobody is at work on, until the end. */
static int check(struct fsck *f, struct error *err)
{
	if (check_environments(f, err) < 0 || fsck_host(f, err) < 0)
		return -1;
	return fsck_disk(f, err);
}

static int lock_all(struct fsck *f, int *locks, struct error *err)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->n; i++) {
		int r;

		f->s->env = f->all[i];
		r = session_lock(f->s, &locks[kept], err);
		if (r < 0)
			return -1;
		if (r == SESSION_LOCKED)
			f->busy++;
		else
			f->all[kept++] = f->all[i];
	}
	f->n = kept;
	return 0;
}

/* Before any lock is held: who ends it takes it. */
static int check_destroys(struct fsck *f, struct error *err)
{
	if (state_list(f->s->state, &f->s->arena, &f->all, &f->n, err) < 0)
		return -1;
	for (size_t i = 0; i < f->n; i++)
		if (f->all[i].deleting)
			fsck_found(f, "wrong", f->all[i].id, "its destroy was cut short",
				   end_destroy, f->all[i].id, NULL);
	return state_list(f->s->state, &f->s->arena, &f->all, &f->n, err);
}

int fsck_run(struct session *s, bool repair, struct fsck *out, struct error *err)
{
	struct fsck f = { .s = s, .repair = repair };
	int *locks, r;
	size_t n;

	if (check_destroys(&f, err) < 0)
		return -1;
	n = f.n;
	locks = arena_array(&s->arena, n + 1, sizeof(*locks));
	for (size_t i = 0; i < n; i++)
		locks[i] = -1;
	r = lock_all(&f, locks, err);
	if (r == 0)
		r = check(&f, err);
	for (size_t i = 0; i < n; i++)
		auto_fd(&locks[i]);
	*out = f;
	return r;
}
