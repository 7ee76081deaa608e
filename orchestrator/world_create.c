/*
 * world_create.c - from a container's document to a process in its own namespaces
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "images/mount.h"
#include "manifests/recipe.h"
#include "netplan/links.h"
#include "orchestrator/lower.h"
#include "orchestrator/world.h"
#include "runtime/cgroup.h"
#include "runtime/idmap.h"
#include "runtime/init.h"
#include "runtime/mounts.h"
#include "runtime/volume.h"

#define RUN_SIZE (64u << 20)
#define TMP_SIZE     \
	(UINT64_C(8) \
	 << 30) /* what /tmp and tmp mounts may hold; counted as the container's memory */
#define MAX_MOUNTS 64

struct making {
	struct world *w;
	struct arena *arena;
	const char *name;
	const struct json_t *wanted;
	const struct image_description *image;
	uint32_t first, uid, gid; /* the range; inner ids of the image's user */
	int userns;
	struct container_mount mounts[MAX_MOUNTS];
	size_t n;
};

static int add_mount(struct making *m, int tree, const char *target, struct error *err)
{
	if (m->n == MAX_MOUNTS) {
		auto_fd(&tree);
		return fail(err, ERROR_INPUT, "more than %d mounts", MAX_MOUNTS);
	}
	m->mounts[m->n++] = (struct container_mount){ .tree = tree, .target = target };
	return 0;
}

static int add_clone(struct making *m, const char *path, unsigned flags, const char *target,
		     struct error *err)
{
	int tree;

	if (mounts_clone(path, m->userns, flags, &tree, err) < 0)
		return -1;
	return add_mount(m, tree, target, err);
}

static int add_tmpfs(struct making *m, uint64_t size, uint32_t owner, unsigned mode,
		     const char *target, struct error *err)
{
	int tree;

	if (mounts_tmpfs(size, owner, mode, &tree, err) < 0)
		return -1;
	return add_mount(m, tree, target, err);
}

int world_code_tree(struct world *w, const char *digest, int userns, int *tree, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *path;

	if (image_mount_ensure(&arena, w->host.images, w->host.mounts, digest, &path, err) < 0)
		return -1;
	return mounts_clone(path, userns, 0, tree, err);
}

static int add_image(struct making *m, const char *digest, const char *target, struct error *err)
{
	int tree;

	if (world_code_tree(m->w, digest, m->userns, &tree, err) < 0)
		return fail_in(err, "image %.12s", digest);
	return add_mount(m, tree, target, err);
}

/* /run: what is generated for this container. Only its root may look into /run/orch. */
static int add_run(struct making *m, struct error *err)
{
	int tree;

	if (mounts_tmpfs(RUN_SIZE, m->first, 01777, &tree, err) < 0)
		return -1;
	if (mounts_put_folder(tree, "orch", m->first, m->first, 0700, err) < 0 ||
	    mounts_put_folder(tree, "etc", m->first, m->first, 0755, err) < 0) {
		auto_fd(&tree);
		return -1;
	}
	return add_mount(m, tree, "run", err);
}

static int add_log(struct making *m, struct error *err)
{
	const char *folder = world_log(m->arena, m->w, m->name);

	if (file_make_dirs(folder, 0755, err) < 0)
		return -1;
	if (chmod(folder, 01777) < 0)
		return fail_errno(err, "chmod %s", folder);
	return add_clone(m, folder, MOUNTS_WRITABLE | MOUNTS_NOEXEC, "var/log", err);
}

/* A folder of the volume, whose content is the container's: no link in it is followed. */
static int make_in_volume(struct making *m, int volume, const char *path, struct error *err)
{
	AUTO(fd) int at = openat(volume, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *parts = arena_strdup(m->arena, path), *rest = parts, *part;

	while (at >= 0 && (part = strsep(&rest, "/"))) {
		AUTO(fd) int parent = TAKE_FD(at);

		if (!*part) {
			at = TAKE_FD(parent);
			continue;
		}
		if (mkdirat(parent, part, 0755) == 0) {
			if (fchownat(parent, part, m->uid, m->gid, AT_SYMLINK_NOFOLLOW) < 0)
				return fail_errno(err, "chown %s", path);
		} else if (errno != EEXIST) {
			return fail_errno(err, "make folder %s", path);
		}
		at = file_open_beneath(parent, part, O_RDONLY | O_DIRECTORY);
	}
	return at < 0 ? fail_errno(err, "open %s in the volume", path) : 0;
}

/* Of the container itself, or of a service whose files it shares: its top folder. */
static int ensure_volume(struct making *m, const char *owner, struct error *err)
{
	const struct json_t *document = strcmp(owner, m->name) != 0
		? json_path(m->w->desired, "containers", owner, NULL)
		: m->wanted;
	const struct host *h = &m->w->host;
	const char *volume = world_volume(m->arena, m->w, owner);
	uint64_t limit = (uint64_t)json_get_number(document, "disk", 0) * 1000000;

	int top;

	if (pool_ensure(h->pool, 0, err) < 0 ||
	    volume_ensure(h->pool, volume, m->uid, m->gid, limit, &top, err) < 0)
		return fail_in(err, "volume %s", volume);
	return top;
}

/* All of the volume, or a folder of it. */
static int add_volume(struct making *m, const char *owner, const char *folder, const char *target,
		      struct error *err)
{
	int tree = volume_tree(m->w->host.pool, world_volume(m->arena, m->w, owner), err);

	if (tree < 0)
		return -1;
	if (mounts_set(tree, m->userns, MOUNTS_WRITABLE, err) < 0) {
		auto_fd(&tree);
		return -1;
	}
	if (add_mount(m, tree, target, err) < 0)
		return -1;
	m->mounts[m->n - 1].folder = folder && *folder ? folder : NULL;
	return 0;
}

static int add_app_mount(struct making *m, int own, const char *path, const struct json_t *mount,
			 struct error *err)
{
	const char *target = arena_printf(m->arena, "app/%s", path);
	const char *owner = lower_mount_owner(m->name, mount);
	const char *folder = lower_mount_folder(m->arena, mount);
	AUTO(fd) int shared = -1;

	if (!strcmp(json_get_text(mount, "source", ""), "tmp"))
		return add_tmpfs(m, TMP_SIZE, m->first + m->uid, 0755, target, err);
	if (strcmp(owner, m->name) != 0) {
		shared = ensure_volume(m, owner, err);
		if (shared < 0)
			return -1;
	}
	if (make_in_volume(m, shared < 0 ? own : shared, folder, err) < 0)
		return -1;
	return add_volume(m, owner, folder + strspn(folder, "/"), target, err);
}

/* The keys are sorted: a parent comes before what is in it. */
static int add_app_mounts(struct making *m, struct error *err)
{
	const struct json_t *mounts = json_get(m->wanted, "mounts");
	AUTO(fd) int volume = -1;
	const char **paths;
	size_t n;

	if (json_get_number(m->wanted, "disk", 0) > 0) {
		volume = ensure_volume(m, m->name, err);
		if (volume < 0)
			return -1;
	}
	paths = json_keys(m->arena, mounts, &n);
	for (size_t i = 0; i < n; i++)
		if (add_app_mount(m, volume, paths[i], json_get(mounts, paths[i]), err) < 0)
			return fail_in(err, "mount %s", paths[i]);
	return 0;
}

static int add_data(struct making *m, struct error *err)
{
	AUTO(fd) int top = -1;

	if (m->image->app)
		return add_app_mounts(m, err);
	if (!m->image->data || json_get_number(m->wanted, "disk", 0) <= 0)
		return 0;
	top = ensure_volume(m, m->name, err);
	return top < 0 ? -1 : add_volume(m, m->name, NULL, m->image->data + 1, err);
}

static int add_all(struct making *m, struct error *err)
{
	const char *code = json_text(json_path(m->wanted, "code", "image", NULL), NULL);

	if (mounts_ensure_dev(m->w->host.dev, err) < 0 ||
	    add_clone(m, m->w->host.dev, MOUNTS_DEVICES | MOUNTS_WRITABLE, "dev", err) < 0 ||
	    add_run(m, err) < 0 || add_tmpfs(m, TMP_SIZE, m->first, 01777, "tmp", err) < 0 ||
	    add_log(m, err) < 0)
		return -1;
	if (code && add_image(m, code, "app", err) < 0)
		return -1;
	return add_data(m, err);
}

static struct live *add_live(struct world *w, const char *name, uint32_t first)
{
	struct live *l = world_find(w, name);

	if (!l) {
		w->lives = arena_grow(&w->arena, w->lives, w->n, &w->room, sizeof(*w->lives));
		l = &w->lives[w->n++];
		l->name = arena_strdup(&w->arena, name);
	}
	l->c = CONTAINER_NONE;
	l->released = false;
	l->first_id = first;
	l->epoch = 0;
	l->told = false;
	return l;
}

static int run_child(struct making *m, int root, struct json_t *entry, struct error *err)
{
	static const char *const argv[] = { "orch-init", NULL };
	static const char *const envp[] = { NULL };
	const char *group = world_cgroup(m->arena, m->w, m->name);
	struct cgroup_entry cgroup = CGROUP_ENTRY_NONE;
	struct container_spec spec = {
		.name = m->name,
		.hostname = m->name,
		.root = root,
		.mounts = m->mounts,
		.n_mounts = m->n,
		.userns = m->userns,
		.cgroup = &cgroup,
		.program = m->w->init,
		.argv = argv,
		.envp = envp,
		.stderr_fd = -1,
	};
	struct live *l = add_live(m->w, m->name, m->first);
	struct cgroup_limits limits;
	int r;

	lower_limits(m->wanted, &limits);
	if (cgroup_ensure(group, &limits, err) < 0 || cgroup_open(group, &cgroup, err) < 0)
		return -1;
	r = container_create(&spec, &l->c, err);
	cgroup_close(&cgroup);
	if (r < 0)
		return -1;
	json_put_number(entry, "pid", l->c.pid);
	json_put_number(entry, "start_time", (int64_t)l->c.start_time);
	json_put_number(entry, "first_id", m->first);
	json_put_number(entry, "since", (int64_t)time(NULL));
	return 0;
}

static int make(struct making *m, struct json_t *entry, struct error *err)
{
	const char *base = json_get_text(m->wanted, "base", "");
	AUTO(fd) int root = -1;

	m->image = world_image(m->w, base, err);
	if (!m->image)
		return -1;
	if (lower_user(m->image, m->image->user, &m->uid, &m->gid) < 0)
		return fail(err, ERROR_SYSTEM, "image %.12s has no user %s", base, m->image->user);
	if (state_id_range(m->w->state, m->w->env.id, m->name, &m->first, err) < 0 ||
	    idmap_open(m->first, &m->userns, err) < 0 ||
	    world_code_tree(m->w, base, m->userns, &root, err) < 0 || add_all(m, err) < 0)
		return -1;
	return run_child(m, root, entry, err);
}

int world_create(void *ctx, const char *name, const struct json_t *wanted, struct json_t *entry,
		 struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	struct making m = {
		.w = ctx, .arena = &arena, .name = name, .wanted = wanted, .userns = -1
	};
	int r;

	/* What a crash left of it. */
	if (world_stop(ctx, name, err) < 0)
		return -1;
	r = make(&m, entry, err);
	for (size_t i = 0; i < m.n; i++)
		auto_fd(&m.mounts[i].tree);
	auto_fd(&m.userns);
	return r;
}

int world_release(void *ctx, const char *name, struct error *err)
{
	struct world *w = ctx;
	struct live *l = world_find(w, name);
	struct net_member member = { .name = name };
	const char *address =
		json_text(json_path(w->desired, "containers", name, "address", NULL), "");

	if (!l || net_parse(address, &member.address) < 0)
		return fail(err, ERROR_SYSTEM, "not created");
	if (links_ensure_member(w->router, l->c.netns_fd, &member, err) < 0 ||
	    container_exec(&l->c, err) < 0)
		return -1;
	auto_fd(&l->c.netns_fd);
	l->released = true;
	return init_watch(&l->c, &w->statuses, err);
}
