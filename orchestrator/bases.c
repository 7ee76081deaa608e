#include "orchestrator/bases.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "images/base.h"
#include "images/squash.h"
#include "images/store.h"
#include "orchestrator/session.h"

static char *key_of(struct session *s, const char *type)
{
	return arena_printf(&s->arena, "base-%s", type);
}

/* What the recipe says, and the files below /etc that are generated for each container. */
static void lower_files(struct session *s, const struct recipe *r, struct base_recipe *out)
{
	static const struct base_file generated[] = {
		{ .path = "etc/hosts", .link = "/run/etc/hosts" },
		{ .path = "etc/hostname", .link = "/run/etc/hostname" },
		{ .path = "etc/resolv.conf", .link = "/run/etc/resolv.conf" },
	};
	struct base_file *files =
		arena_array(&s->arena, r->n_files + ARRAY_SIZE(generated), sizeof(*files));

	memcpy(files, generated, sizeof(generated));
	for (size_t i = 0; i < r->n_files; i++)
		files[ARRAY_SIZE(generated) + i] = (struct base_file){
			.path = r->files[i].path,
			.text = r->files[i].text,
			.link = r->files[i].link,
			.mode = r->files[i].mode,
		};
	out->files = files;
	out->n_files = r->n_files + ARRAY_SIZE(generated);
}

static void lower_users(struct session *s, const struct recipe *r, struct base_recipe *out)
{
	struct base_user *users = arena_array(&s->arena, r->image.n_users + 1, sizeof(*users));

	for (size_t i = 0; i < r->image.n_users; i++)
		users[i] = (struct base_user){
			.name = r->image.users[i].name,
			.uid = r->image.users[i].uid,
			.gid = r->image.users[i].gid,
			.home = r->image.users[i].home,
			.shell = r->image.users[i].shell,
		};
	out->users = users;
	out->n_users = r->image.n_users;
}

static void lower_folders(struct session *s, const struct recipe *r, struct base_recipe *out)
{
	static const char *const always[] = { "dev", "proc", "sys",	"run",	   "tmp",
					      "app", "mnt",  "var/log", "etc/orch" };
	const char **folders =
		arena_array(&s->arena, r->folders.n + ARRAY_SIZE(always) + 1, sizeof(*folders));
	size_t n = 0;

	for (; n < ARRAY_SIZE(always); n++)
		folders[n] = always[n];
	for (size_t i = 0; i < r->folders.n; i++)
		folders[n++] = r->folders.items[i];
	if (r->image.data)
		folders[n++] = r->image.data + 1;
	out->folders = folders;
	out->n_folders = n;
}

static struct base_recipe lower_recipe(struct session *s, const struct recipe *r)
{
	struct base_recipe out = {
		.type = r->type,
		.suite = r->suite,
		.packages = r->packages.items,
		.n_packages = r->packages.n,
		.remove = r->remove.items,
		.n_remove = r->remove.n,
		.image = r->image_text,
	};

	lower_files(s, r, &out);
	lower_users(s, r, &out);
	lower_folders(s, r, &out);
	return out;
}

int bases_find(struct session *s, const struct recipe *recipe, char digest[SHA256_HEX],
	       struct error *err)
{
	AUTO(json) struct json_t *facts = NULL;
	struct base_recipe lowered;
	char identity[SHA256_HEX];
	const char *had;
	int r = store_find(s->host.images, key_of(s, recipe->type), &facts, err);

	if (r != 0)
		return r < 0 ? -1 : BASES_ABSENT;
	had = json_get_text(facts, "identity", NULL);
	if (recipe->suite && had) {
		lowered = lower_recipe(s, recipe);
		base_identity(&lowered, identity);
		if (strcmp(identity, had) != 0)
			return BASES_ABSENT;
	}
	snprintf(digest, SHA256_HEX, "%s", json_get_text(facts, "digest", ""));
	return 0;
}

int bases_ensure(struct session *s, const struct recipe *recipe, build_line *line, void *ctx,
		 char digest[SHA256_HEX], struct error *err)
{
	const char *work = arena_printf(&s->arena, "%s/base", s->host.scratch);
	struct base_recipe lowered;
	AUTO(fd) int lock = -1;
	int r = bases_find(s, recipe, digest, err);

	if (r != BASES_ABSENT)
		return r;
	if (!recipe->suite)
		return fail(err, ERROR_ABSENT, "image %s was imported, and is gone", recipe->type);
	if (store_ensure(s->host.images, err) < 0 ||
	    file_lock(arena_printf(&s->arena, "%s/bases.lock", s->host.run), true, &lock, err) < 0)
		return -1;
	r = bases_find(s, recipe, digest, err);
	if (r != BASES_ABSENT)
		return r;
	if (file_make_dirs(work, 0755, err) < 0)
		return -1;
	lowered = lower_recipe(s, recipe);
	if (base_build(&lowered, s->host.images, work, line, ctx, digest, err) < 0)
		return fail_in(err, "base image %s", recipe->type);
	return 0;
}

int bases_import(struct session *s, const char *folder, const char *type, char digest[SHA256_HEX],
		 struct error *err)
{
	const struct squash_options options = { .level = 3 };
	struct problems problems = { .arena = &s->arena };
	struct image_description image;
	AUTO(json) struct json_t *facts = json_new_map();
	char *text, *path = arena_printf(&s->arena, "%s/import-%d.sqfs", s->host.images, getpid());
	const char *file = arena_printf(&s->arena, "%s/etc/orch/image.yaml", folder);
	size_t size;
	int r = file_read(&s->arena, AT_FDCWD, file, 1 << 20, &text, &size, err);

	if (r != 0)
		return r < 0 ? -1 : fail(err, ERROR_INPUT, "%s is missing", file);
	if (image_description_parse(&problems, file, text, size, &image, err) < 0)
		return -1;
	if (problems.errors) {
		problems_print(&problems, PROBLEM_WARNING, stderr);
		return fail(err, ERROR_INPUT, "nothing was imported");
	}
	if (store_ensure(s->host.images, err) < 0 || squash_pack(folder, path, &options, err) < 0 ||
	    store_add(s->host.images, path, digest, err) < 0) {
		(void)unlink(path);
		return -1;
	}
	json_put_text(facts, "digest", digest);
	json_put_text(facts, "type", type);
	json_put_text(facts, "imported", folder);
	return store_name(s->host.images, key_of(s, type), facts, err);
}
