#include "orchestrator/world.h"

#include <fcntl.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "images/squash.h"
#include "images/store.h"
#include "manifests/recipe.h"
#include "netplan/links.h"
#include "orchestrator/project.h"
#include "orchestrator/record.h"
#include "runtime/init.h"

/* Images described once: a base rarely changes, and is shared by containers. */
struct known_image {
	const char *digest;
	struct image_description image;
	struct known_image *next;
};

static struct known_image *known; /* lives for the process; one environment each */
static struct arena known_arena;

const struct image_description *world_image(struct world *w, const char *digest, struct error *err)
{
	struct problems problems = { .arena = &known_arena };
	struct known_image *k;
	char *text;
	size_t size;
	int r;

	for (k = known; k; k = k->next)
		if (!strcmp(k->digest, digest))
			return &k->image;
	r = squash_read_file(&known_arena, store_path(&known_arena, w->host.images, digest),
			     "etc/orch/image.yaml", 1 << 20, &text, &size, err);
	if (r < 0)
		return NULL;
	if (r == SQUASH_ABSENT) {
		fail(err, ERROR_SYSTEM, "image %.12s has no /etc/orch/image.yaml", digest);
		return NULL;
	}
	k = arena_new(&known_arena, struct known_image);
	k->digest = arena_strdup(&known_arena, digest);
	if (image_description_parse(&problems, "image.yaml", text, size, &k->image, err) < 0)
		return NULL;
	if (problems.errors) {
		fail(err, ERROR_SYSTEM, "image %.12s: image.yaml:%u: %s", digest,
		     problems.items[0]->at.line, problems.items[0]->text);
		return NULL;
	}
	k->next = known;
	known = k;
	return &k->image;
}

char *world_cgroup(struct arena *arena, const struct world *w, const char *container)
{
	return arena_printf(arena, "%s/%s%s%s", w->host.cgroups, w->env.id, container ? "/" : "",
			    container ? container : "");
}

char *world_uplink(struct arena *arena, const struct host *host, const char *environment)
{
	const char *both = arena_printf(arena, "%s\n%s", host->root, environment);

	return arena_printf(arena, "orch%s", project_hash(arena, both, 10));
}

char *world_volume(struct arena *arena, const struct world *w, const char *container)
{
	return arena_printf(arena, "%s/%s", w->env.id, container);
}

char *world_log(struct arena *arena, const struct world *w, const char *container)
{
	return arena_printf(arena, "%s/%s%s%s", w->host.log, w->env.id, *container ? "/" : "",
			    container);
}

struct live *world_find(const struct world *w, const char *name)
{
	for (size_t i = 0; i < w->n; i++)
		if (!strcmp(w->lives[i].name, name))
			return &w->lives[i];
	return NULL;
}

bool world_alive(void *ctx, const char *name)
{
	const struct live *l = world_find(ctx, name);

	return l && l->released && container_alive(&l->c);
}

static int adopt(struct world *w, const char *name, const struct json_t *entry, struct error *err)
{
	pid_t pid = (pid_t)json_get_number(entry, "pid", 0);
	struct container c = CONTAINER_NONE;
	struct live *l;
	int r;

	if (pid <= 0)
		return 0;
	r = container_adopt(pid, (uint64_t)json_get_number(entry, "start_time", 0), &c, err);
	if (r < 0)
		return fail_in(err, "%s", name);
	if (r == CONTAINER_GONE)
		return 0;
	w->lives = arena_grow(&w->arena, w->lives, w->n, &w->room, sizeof(*w->lives));
	l = &w->lives[w->n++];
	*l = (struct live){
		.name = arena_strdup(&w->arena, name),
		.c = c,
		.first_id = (uint32_t)json_get_number(entry, "first_id", 0),
		/* One that hadn't come to run is no use; whoever creates it anew kills it first. */
		.released = json_get_flag(entry, "made", false),
	};
	return 0;
}

static void copy_environment(struct arena *arena, const struct environment *env,
			     struct environment *out)
{
	*out = *env;
	out->id = arena_strdup(arena, env->id);
	out->project = arena_strdup(arena, env->project);
	out->project_id = arena_strdup(arena, env->project_id);
	out->folder = arena_strdup(arena, env->folder);
	out->name = arena_strdup(arena, env->name);
	out->type = arena_strdup(arena, env->type);
	out->publish_address = arena_strdup(arena, env->publish_address);
	out->parent = arena_strdup(arena, env->parent ? env->parent : "");
	out->title = arena_strdup(arena, env->title ? env->title : "");
	out->restoring = arena_strdup(arena, env->restoring ? env->restoring : "");
	out->fallback = arena_strdup(arena, env->fallback ? env->fallback : "");
}

int world_open(struct world *w, const struct host *host, struct state *state,
	       const struct environment *env, const struct json_t *record, struct error *err)
{
	struct world new = WORLD_NONE;
	const struct json_t *containers = json_get(record, "containers");
	const char **names;
	size_t n;

	new.host = *host;
	new.state = state;
	copy_environment(&new.arena, env, &new.env);
	new.init = open(host->init, O_RDONLY | O_CLOEXEC);
	*w = new;
	if (w->init < 0) {
		fail_errno(err, "open %s", host->init);
		goto undo;
	}
	if (state_entropy(state, &w->arena, env->project_id, &w->entropy, err) < 0)
		goto undo;
	if (links_open_pinned(record_path(&w->arena, host, env->id, "router"), &w->router, err) < 0)
		goto undo;
	w->n_resolvers = links_resolvers("/etc/resolv.conf", w->resolvers,
					 sizeof(w->resolvers) / sizeof(w->resolvers[0]));
	if (!w->n_resolvers)
		w->n_resolvers = links_resolvers("/run/systemd/resolve/resolv.conf", w->resolvers,
						 sizeof(w->resolvers) / sizeof(w->resolvers[0]));
	names = json_keys(&w->arena, containers, &n);
	for (size_t i = 0; i < n; i++)
		if (adopt(w, names[i], json_get(containers, names[i]), err) < 0)
			goto undo;
	return 0;
undo:
	world_close(w);
	return -1;
}

void world_rest(struct world *w)
{
	auto_fd(&w->statuses);
}

void world_close(struct world *w)
{
	for (size_t i = 0; i < w->n; i++)
		container_release(&w->lives[i].c);
	world_rest(w);
	auto_fd(&w->router);
	auto_fd(&w->init);
	arena_clear(&w->arena);
	*w = WORLD_NONE;
}

static int save(void *ctx, struct json_t *record, struct error *err)
{
	const struct world *w = ctx;

	return record_save(&w->host, w->env.id, record, err);
}

static void event(void *ctx, const char *what, const char *name, const char *detail, uint64_t ms)
{
	const struct world *w = ctx;

	if (w->event)
		w->event(w->event_ctx, what, name, detail, ms);
}

static uint64_t now_ms(void *ctx)
{
	(void)ctx;
	return clock_ms();
}

struct backend world_backend(struct world *w)
{
	return (struct backend){
		.ctx = w,
		.save = save,
		.stop = world_stop,
		.discard = world_discard,
		.network = world_network,
		.create = world_create,
		.release = world_release,
		.rules = world_rules,
		.change = world_change,
		.activate = world_activate,
		.ready = world_ready,
		.explain = world_explain,
		.wait = world_wait,
		.open = world_ask,
		.hook = world_hook,
		.event = event,
		.now_ms = now_ms,
	};
}
