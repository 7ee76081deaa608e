#include "orchestrator/build.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "images/squash.h"
#include "images/store.h"
#include "manifests/manifest.h"
#include "orchestrator/build_box.h"
#include "orchestrator/build_cache.h"
#include "orchestrator/lower.h"
#include "orchestrator/session.h"

char *build_scratch(struct session *s, const struct app *app)
{
	return arena_printf(&s->arena, "%s/%s.%s", s->host.scratch, s->env.id, app->name);
}

static bool has_path(const struct json_t *paths, const char *path)
{
	for (size_t i = 0; i < json_count(paths); i++)
		if (!strcmp(json_text(json_at(paths, i), ""), path))
			return true;
	return false;
}

static void add_paths(struct json_t *paths, const struct mount *mounts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!has_path(paths, mounts[i].path))
			json_add(paths, json_new_text(mounts[i].path));
}

/* Of all containers of the app: they have one image. */
static struct json_t *mount_paths(const struct app *app)
{
	struct json_t *paths = json_new_list();

	add_paths(paths, app->mounts, app->n_mounts);
	for (size_t i = 0; i < app->n_workers; i++)
		add_paths(paths, app->workers[i].mounts, app->workers[i].n_mounts);
	return paths;
}

/* PLATFORM_APPLICATION also says what only matters at run time: a new relationship is no new build. */
static void identify(struct session *s, const struct build_spec *spec, struct built *out)
{
	AUTO(json) struct json_t *all = json_new_map();
	struct json_t *env = json_put(all, "env", json_copy_deep(spec->identity_env));
	static const char *const parts[] = { "build", "dependencies", "runtime" };
	const char *text;

	json_put_number(all, "format", 2);
	json_put_text(all, "tree", spec->tree);
	json_put_text(all, "base", spec->base);
	json_put_text(all, "hook", spec->app->build);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		json_put(all, parts[i], json_copy_deep(json_get(spec->app->document, parts[i])));
	json_drop(env, "PLATFORM_APPLICATION");
	json_drop(env, "PLATFORM_PROJECT_ENTROPY"); /* the project's, for its life */
	json_put(all, "mounts", mount_paths(spec->app));
	text = json_print(&s->arena, all, FORM_CANONICAL);
	sha256_of(text, strlen(text), out->identity);
}

int build_find(struct session *s, const struct build_spec *spec, struct built *out,
	       struct error *err)
{
	AUTO(json) struct json_t *facts = NULL;
	int r;

	*out = (struct built){ .reused = true };
	identify(s, spec, out);
	r = store_find(s->host.images, arena_printf(&s->arena, "app-%s", out->identity), &facts,
		       err);
	if (r != 0)
		return r < 0 ? -1 : BUILD_ABSENT;
	snprintf(out->digest, sizeof(out->digest), "%s", json_get_text(facts, "digest", ""));
	return 0;
}

/* Mounts need a folder to be on, since the image is read-only. */
static int make_mount_points(struct session *s, const struct app *app, const char *folder,
			     struct error *err)
{
	AUTO(json) struct json_t *paths = mount_paths(app);

	for (size_t i = 0; i < json_count(paths); i++) {
		const char *mount = json_text(json_at(paths, i), "");
		const char *path = arena_printf(&s->arena, "%s/%s", folder, mount);
		struct stat st;

		/* A link in the way would lead out of the image. */
		if (lstat(path, &st) == 0 && !S_ISDIR(st.st_mode))
			return fail(err, ERROR_INPUT,
				    "mount %s: the app has something there that is not a folder",
				    mount);
		if (file_make_dirs(path, 0755, err) < 0)
			return -1;
	}
	return 0;
}

static int run_hook(struct session *s, const struct build_spec *spec, const char *folder,
		    uint32_t uid, uint32_t gid, struct error *err)
{
	const char *cache =
		arena_printf(&s->arena, "%s/%s.%s", s->host.cache, s->project.id, spec->app->name);
	const struct box_spec box = {
		.name = spec->app->name,
		.base = spec->base,
		.image = &spec->recipe->image,
		.folder = folder,
		.cache = cache,
		.env = spec->env,
		.config = spec->config,
		.script = spec->app->build,
		.line = spec->line,
		.ctx = spec->ctx,
	};

	if (file_make_dirs(cache, 0755, err) < 0)
		return -1;
	if (chown(cache, uid, gid) < 0)
		return fail_errno(err, "chown %s", cache);
	if (box_run(s, &box, err) < 0)
		return fail_in(err, "%s", spec->app->name);
	return 0;
}

static int pack(struct session *s, const struct build_spec *spec, const char *folder, uint32_t uid,
		uint32_t gid, struct built *out, struct error *err)
{
	const struct squash_options options = {
		.level = 3, .one_owner = true, .uid = uid, .gid = gid
	};
	const char *path =
		arena_printf(&s->arena, "%s/%s.%s.new", s->host.images, s->env.id, spec->app->name);
	AUTO(json) struct json_t *facts = json_new_map();

	if (unlink(path) < 0 && errno != ENOENT)
		return fail_errno(err, "remove %s", path);
	if (squash_pack(folder, path, &options, err) < 0 ||
	    store_add(s->host.images, path, out->digest, err) < 0) {
		(void)unlink(path);
		return -1;
	}
	json_put_text(facts, "digest", out->digest);
	json_put_text(facts, "app", spec->app->name);
	json_put_text(facts, "project", s->project.name);
	json_put_text(facts, "tree", spec->tree);
	json_put_text(facts, "base", spec->base);
	return store_name(s->host.images, arena_printf(&s->arena, "app-%s", out->identity), facts,
			  err);
}

/* What the caches watch may be changed by the build itself: it is looked at as the tree has it. */
static int run_with_caches(struct session *s, const struct build_spec *spec, const char *scratch,
			   const char *folder, uint32_t uid, uint32_t gid, struct error *err)
{
	const char *aside = arena_printf(&s->arena, "%s/aside", scratch);
	struct build_caches caches;

	if (!spec->recipe->image.build && (!spec->app->build || !*spec->app->build))
		return 0;
	if (build_caches_restore(s, spec, folder, aside, uid, gid, &caches, err) < 0 ||
	    run_hook(s, spec, folder, uid, gid, err) < 0)
		return -1;
	return build_caches_keep(&caches, err);
}

static int make(struct session *s, const struct build_spec *spec, const char *scratch,
		struct built *out, struct error *err)
{
	const char *folder = arena_printf(&s->arena, "%s/app", scratch);
	uint32_t uid, gid;

	if (lower_user(&spec->recipe->image, spec->recipe->image.user, &uid, &gid) < 0)
		return fail(err, ERROR_SYSTEM, "%s has no user %s", spec->recipe->type,
			    spec->recipe->image.user);
	if (file_remove(AT_FDCWD, folder, err) < 0 ||
	    project_export(&s->arena, &s->project, spec->tree, scratch, folder, err) < 0 ||
	    file_chown_tree(folder, uid, gid, err) < 0 ||
	    run_with_caches(s, spec, scratch, folder, uid, gid, err) < 0 ||
	    make_mount_points(s, spec->app, folder, err) < 0)
		return -1;
	return pack(s, spec, folder, uid, gid, out, err);
}

int build_make(struct session *s, const struct build_spec *spec, struct built *out,
	       struct error *err)
{
	const char *scratch = build_scratch(s, spec->app);
	struct error ignored;
	int r;

	out->reused = false;
	if (store_ensure(s->host.images, err) < 0)
		return -1;
	r = make(s, spec, scratch, out, err);
	if (file_remove(AT_FDCWD, scratch, r < 0 ? &ignored : err) < 0)
		return -1;
	return r;
}
