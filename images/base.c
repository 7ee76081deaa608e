#include "images/base.h"

#include <fcntl.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/process.h"
#include "base/text.h"
#include "images/rootfs.h"
#include "images/squash.h"
#include "images/store.h"

#define LEVEL 9	 /* of zstd: base images are built seldom and read often */
#define FORMAT 1 /* of what is made from a recipe; another one makes other images */

/* Length first, so that no two recipes look the same. */
static void add(struct sha256 *h, const char *text)
{
	size_t size = text ? strlen(text) + 1 : 0;

	sha256_add(h, &size, sizeof(size));
	if (text)
		sha256_add(h, text, size);
}

static void add_number(struct sha256 *h, size_t n)
{
	sha256_add(h, &n, sizeof(n));
}

static void add_list(struct sha256 *h, const char *const *list, size_t n)
{
	add_number(h, n);
	for (size_t i = 0; i < n; i++)
		add(h, list[i]);
}

void base_identity(const struct base_recipe *r, char out[SHA256_HEX])
{
	struct sha256 *h = sha256_begin();

	add_number(h, FORMAT);
	add(h, r->type);
	add(h, r->suite);
	add_list(h, r->packages, r->n_packages);
	add_number(h, r->n_files);
	for (size_t i = 0; i < r->n_files; i++) {
		add(h, r->files[i].path);
		add(h, r->files[i].text);
		add(h, r->files[i].link);
		add_number(h, r->files[i].mode);
	}
	add_number(h, r->n_users);
	for (size_t i = 0; i < r->n_users; i++) {
		add(h, r->users[i].name);
		add_number(h, r->users[i].uid);
		add_number(h, r->users[i].gid);
		add(h, r->users[i].home);
		add(h, r->users[i].shell);
	}
	add_list(h, r->folders, r->n_folders);
	add_list(h, r->remove, r->n_remove);
	add(h, r->image);
	sha256_end(h, out);
}

/* mmdebstrap(1) in root mode: it needs no user namespaces, and chowns as packages say. */
static int debootstrap(struct arena *arena, const struct base_recipe *r, const char *root,
		       void (*line)(void *ctx, const char *line), void *ctx, struct error *err)
{
	static const char *const env[] = { "SOURCE_DATE_EPOCH=1", "LC_ALL=C.UTF-8",
					   "DEBIAN_FRONTEND=noninteractive", NULL };
	AUTO(text) struct text packages = { 0 };
	const char *argv[] = { "mmdebstrap",
			       "--mode=root",
			       "--variant=minbase",
			       "--format=directory",
			       "--dpkgopt=path-exclude=/usr/share/doc/*",
			       "--dpkgopt=path-exclude=/usr/share/man/*",
			       "--dpkgopt=path-exclude=/usr/share/info/*",
			       "--dpkgopt=path-exclude=/usr/share/locale/*",
			       NULL,
			       r->suite,
			       root,
			       NULL };
	const struct process_spec spec = { .argv = argv, .env = env, .line = line, .ctx = ctx };

	for (size_t i = 0; i < r->n_packages; i++)
		text_printf(&packages, "%s%s", i ? "," : "", r->packages[i]);
	argv[8] = arena_printf(arena, "--include=%s",
			       r->n_packages ? text_get(&packages) : "base-files");
	if (process_run(&spec, err) < 0)
		return fail_in(err, "mmdebstrap");
	return 0;
}

static int remember(struct arena *arena, const struct base_recipe *r, const char *store,
		    const char *root, const char *digest, struct error *err)
{
	AUTO(json) struct json_t *facts = json_new_map();
	struct json_t *packages = rootfs_packages(arena, root, err);
	char identity[SHA256_HEX];

	if (!packages)
		return -1;
	base_identity(r, identity);
	json_put_text(facts, "digest", digest);
	json_put_text(facts, "type", r->type);
	json_put_text(facts, "identity", identity);
	json_put_text(facts, "suite", r->suite);
	json_put(facts, "packages", packages);
	return store_name(store, arena_printf(arena, "base-%s", r->type), facts, err);
}

int base_build(const struct base_recipe *recipe, const char *store, const char *work,
	       void (*line)(void *ctx, const char *line), void *ctx, char digest[SHA256_HEX],
	       struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const struct squash_options options = { .level = LEVEL };
	const char *root = arena_printf(&arena, "%s/root", work);
	const char *image = arena_printf(&arena, "%s/base.sqfs", work);
	struct error ignored;
	char hex[SHA256_HEX];
	int r = -1;

	/* What a killed build left. */
	if (file_remove(AT_FDCWD, root, err) < 0 || file_remove(AT_FDCWD, image, err) < 0)
		return -1;
	if (debootstrap(&arena, recipe, root, line, ctx, err) == 0 &&
	    rootfs_finish(&arena, recipe, root, err) == 0) {
		if (line)
			line(ctx, "packing the image");
		if (squash_pack(root, image, &options, err) == 0 &&
		    store_add(store, image, hex, err) == 0)
			r = remember(&arena, recipe, store, root, hex, err);
	}
	if (r == 0)
		memcpy(digest, hex, SHA256_HEX);
	(void)file_remove(AT_FDCWD, image, &ignored);
	if (file_remove(AT_FDCWD, root, r < 0 ? &ignored : err) < 0)
		return -1;
	return r;
}
