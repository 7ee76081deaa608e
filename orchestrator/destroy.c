#include "orchestrator/destroy.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "images/mount.h"
#include "orchestrator/build_box.h"
#include "orchestrator/group.h"
#include "orchestrator/progress.h"
#include "orchestrator/record.h"
#include "orchestrator/session.h"
#include "orchestrator/supervise.h"
#include "orchestrator/trash.h"
#include "runtime/cgroup.h"
#include "runtime/mounts.h"
#include "runtime/volume.h"

/* Through the supervisor, which stops in order, also what an earlier one left. */
static int stop(struct session *s, struct error *err)
{
	struct progress progress = progress_of(s->options);
	AUTO(json) struct json_t *request = json_new_map();

	if (!file_exists(record_path(&s->arena, &s->host, s->env.id, "record.json")))
		return 0;
	json_put_text(request, "do", "stop");
	return supervise_call(&s->host, s->env.id, request, progress_event, &progress, err);
}

/* The volumes and, of the same moment, the snapshots of them. */
static int remove_volumes(struct session *s, bool purge, size_t *kept, struct error *err)
{
	const struct host *h = &s->host;
	const char **tags;
	size_t n, n_snapshots = 0;
	int r = trash_open(h, err);

	if (r != 0)
		return r < 0 ? -1 : 0;
	if (group_list(&s->arena, h, s->env.id, &tags, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n && !purge; i++)
		if (trash_put_all(h, group_snapshot_name(&s->arena, s->env.id, tags[i]),
				  s->env.deleting, &n_snapshots, err) < 0)
			return -1;
	if (group_remove_snapshots(h, s->env.id, err) < 0)
		return -1;
	if (purge)
		return group_remove(h, s->env.id, err);
	return trash_put_all(h, s->env.id, s->env.deleting, kept, err);
}

/* Builds are named by app, and an app may have left the manifest: whatever has the environment's name. */
static int remove_scratch(struct session *s, const char *parent, struct error *err)
{
	const char *prefix = arena_printf(&s->arena, "%s.", s->env.id);
	const char **names;
	size_t n;
	int r = file_list(&s->arena, parent, &names, &n, err);

	if (r != 0)
		return r < 0 ? -1 : 0;
	for (size_t i = 0; i < n; i++) {
		if (strncmp(names[i], prefix, strlen(prefix)) != 0)
			continue;
		if (box_remove(s, names[i] + strlen(prefix), err) < 0 ||
		    file_remove(AT_FDCWD, arena_printf(&s->arena, "%s/%s", parent, names[i]), err) <
			    0)
			return -1;
	}
	return 0;
}

/* The last environment is gone: nothing needs what is mounted. Images and the pool's file stay. */
static int unmount_all(struct session *s, struct error *err)
{
	const char **digests;
	size_t n;

	if (image_mount_list(&s->arena, s->host.mounts, &digests, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (image_mount_ensure_no(s->host.mounts, digests[i], err) < 0)
			return -1;
	if (mounts_ensure_no_dev(s->host.dev, err) < 0 ||
	    cgroup_ensure_no(s->host.cgroups, err) < 0)
		return -1;
	return pool_close(s->host.pool, err);
}

/* Also one that another command has started meanwhile. */
static int wait_for_supervisor(struct session *s, struct error *err)
{
	AUTO(fd) int lock = -1;

	if (!file_exists(record_path(&s->arena, &s->host, s->env.id, "supervisor.lock")))
		return 0;
	return supervise_lock(&s->host, s->env.id, &lock, err);
}

static int begin(struct session *s, struct error *err)
{
	if (s->env.deleting)
		return 0;
	/* By the time the trash knows, however often it takes, that all of it belongs together. */
	s->env.deleting = (int64_t)time(NULL);
	s->env.wanted = false;
	return state_save(s->state, &s->env, err);
}

/* The lock is in the run folder, which therefore goes last. */
static int run(struct session *s, bool purge, size_t *kept, struct error *err)
{
	const char *log = arena_printf(&s->arena, "%s/%s", s->host.log, s->env.id);
	struct environment *all;
	size_t n;

	if (begin(s, err) < 0 || stop(s, err) < 0 || wait_for_supervisor(s, err) < 0 ||
	    remove_volumes(s, purge, kept, err) < 0 ||
	    remove_scratch(s, s->host.scratch, err) < 0 || file_remove(AT_FDCWD, log, err) < 0 ||
	    state_remove(s->state, s->env.id, err) < 0 ||
	    record_remove(&s->host, s->env.id, err) < 0 ||
	    state_list(s->state, &s->arena, &all, &n, err) < 0)
		return -1;
	return n ? 0 : unmount_all(s, err);
}

int destroy_held(struct session *s, bool purge, size_t *kept, struct error *err)
{
	int r = state_find(s->state, &s->arena, s->env.id, &s->env, err);

	*kept = 0;
	if (r != 0)
		return r < 0 ? -1 : 0; /* somebody was faster */
	return run(s, purge, kept, err);
}

int destroy_environment(struct session *s, bool purge, size_t *kept, struct error *err)
{
	AUTO(fd) int lock = -1;
	int r = session_lock(s, &lock, err);

	*kept = 0;
	if (r != 0)
		return r < 0 ? -1
			     : fail(err, ERROR_CONFLICT,
				    "another command is at work on %s; wait for it: orch status",
				    s->env.name);
	return destroy_held(s, purge, kept, err);
}

int destroy_finish(struct session *s, struct error *err)
{
	AUTO(fd) int lock = -1;
	size_t kept;
	int r = session_lock(s, &lock, err);

	if (r != 0)
		return r < 0 ? -1 : DESTROY_BUSY;
	/* By now it may be gone, and even made anew. */
	r = state_find(s->state, &s->arena, s->env.id, &s->env, err);
	if (r != 0)
		return r < 0 ? -1 : 0;
	return s->env.deleting ? run(s, false, &kept, err) : DESTROY_BUSY;
}

/* A run folder of nobody, in which there is nothing but what locks left: its environment's row was the last but one to go. */
static int remove_run_folder(struct session *s, const char *name, struct error *err)
{
	AUTO(fd) int lock = -1;
	int r;

	if (!project_is_environment(name) ||
	    !file_exists(record_path(&s->arena, &s->host, name, "lock")) ||
	    file_exists(record_path(&s->arena, &s->host, name, "router")))
		return 0;
	s->env = (struct environment){ .id = name };
	r = session_lock(s, &lock, err);
	if (r != 0)
		return r < 0 ? -1 : 0;
	r = state_find(s->state, &s->arena, name, &s->env, err);
	return r == STATE_ABSENT ? record_remove(&s->host, name, err) : r;
}

static bool is_known(const struct environment *all, size_t n, const char *id)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(all[i].id, id))
			return true;
	return false;
}

static int remove_run_folders(struct session *s, const struct environment *all, size_t n,
			      struct error *err)
{
	const char **names;
	size_t n_names;
	int r = file_list(&s->arena, s->host.run, &names, &n_names, err);

	if (r != 0)
		return r < 0 ? -1 : 0;
	for (size_t i = 0; i < n_names; i++)
		if (!is_known(all, n, names[i]) && remove_run_folder(s, names[i], err) < 0)
			return -1;
	return 0;
}

int destroy_finish_all(struct session *s, struct error *err)
{
	const struct environment keep = s->env;
	struct environment *all;
	size_t n, expired;
	int r;

	if (state_list(s->state, &s->arena, &all, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (!all[i].deleting)
			continue;
		s->env = all[i];
		if (destroy_finish(s, err) < 0)
			return fail_in(err, "finish destroying %s", all[i].name);
	}
	r = remove_run_folders(s, all, n, err);
	s->env = keep;
	if (r < 0 || !pool_mounted(s->host.pool))
		return r;
	return trash_expire(&s->host, (int64_t)time(NULL) - TRASH_KEPT_S, &expired, err);
}
