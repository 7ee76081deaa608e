#include "orchestrator/build_box.h"

#include <fcntl.h>
#include <string.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "images/mount.h"
#include "netplan/links.h"
#include "netplan/rules.h"
#include "orchestrator/inside.h"
#include "orchestrator/lower.h"
#include "orchestrator/session.h"
#include "orchestrator/world.h"
#include "runtime/cgroup.h"
#include "runtime/idmap.h"
#include "runtime/mounts.h"

#define TMP_SIZE (UINT64_C(8) << 30)
#define RUN_SIZE (1u << 20)
#define ADDRESS (NET_CONTAINERS + 2)
#define BOX_MOUNTS 6
#define UPLINK_TRIES 8

struct box {
	struct session *s;
	const struct box_spec *spec;
	const char *group, *uplink;
	uint32_t first;
	int userns, router, init;
	struct container_mount mounts[BOX_MOUNTS];
	size_t n;
	struct container c;
	uint32_t resolvers[3];
	size_t n_resolvers;
};

static char *group_of(struct session *s, const char *app)
{
	return arena_printf(&s->arena, "%s/%s/build.%s", s->host.cgroups, s->env.id, app);
}

static char *uplink_of(struct session *s, const char *app)
{
	return world_uplink(&s->arena, &s->host,
			    arena_printf(&s->arena, "%s/build.%s", s->env.id, app));
}

int box_remove(struct session *s, const char *app, struct error *err)
{
	if (cgroup_kill(group_of(s, app), err) < 0 ||
	    rules_ensure_no_host(uplink_of(s, app), err) < 0 ||
	    links_ensure_no_uplink(uplink_of(s, app), err) < 0)
		return -1;
	return cgroup_ensure_no(group_of(s, app), err);
}

static int add(struct box *b, int r, int tree, const char *target)
{
	if (r == 0)
		b->mounts[b->n++] = (struct container_mount){ .tree = tree, .target = target };
	return r;
}

static int add_clone(struct box *b, const char *path, unsigned flags, const char *target,
		     struct error *err)
{
	int tree, r = mounts_clone(path, b->userns, flags, &tree, err);

	return add(b, r, tree, target);
}

/* /run with what would be generated for a container, of which a build needs the names only. */
static int add_run(struct box *b, struct error *err)
{
	AUTO(text) struct text resolv = { 0 };
	const char *hosts = "127.0.0.1 localhost build\n";
	char address[16];
	int tree;

	for (size_t i = 0; i < b->n_resolvers; i++)
		text_printf(&resolv, "nameserver %s\n", net_print(address, b->resolvers[i]));
	if (mounts_tmpfs(RUN_SIZE, b->first, 01777, &tree, err) < 0)
		return -1;
	(void)add(b, 0, tree, "run");
	if (mounts_put_folder(tree, "orch", b->first, b->first, 0700, err) < 0 ||
	    mounts_put_folder(tree, "etc", b->first, b->first, 0755, err) < 0 ||
	    mounts_put_file(tree, "etc/hosts", hosts, strlen(hosts), b->first, b->first, 0644,
			    err) < 0 ||
	    mounts_put_file(tree, "etc/hostname", "build\n", 6, b->first, b->first, 0644, err) < 0)
		return -1;
	return mounts_put_file(tree, "etc/resolv.conf", text_get(&resolv), resolv.size, b->first,
			       b->first, 0644, err);
}

static int add_tmp(struct box *b, struct error *err)
{
	int tree;

	if (mounts_tmpfs(TMP_SIZE, b->first, 01777, &tree, err) < 0)
		return -1;
	(void)add(b, 0, tree, "tmp");
	if (mounts_put_folder(tree, "cache", b->first, b->first, 0755, err) < 0)
		return -1;
	return add_clone(b, b->spec->cache, MOUNTS_WRITABLE, "tmp/cache", err);
}

static int add_mounts(struct box *b, struct error *err)
{
	const char *dev = b->s->host.dev;

	if (mounts_ensure_dev(dev, err) < 0 ||
	    add_clone(b, dev, MOUNTS_DEVICES | MOUNTS_WRITABLE, "dev", err) < 0 ||
	    add_run(b, err) < 0 || add_tmp(b, err) < 0)
		return -1;
	return add_clone(b, b->spec->folder, MOUNTS_WRITABLE, "app", err);
}

static int make_container(struct box *b, struct error *err)
{
	static const char *const argv[] = { "orch-init", NULL };
	static const char *const envp[] = { NULL };
	struct cgroup_entry cgroup = CGROUP_ENTRY_NONE;
	struct container_spec spec = {
		.name = "build",
		.hostname = "build",
		.mounts = b->mounts,
		.userns = b->userns,
		.cgroup = &cgroup,
		.program = b->init,
		.argv = argv,
		.envp = envp,
		.stderr_fd = -1,
	};
	struct cgroup_limits limits = { .pids = 4096 };
	AUTO(fd) int root = -1;
	const char *path;
	int r;

	if (image_mount_ensure(&b->s->arena, b->s->host.images, b->s->host.mounts, b->spec->base,
			       &path, err) < 0 ||
	    mounts_clone(path, b->userns, 0, &root, err) < 0 || add_mounts(b, err) < 0)
		return -1;
	spec.root = root;
	spec.n_mounts = b->n;
	if (cgroup_ensure(b->group, &limits, err) < 0 || cgroup_open(b->group, &cgroup, err) < 0)
		return -1;
	r = container_create(&spec, &b->c, err);
	cgroup_close(&cgroup);
	return r;
}

/* As in world_net.c: another build or environment may take the address that was free. */
static int ensure_uplink(struct box *b, struct net_plan *plan, struct error *err)
{
	for (int tries = 0; tries < UPLINK_TRIES; tries++) {
		int r;

		plan->uplink = links_free_uplink(NET_UPLINKS + 2, err);
		if (!plan->uplink)
			return -1;
		r = links_ensure_uplink(b->router, plan, err);
		if (r != LINKS_TAKEN)
			return r;
		if (links_ensure_no_uplink(plan->id, err) < 0)
			return -1;
	}
	return fail(err, ERROR_CONFLICT, "others took each free address of an uplink; try again");
}

static int link_up(struct box *b, struct error *err)
{
	const struct net_member member = { .name = "build", .address = ADDRESS, .egress = true };
	struct net_plan plan = {
		.id = b->uplink,
		.members = &member,
		.n_members = 1,
		.resolvers = b->resolvers,
		.n_resolvers = b->n_resolvers,
	};

	if (links_make_router(&b->router, err) < 0 || ensure_uplink(b, &plan, err) < 0 ||
	    links_ensure_member(b->router, b->c.netns_fd, &member, err) < 0 ||
	    rules_ensure_router(b->router, &plan, err) < 0)
		return -1;
	return rules_ensure_host(&plan, err);
}

/* One of the three: the image's hooks by name, or the app's script. */
static int run_step(struct box *b, const char *hook, bool as_root, struct error *err)
{
	const struct box_spec *spec = b->spec;
	const char *const argv[] = { arena_printf(&b->s->arena, "/etc/orch/hooks/%s", hook), NULL };
	struct inside_spec inside = {
		.c = &b->c,
		.cgroup = b->group,
		.argv = hook ? argv : lower_script(&b->s->arena, spec->script),
		.env = lower_build_env(&b->s->arena, spec->image, spec->env),
		.folder = !hook && spec->within
			? arena_printf(&b->s->arena, "/app/%s", spec->within)
			: "/app",
		.input = hook ? spec->config : NULL,
		.line = spec->line,
		.ctx = spec->ctx,
	};

	if (!as_root && lower_user(spec->image, spec->image->user, &inside.uid, &inside.gid) < 0)
		return fail(err, ERROR_SYSTEM, "the image has no user %s", spec->image->user);
	if (inside_run(&inside, err) < 0)
		return hook	      ? fail_in(err, "%s of the image", hook)
			: spec->plain ? -1
				      : fail_in(err, "build hook");
	return 0;
}

static int run_steps(struct box *b, struct error *err)
{
	const struct box_spec *spec = b->spec;

	/* The tools of a build may need what is generated in /run. */
	if (spec->image->build &&
	    ((spec->image->configure && run_step(b, "configure", true, err) < 0) ||
	     (!spec->plain && run_step(b, "build", false, err) < 0)))
		return -1;
	return spec->script && *spec->script ? run_step(b, NULL, false, err) : 0;
}

static int run(struct box *b, struct error *err)
{
	const struct host *h = &b->s->host;
	const char *range = arena_printf(&b->s->arena, "build.%s", b->spec->name);

	b->n_resolvers = links_resolvers("/etc/resolv.conf", b->resolvers, 3);
	if (!b->n_resolvers)
		b->n_resolvers =
			links_resolvers("/run/systemd/resolve/resolv.conf", b->resolvers, 3);
	b->init = open(h->init, O_RDONLY | O_CLOEXEC);
	if (b->init < 0)
		return fail_errno(err, "open %s", h->init);
	if (state_id_range(b->s->state, b->s->env.id, range, &b->first, err) < 0 ||
	    idmap_open(b->first, &b->userns, err) < 0 || make_container(b, err) < 0 ||
	    link_up(b, err) < 0 || container_exec(&b->c, err) < 0)
		return -1;
	return run_steps(b, err);
}

int box_run(struct session *s, const struct box_spec *spec, struct error *err)
{
	struct box b = {
		.s = s,
		.spec = spec,
		.group = group_of(s, spec->name),
		.uplink = uplink_of(s, spec->name),
		.userns = -1,
		.router = -1,
		.init = -1,
		.c = CONTAINER_NONE,
	};
	struct error ignored;
	int r;

	if (box_remove(s, spec->name, err) < 0)
		return -1;
	r = run(&b, err);
	container_kill(&b.c);
	container_release(&b.c);
	for (size_t i = 0; i < b.n; i++)
		auto_fd(&b.mounts[i].tree);
	auto_fd(&b.userns);
	auto_fd(&b.init);
	auto_fd(&b.router);
	if (box_remove(s, spec->name, r < 0 ? &ignored : err) < 0)
		return -1;
	return r;
}
