/*
 * cmd_destroy.c - the end of an environment, and with the last one of all that was mounted for them
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "images/mount.h"
#include "orchestrator/build_box.h"
#include "orchestrator/commands.h"
#include "orchestrator/control.h"
#include "orchestrator/destroy.h"
#include "orchestrator/group.h"
#include "orchestrator/progress.h"
#include "orchestrator/record.h"
#include "orchestrator/session.h"
#include "orchestrator/supervise.h"
#include "runtime/cgroup.h"
#include "runtime/mounts.h"
#include "runtime/volume.h"

/* Through the supervisor, which stops in order, also what an earlier one left. */
static int stop(struct session *s, struct error *err)
{
	struct progress progress = progress_of(s->options);
	AUTO(json) struct json_t *request = json_new_map();

	s->env.wanted = false;
	if (state_save(s->state, &s->env, err) < 0)
		return -1;
	if (!file_exists(record_path(&s->arena, &s->host, s->env.id, "")))
		return 0;
	json_put_text(request, "do", "stop");
	return supervise_call(&s->host, s->env.id, request, progress_event, &progress, err);
}

static int remove_volumes(struct session *s, size_t *kept, struct error *err)
{
	const char *folder = arena_printf(&s->arena, "%s/%s", s->host.pool, s->env.id);
	const char **names;
	size_t n;
	int r;

	*kept = 0;
	if (!file_exists(s->host.pool) &&
	    !file_exists(arena_printf(&s->arena, "%s.img", s->host.pool)))
		return 0;
	if (pool_ensure(s->host.pool, POOL_SIZE, err) < 0 ||
	    group_remove_snapshots(&s->host, s->env.id, err) < 0)
		return -1;
	r = file_list(&s->arena, folder, &names, &n, err);
	if (r != 0)
		return r < 0 ? -1 : 0;
	for (size_t i = 0; i < n; i++) {
		const char *name = arena_printf(&s->arena, "%s/%s", s->env.id, names[i]);
		const char *trash = arena_printf(&s->arena, "trash/%s.%s.%lld", s->env.id, names[i],
						 (long long)time(NULL));

		if (s->options->purge)
			r = volume_ensure_no(s->host.pool, name, err);
		else
			r = volume_move(s->host.pool, name, trash, err);
		if (r < 0)
			return -1;
		*kept += !s->options->purge;
	}
	return file_remove(AT_FDCWD, folder, err);
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

/* A supervisor that was told to stop still has its lock for a moment. */
static int wait_for_supervisor(struct session *s, struct error *err)
{
	const char *path = record_path(&s->arena, &s->host, s->env.id, "supervisor.lock");
	AUTO(fd) int lock = -1;

	if (!file_exists(path))
		return 0;
	return file_lock(path, true, &lock, err);
}

int destroy_environment(struct session *s, size_t *kept, struct error *err)
{
	const char *log = arena_printf(&s->arena, "%s/%s", s->host.log, s->env.id);
	struct environment *all;
	size_t n;

	if (stop(s, err) < 0 || wait_for_supervisor(s, err) < 0 ||
	    remove_volumes(s, kept, err) < 0 || remove_scratch(s, s->host.scratch, err) < 0 ||
	    record_remove(&s->host, s->env.id, err) < 0 || file_remove(AT_FDCWD, log, err) < 0 ||
	    state_remove(s->state, s->env.id, err) < 0 ||
	    state_list(s->state, &s->arena, &all, &n, err) < 0)
		return -1;
	return n ? 0 : unmount_all(s, err);
}

static int confirm(const struct session *s, struct error *err)
{
	char line[64] = "";

	if (s->options->yes)
		return 0;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return fail(err, ERROR_INPUT, "destroy of \"%s\" has to be confirmed: --yes",
			    s->env.name);
	fprintf(stderr, "Destroy \"%s\" of %s%s? [y/N] ", s->env.name, s->env.project,
		s->options->purge ? ", WITH ALL ITS DATA" : " (its data goes to the trash)");
	if (!fgets(line, sizeof(line), stdin) || (*line != 'y' && *line != 'Y'))
		return fail(err, ERROR_INTERRUPTED, "nothing was changed");
	return 0;
}

int cmd_destroy(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	const struct options *options = ctx;
	size_t kept;

	(void)argc;
	(void)argv;
	if (session_open(&s, options, err) < 0 || host_need_root("destroy", err) < 0 ||
	    session_environment(&s, err) < 0 || confirm(&s, err) < 0 ||
	    session_need_state(&s, "destroy", err) < 0 || destroy_environment(&s, &kept, err) < 0)
		return -1;
	if (options->quiet)
		return 0;
	fprintf(stderr, "%s is gone", s.env.name);
	if (kept)
		fprintf(stderr, "; %zu volume%s in %s/trash", kept, kept == 1 ? "" : "s",
			s.host.pool);
	fputc('\n', stderr);
	return 0;
}
