/*
 * world_change.c - what happens to a container that runs
 */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "manifests/recipe.h"
#include "orchestrator/lower.h"
#include "orchestrator/trash.h"
#include "orchestrator/world.h"
#include "runtime/cgroup.h"
#include "runtime/idmap.h"
#include "runtime/init.h"
#include "runtime/swap.h"
#include "runtime/volume.h"

#define STOP_MS 120000 /* for all processes of a container to end by themselves */
#define INIT_MS 10000  /* for orch-init to answer at first */

/* Until readable or the time is over; false then. */
#define MAX_RESTARTS \
	6 /* of one process, before its container is ready: about 10 s of waiting in between */

static bool wait_readable(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return TEMP_FAILURE_RETRY(poll(&p, 1, timeout_ms)) > 0;
}

int world_stop(void *ctx, const char *name, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	struct world *w = ctx;
	const char *group = world_cgroup(&arena, w, name);
	struct live *l = world_find(w, name);
	struct error ignored;

	if (l && container_alive(&l->c)) {
		if (l->released && init_command(&l->c, "stop", &ignored) == 0)
			(void)wait_readable(l->c.pidfd, STOP_MS);
		container_kill(&l->c);
	}
	if (l) {
		(void)waitpid(l->c.pid, NULL, WNOHANG);
		container_release(&l->c);
		l->released = false;
	}
	if (cgroup_kill(group, err) < 0 || cgroup_ensure_no(group, err) < 0)
		return -1;
	return 0;
}

int world_discard(void *ctx, const char *name, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const struct world *w = ctx;

	if (!pool_mounted(w->host.pool) ||
	    !volume_exists(w->host.pool, world_volume(&arena, w, name)))
		return 0;
	return trash_put(&w->host, w->env.id, name, (int64_t)time(NULL), err);
}

/* Mounts below /app, which the new image has to carry: it was built with their folders. */
static const char *const *submounts(struct arena *arena, const struct json_t *wanted)
{
	size_t n;
	const char **paths = json_keys(arena, json_get(wanted, "mounts"), &n);

	for (size_t i = 0; i < n; i++)
		paths[i] = arena_printf(arena, "app/%s", paths[i]);
	paths[n] = NULL;
	return paths;
}

static int swap_code(struct world *w, struct live *l, const struct json_t *wanted,
		     struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *digest = json_text(json_path(wanted, "code", "image", NULL), "");
	AUTO(fd) int userns = -1;
	AUTO(fd) int tree = -1;

	if (idmap_open(l->first_id, &userns, err) < 0 ||
	    world_code_tree(w, digest, userns, &tree, err) < 0)
		return -1;
	return swap_mount(&l->c, "/app", tree, submounts(&arena, wanted), err);
}

static int put_file(int folder, const char *name, const char *text, uint32_t owner, mode_t mode,
		    struct error *err)
{
	if (file_write(folder, name, text, strlen(text), mode, false, err) < 0)
		return -1;
	if (fchownat(folder, name, owner, owner, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_errno(err, "chown %s", name);
	return 0;
}

/* What the container's own programs may read of its limits. */
static int write_facts(const struct world *w, const struct live *l,
		       const struct image_description *image, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(fd) int etc = container_open_folder(&l->c, "/run/etc", err);
	const struct lower_input in = {
		.contract = { .desired = w->desired, .container = l->name, .image = image },
		.image = image,
	};

	return etc < 0
		? -1
		: put_file(etc, "config.json", lower_config(&arena, &in), l->first_id, 0644, err);
}

int world_change(void *ctx, const char *name, const struct json_t *wanted, unsigned effects,
		 struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	struct world *w = ctx;
	struct live *l = world_find(w, name);
	const struct image_description *image =
		world_image(w, json_get_text(wanted, "base", ""), err);
	struct cgroup_limits limits;
	uint32_t uid, gid;

	if (!image || lower_user(image, image->user, &uid, &gid) < 0)
		return -1;
	if (effects & EFFECT_LIVE) {
		uint64_t disk = (uint64_t)json_get_number(wanted, "disk", 0);

		lower_limits(wanted, &limits);
		if (cgroup_ensure(world_cgroup(&arena, w, name), &limits, err) < 0 ||
		    write_facts(w, l, image, err) < 0)
			return -1;
		if (disk &&
		    volume_ensure(w->host.pool, world_volume(&arena, w, name), uid, gid,
				  disk * 1000000, NULL, err) < 0)
			return -1;
	}
	return effects & EFFECT_SWAP ? swap_code(w, l, wanted, err) : 0;
}

/* orch-init makes its socket and status right after it was released. */
static int first_status(struct world *w, struct live *l, struct init_status *status,
			struct arena *arena, struct error *err)
{
	char drop[4096];

	for (int tries = 0; init_status_read(arena, &l->c, status, err) < 0; tries++) {
		if (!container_alive(&l->c))
			return fail(err, ERROR_SYSTEM, "orch-init ended at once");
		if (tries == INIT_MS / 100)
			return -1;
		if (wait_readable(w->statuses, 100))
			(void)!read(w->statuses, drop, sizeof(drop));
	}
	return 0;
}

static int remove_others(int folder, const struct lowered *lowered, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char **names;
	size_t n;

	if (file_list(&arena, arena_printf(&arena, "/proc/self/fd/%d", folder), &names, &n, err) <
	    0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		bool wanted = false;

		for (size_t k = 0; k < lowered->n_secrets; k++)
			wanted |= !strcmp(names[i], lowered->secrets[k].name);
		if (!wanted && file_remove(folder, names[i], err) < 0)
			return -1;
	}
	return 0;
}

/*
 * Each readable by the app's user alone; what was there before and isn't wanted any more is removed. The app can
 * write to /run, so the folder has to be the container's root's.
 */
static int write_secrets(const struct live *l, const struct lowered *lowered, struct error *err)
{
	AUTO(fd) int run = container_open_folder(&l->c, "/run", err);
	AUTO(fd) int folder = -1;
	uint32_t uid = l->first_id + lowered->uid, gid = l->first_id + lowered->gid;
	struct stat st;

	if (run < 0)
		return -1;
	if (!lowered->n_secrets && fstatat(run, "secrets", &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (mkdirat(run, "secrets", 0755) == 0 &&
	    fchownat(run, "secrets", l->first_id, l->first_id, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_errno(err, "chown /run/secrets");
	folder = openat(run, "secrets", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0 || fstat(folder, &st) < 0 || st.st_uid != l->first_id)
		return !lowered->n_secrets
			? 0
			: fail(err, ERROR_SYSTEM, "/run/secrets is something of the app's own");
	for (size_t i = 0; i < lowered->n_secrets; i++) {
		const struct lowered_file *f = &lowered->secrets[i];

		if (file_write(folder, f->name, f->text, strlen(f->text), 0400, false, err) < 0)
			return -1;
		if (fchownat(folder, f->name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
			return fail_errno(err, "chown %s", f->name);
	}
	return remove_others(folder, lowered, err);
}

static int write_files(const struct live *l, const struct lowered *lowered, struct error *err)
{
	AUTO(fd) int etc = container_open_folder(&l->c, "/run/etc", err);
	AUTO(fd) int own = etc < 0 ? -1 : container_open_folder(&l->c, "/run/orch", err);

	if (own < 0)
		return -1;
	if (put_file(etc, "hosts", lowered->hosts, l->first_id, 0644, err) < 0 ||
	    put_file(etc, "resolv.conf", lowered->resolv, l->first_id, 0644, err) < 0 ||
	    put_file(etc, "hostname", lowered->hostname, l->first_id, 0644, err) < 0 ||
	    put_file(etc, "config.json", lowered->facts, l->first_id, 0644, err) < 0 ||
	    put_file(own, "config.json", lowered->config, l->first_id, 0600, err) < 0)
		return -1;
	if (write_secrets(l, lowered, err) < 0)
		return -1;
	return init_write_spec(&l->c, &lowered->init, l->first_id, err);
}

int world_prepare(struct world *w, struct arena *arena, const struct json_t *desired,
		  const struct json_t *record, const char *name, struct init_status *status,
		  struct lowered *lowered, struct error *err)
{
	struct live *l = world_find(w, name);

	if (!l)
		return fail(err, ERROR_SYSTEM, "isn't running");
	if (first_status(w, l, status, arena, err) < 0 ||
	    world_lower(w, arena, desired, record, name, lowered, err) < 0)
		return -1;
	return write_files(l, lowered, err);
}

int world_activate(void *ctx, const char *name, const struct json_t *desired,
		   const struct json_t *record, const char *how, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	struct world *w = ctx;
	struct live *l = world_find(w, name);
	struct lowered lowered;
	struct init_status status = { 0 };

	if (world_prepare(w, &arena, desired, record, name, &status, &lowered, err) < 0)
		return -1;
	l->epoch = status.epoch;
	l->told = true;
	/* A process that never started can't be told to reload. */
	if (status.state == INIT_WAITING)
		how = "start";
	else if (status.state == INIT_FAILED)
		how = "restart";
	return init_command(&l->c, how, err);
}

/* A process that doesn't live won't get ready. */
static int check_restarts(const char *name, const struct init_status *status, struct error *err)
{
	for (size_t i = 0; i < status->n; i++)
		if (status->processes[i].restarts >= MAX_RESTARTS)
			return fail(err, ERROR_SYSTEM,
				    "%s ended %u times (exit %d); see orch logs %s",
				    status->processes[i].name, status->processes[i].restarts,
				    status->processes[i].last_exit, name);
	return 0;
}

int world_ready(void *ctx, const char *name, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const struct world *w = ctx;
	struct live *l = world_find(w, name);
	struct init_status status;

	if (!l || !container_alive(&l->c))
		return fail(err, ERROR_SYSTEM, "ended while it was starting; see orch logs %s",
			    name);
	if (init_status_read(&arena, &l->c, &status, err) < 0)
		return -1;
	if (l->told && status.epoch == l->epoch)
		return 0; /* hasn't taken the command yet */
	switch (status.state) {
	case INIT_STARTING:
		return check_restarts(name, &status, err);
	case INIT_WAITING:
	case INIT_STOPPING:
		return 0;
	case INIT_READY:
		return 1;
	case INIT_FAILED:
		return fail(err, ERROR_SYSTEM, "%s; see orch logs %s", status.why, name);
	}
	abort();
}

bool world_cancelled(void *ctx)
{
	struct world *w = ctx;
	struct pollfd p = { .fd = w->cancel, .events = POLLIN };
	char drop[64];

	if (poll(&p, 1, 0) <= 0)
		return false;
	if (read(w->cancel, drop, sizeof(drop)) > 0)
		return true;
	w->cancel = -1; /* the client is gone; what it asked for goes on */
	return false;
}

static int watch_all(struct world *w, struct error *err)
{
	struct error ignored;

	for (size_t i = 0; i < w->n; i++)
		if (w->lives[i].released &&
		    init_watch(&w->lives[i].c, &w->statuses, &ignored) < 0 &&
		    container_alive(&w->lives[i].c)) {
			*err = ignored;
			return -1;
		}
	return 0;
}

int world_wait(void *ctx, unsigned ms, struct error *err)
{
	struct world *w = ctx;
	AUTO(arena) struct arena arena = { 0 };
	struct pollfd *fds = arena_array(&arena, w->n + 3, sizeof(*fds));
	bool fresh = w->statuses < 0;
	nfds_t n = 0;
	char drop[4096];

	if (fresh && watch_all(w, err) < 0)
		return -1;
	fds[n++] = (struct pollfd){ .fd = w->cancel, .events = POLLIN };
	fds[n++] = (struct pollfd){ .fd = w->door, .events = POLLIN };
	fds[n++] = (struct pollfd){ .fd = w->statuses, .events = POLLIN };
	for (size_t i = 0; i < w->n; i++)
		if (w->lives[i].released)
			fds[n++] = (struct pollfd){ .fd = w->lives[i].c.pidfd, .events = POLLIN };
	/* What changed before it was watched has to be looked at again. */
	if (fresh)
		ms = 0;
	if (poll(fds, n, (int)ms) < 0 && errno != EINTR)
		return fail_errno(err, "poll");
	if (world_cancelled(w))
		return fail(err, ERROR_INTERRUPTED, "interrupted");
	if ((fds[1].revents & POLLIN) && w->knock(w->event_ctx)) {
		w->left = true;
		return fail(err, ERROR_CONFLICT, "another command took over");
	}
	if (fds[2].revents)
		(void)!read(w->statuses, drop, sizeof(drop));
	return 0;
}
