#include "orchestrator/backup_restore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "orchestrator/backup_images.h"
#include "orchestrator/backup_store.h"
#include "orchestrator/backup_vars.h"
#include "orchestrator/control.h"
#include "orchestrator/desired.h"
#include "orchestrator/destroy.h"
#include "orchestrator/group.h"
#include "orchestrator/progress.h"
#include "orchestrator/record.h"
#include "orchestrator/request.h"
#include "orchestrator/routes.h"
#include "orchestrator/session.h"
#include "orchestrator/storage.h"
#include "orchestrator/supervise.h"
#include "orchestrator/tarball.h"
#include "runtime/volume.h"

struct restoring {
	struct session *s;
	const struct backup_place *p;
	struct progress progress;
	struct json_t *document; /* that will be wanted; owned */
	const char *fresh;	 /* folder in the pool: the new volumes, later the old ones */
	const char *kept;	 /* tag of the snapshot of what was there; NULL: nothing was */
};

/* Which environment it is to be; a new one isn't in the state yet. */
static int find_target(struct restoring *r, struct error *err)
{
	struct session *s = r->s;
	const struct backup *b = &r->p->b;
	const char *name = s->options->as ? s->options->as : b->name;
	struct environment e = {
		.project = b->project,
		.project_id = b->project_id,
		.folder = b->folder,
		.name = name,
		.type = strcmp(name, b->name) != 0 ? "development" : b->type,
		.publish_address = "127.0.0.1",
		.made = (int64_t)time(NULL),
	};
	struct error ignored;
	int found;

	if (project_open(&s->arena, s->options, &s->project, &ignored) == 0 &&
	    !strcmp(s->project.name, b->project)) {
		e.project_id = s->project.id;
		e.folder = s->project.folder;
	}
	e.id = project_environment(&s->arena, e.project_id, name);
	found = state_find(s->state, &s->arena, e.id, &s->env, err);
	if (found < 0)
		return -1;
	s->exists = found == 0;
	if (!s->exists)
		s->env = e;
	return 0;
}

static int choose_document(struct restoring *r, struct error *err)
{
	struct session *s = r->s;

	if (!s->options->data_only) {
		if (request_publish(s, err) < 0)
			return -1;
		/* What asked for a password doesn't go without one elsewhere. */
		if (!s->exists)
			s->env.access = routes_access(&s->arena, r->p->b.document);
		r->document = desired_remake(r->p->b.document, &s->env);
		return 0;
	}
	if (!s->exists || !s->env.generation)
		return fail(err, ERROR_ABSENT,
			    "%s was never deployed, so that there is no code for the data; leave "
			    "out --data-only",
			    s->env.name);
	r->document = session_document(s, 0, err);
	return r->document ? 0 : -1;
}

static uint64_t disk_of(const struct restoring *r, const char *container)
{
	const struct json_t *c = json_path(r->document, "containers", container, NULL);

	return (uint64_t)json_get_number(c, "disk", 0) * 1000000;
}

static int check_space(const struct restoring *r, struct error *err)
{
	const struct backup *b = &r->p->b;
	uint64_t all = 0, has;
	char used[32], may[32];
	struct statvfs fs;

	for (size_t i = 0; i < b->n_volumes; i++) {
		const struct backup_volume *v = &b->volumes[i];
		uint64_t limit = disk_of(r, v->container);

		all += limit ? v->used : 0;
		if (limit && v->used > limit)
			return fail(
				err, ERROR_SYSTEM,
				"%s: its data takes %s and its disk has %s; nothing was changed. "
				"Give it more with \"disk\" and deploy",
				v->container, text_bytes(used, v->used), text_bytes(may, limit));
	}
	if (statvfs(r->s->host.pool, &fs) < 0)
		return fail_errno(err, "statvfs %s", r->s->host.pool);
	has = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (all > has)
		return fail(err, ERROR_SYSTEM,
			    "the data takes %s and the pool has %s left; nothing was changed",
			    text_bytes(used, all), text_bytes(may, has));
	return 0;
}

static int unpack_volume(struct restoring *r, const struct backup_volume *v, struct error *err)
{
	struct session *s = r->s;
	const char *name = arena_printf(&s->arena, "%s/%s", r->fresh, v->container);
	uint64_t since = clock_ms();
	char size[32];

	AUTO(fd) int top = -1;

	if (volume_ensure(s->host.pool, name, v->uid, v->gid, disk_of(r, v->container), &top, err) <
		    0 ||
	    tarball_unpack(arena_printf(&s->arena, "%s/%s", r->p->folder, v->file),
			   arena_printf(&s->arena, "/proc/%d/fd/%d/.", getpid(), top), true, true,
			   err) < 0)
		return fail_in(err, "volume of %s", v->container);
	progress_tell(&r->progress, "unpack", v->container, text_bytes(size, v->used),
		      clock_ms() - since);
	return 0;
}

static int unpack_volumes(struct restoring *r, struct error *err)
{
	const struct backup *b = &r->p->b;

	if (group_remove(&r->s->host, r->fresh, err) < 0)
		return -1;
	for (size_t i = 0; i < b->n_volumes; i++) {
		const struct backup_volume *v = &b->volumes[i];

		if (!disk_of(r, v->container))
			progress_tell(&r->progress, "skip", v->container,
				      "it has no disk in what is deployed", 0);
		else if (unpack_volume(r, v, err) < 0)
			return -1;
	}
	return 0;
}

static int ask(struct restoring *r, const char *what, struct error *err)
{
	struct session *s = r->s;
	AUTO(json) struct json_t *request = json_new_map();

	json_put_text(request, "do", what);
	json_put_flag(request, "hooks", false);
	json_put_number(request, "timeout_ms", (int64_t)s->options->timeout_ms);
	return supervise_call(&s->host, s->env.id, request, progress_event, &r->progress, err);
}

/* It stays stopped until its data is what it should be: see the header. */
static int stop(struct restoring *r, struct error *err)
{
	struct session *s = r->s;

	s->env.wanted = s->env.paused = false;
	if (state_save(s->state, &s->env, err) < 0)
		return -1;
	if (!file_exists(record_path(&s->arena, &s->host, s->env.id, "record.json")))
		return 0;
	return ask(r, "stop", err);
}

/* What it has now stays as a snapshot; a container that isn't in the backup keeps its data. */
static int keep_old(struct restoring *r, struct error *err)
{
	struct session *s = r->s;
	time_t now = time(NULL);
	const char **names, *kept;
	size_t n;

	if (group_remove_unfinished(&s->host, s->env.id, err) < 0 ||
	    volume_list(&s->arena, s->host.pool, s->env.id, &names, &n, err) < 0)
		return -1;
	if (!n)
		return 0;
	do {
		r->kept = arena_printf(&s->arena, "before-restore-%lld", (long long)now++);
		kept = group_snapshot_name(&s->arena, s->env.id, r->kept);
	} while (file_exists(arena_printf(&s->arena, "%s/%s", s->host.pool, kept)));
	if (group_copy(&s->host, s->env.id, kept, true, NULL, NULL, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const char *to = arena_printf(&s->arena, "%s/%s", r->fresh, names[i]);

		if (!disk_of(r, names[i]) || volume_exists(s->host.pool, to))
			continue;
		if (volume_snapshot(s->host.pool,
				    arena_printf(&s->arena, "%s/%s", s->env.id, names[i]), to,
				    false, err) < 0)
			return -1;
	}
	return 0;
}

/* All volumes at once: until here everything is as it was, from here on it is as it should be. */
static int exchange(struct restoring *r, struct error *err)
{
	struct session *s = r->s;
	const char *fresh = arena_printf(&s->arena, "%s/%s", s->host.pool, r->fresh);
	const char *now = arena_printf(&s->arena, "%s/%s", s->host.pool, s->env.id);

	if (!file_exists(fresh))
		return 0;
	if (renameat2(AT_FDCWD, fresh, AT_FDCWD, now, RENAME_EXCHANGE) == 0)
		return 0;
	if (errno != ENOENT || rename(fresh, now) < 0)
		return fail_errno(err, "rename %s", fresh);
	return 0;
}

/* A generation of its own, unless it is the one that is wanted already. */
static int remember(struct restoring *r, struct error *err)
{
	struct session *s = r->s;
	const struct backup *b = &r->p->b;
	struct generation g = {
		.number = s->env.generation + 1,
		.made = (int64_t)time(NULL),
		.commit = b->commit,
		.subject = b->subject,
		.result = "",
		.summary = arena_printf(&s->arena, "restore %s", b->id),
		.document = json_print(&s->arena, r->document, FORM_CANONICAL),
	};
	struct generation *list;
	size_t n;

	if (state_list_generations(s->state, &s->arena, s->env.id, &list, &n, err) < 0)
		return -1;
	if (n && list[0].number >= g.number)
		g.number = list[0].number + 1;
	if (s->env.generation) {
		AUTO(json) struct json_t *wanted = session_document(s, 0, err);

		if (!wanted)
			return -1;
		if (json_same(wanted, r->document))
			g.number = s->env.generation;
	}
	if (g.number != s->env.generation && state_add_generation(s->state, s->env.id, &g, err) < 0)
		return -1;
	s->env.generation = g.number;
	s->env.wanted = true;
	return state_save(s->state, &s->env, err);
}

/* From here on the environment is changed. */
static int replace(struct restoring *r, struct error *err)
{
	struct session *s = r->s;
	uint64_t since = clock_ms();

	if (state_set_entropy(s->state, s->env.project_id, r->p->b.entropy, err) < 0 ||
	    (!s->options->data_only && backup_put_vars(s, &r->p->b, &r->document, err) < 0) ||
	    stop(r, err) < 0 || keep_old(r, err) < 0 || exchange(r, err) < 0 ||
	    remember(r, err) < 0 || group_remove(&s->host, r->fresh, err) < 0)
		return -1;
	progress_tell(&r->progress, "switch", "",
		      r->kept ? arena_printf(&s->arena, "what was there: snapshot %s", r->kept)
			      : "",
		      clock_ms() - since);
	if (ask(r, "converge", err) == 0)
		return 0;
	return r->kept ? fail_in(err,
				 "the data is restored (what was there is the snapshot %s), "
				 "but it does not start",
				 r->kept)
		       : fail_in(err, "the data is restored, but it does not start");
}

/* Nothing was changed yet; what was made for it goes again. */
static void forget(struct restoring *r)
{
	struct session *s = r->s;
	struct error ignored;

	(void)group_remove(&s->host, r->fresh, &ignored);
	if (s->exists)
		return;
	(void)state_remove(s->state, s->env.id, &ignored);
	(void)record_remove(&s->host, s->env.id, &ignored);
}

static int run(struct restoring *r, struct error *err)
{
	struct session *s = r->s;
	AUTO(fd) int lock = -1;
	int locked = session_lock(s, &lock, err);

	if (locked != 0)
		return locked < 0
			? -1
			: fail(err, ERROR_CONFLICT,
			       "another command is at work on %s; wait for it: orch status",
			       s->env.name);
	if (find_target(r, err) < 0 || choose_document(r, err) < 0 ||
	    storage_first_use(s, err) < 0 || pool_ensure(s->host.pool, 0, err) < 0 ||
	    check_space(r, err) < 0)
		return -1;
	if (!s->options->data_only && backup_take_images(s, r->p, err) < 0)
		return -1;
	/* Before there is anything of it. */
	if (!s->exists && state_save(s->state, &s->env, err) < 0)
		return -1;
	r->fresh = arena_printf(&s->arena, "%s~", s->env.id);
	if (unpack_volumes(r, err) < 0) {
		forget(r);
		return -1;
	}
	return replace(r, err);
}

int backup_restore(struct session *s, const struct backup_place *p, struct error *err)
{
	struct restoring r = { .s = s, .p = p, .progress = progress_of(s->options) };
	int done;

	if (destroy_finish_all(s, err) < 0 || find_target(&r, err) < 0 ||
	    (!s->options->data_only && backup_check_images(s, p, err) < 0) ||
	    backup_verify(p, NULL, NULL, err) < 0)
		return -1;
	done = run(&r, err);
	json_free(r.document);
	return done;
}
