#include "orchestrator/build_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/copy.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"
#include "base/text.h"
#include "manifests/manifest.h"
#include "orchestrator/build.h"
#include "orchestrator/session.h"

#define KEPT 4 /* of each cache: one for each of the branches that are worked at */

struct build_cache {
	struct arena *arena;
	const struct build_spec *spec;
	const char *name, *directory; /* below the app's root */
	const struct json_t *rules;   /* as in the manifest */
	const char *root;	      /* the app's */
	const char *prefix;	      /* what its entries are called, before the dot and the key */
	const char *entry;	      /* the one for these files */
	const char *path;	      /* of the folder that they are in */
	int app, folder, lock;	      /* while it is looked at */
};

static void close_cache(struct build_cache *c)
{
	auto_fd(&c->app);
	auto_fd(&c->folder);
	auto_fd(&c->lock);
}

/* A watched file may be a link within the app's folder; no way leads out of it. */
static int open_watched(int folder, const char *path)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
				.resolve = RESOLVE_BENEATH };

	return (int)syscall(SYS_openat2, folder, path, &how, sizeof(how));
}

/* A file that isn't there is told from an empty one; anything else counts as not there. */
static int hash_files(const struct build_cache *c, struct sha256 *hash, struct error *err)
{
	const struct json_t *watch = json_get(c->rules, "watch");

	for (size_t i = 0; i < json_count(watch); i++) {
		const char *name = json_text(json_at(watch, i), "");
		AUTO(fd) int fd = open_watched(c->app, name + strspn(name, "/"));
		char digest[SHA256_HEX] = "absent";
		struct stat st;

		if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
		    sha256_of_fd(fd, digest, err) < 0)
			return fail_in(err, "cache %s: %s", c->name, name);
		sha256_add(hash, name, strlen(name) + 1);
		sha256_add(hash, digest, strlen(digest) + 1);
	}
	return 0;
}

static int identify(struct build_cache *c, struct error *err)
{
	struct sha256 *hash = sha256_begin();
	char of_name[SHA256_HEX], key[SHA256_HEX];
	int r;

	sha256_add(hash, c->spec->base, strlen(c->spec->base) + 1);
	sha256_add(hash, c->directory, strlen(c->directory) + 1);
	r = hash_files(c, hash, err);
	sha256_end(hash, key);
	sha256_of(c->name, strlen(c->name), of_name);
	c->prefix = arena_printf(c->arena, "%.16s.", of_name);
	c->entry = arena_printf(c->arena, "%s%.32s", c->prefix, key);
	return r;
}

static int describe(struct session *s, const struct build_spec *spec, const char *root,
		    const char *name, struct build_cache *c, struct error *err)
{
	const struct json_t *rules = json_path(spec->app->document, "build", "caches", name, NULL);
	bool shared = json_get_flag(rules, "share_between_apps", false);

	*c = (struct build_cache){
		.arena = &s->arena,
		.spec = spec,
		.name = name,
		.directory = json_get_text(rules, "directory", name),
		.rules = rules,
		.root = root,
		.path = arena_printf(&s->arena, "%s/%s.%s.caches", s->host.cache, s->project.id,
				     shared ? "" : spec->app->name),
		.app = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.folder = -1,
		.lock = -1,
	};
	if (c->app < 0)
		return fail_errno(err, "open %s", root);
	if (!*c->directory)
		return fail(err, ERROR_INPUT, "cache %s: the app's root itself can't be kept",
			    name);
	return identify(c, err);
}

/* Others may build the same app for another environment meanwhile. */
static int open_cache(struct build_cache *c, struct error *err)
{
	if (file_make_dirs(c->path, 0700, err) < 0 ||
	    file_lock(arena_printf(c->arena, "%s/.lock", c->path), true, &c->lock, err) < 0)
		return -1;
	if (c->app < 0)
		c->app = open(c->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	c->folder = open(c->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* What nobody uses is thrown away: orch gc. */
	if (c->app < 0 || c->folder < 0 || futimens(c->folder, NULL) < 0)
		return fail_errno(err, "open %s", c->path);
	return 0;
}

/* It was used last, in nanoseconds since 1970; 0: there is none. */
static int64_t when(const struct build_cache *c, const char *entry)
{
	struct stat st;

	return fstatat(c->folder, entry, &st, AT_SYMLINK_NOFOLLOW) < 0
		? 0
		: (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
}

/* Its entries, newest first. */
static const char **list(const struct build_cache *c, size_t *n)
{
	const char **names = NULL;
	struct error ignored;
	size_t all = 0;

	*n = 0;
	if (file_list(c->arena, c->path, &names, &all, &ignored) != 0)
		return NULL;
	for (size_t i = 0; i < all; i++) {
		size_t at = *n;

		if (!text_starts(names[i], c->prefix) || text_ends(names[i], "~"))
			continue;
		names[(*n)++] = names[i];
		for (; at && when(c, names[at]) > when(c, names[at - 1]); at--) {
			const char *other = names[at];

			names[at] = names[at - 1];
			names[at - 1] = other;
		}
	}
	return names;
}

/* The folder that the cache's own is in, with all on the way to it. */
static int open_parent(const struct build_cache *c, uint32_t uid, uint32_t gid, const char **last,
		       struct error *err)
{
	char *rest = arena_strdup(c->arena, c->directory), *part = strsep(&rest, "/");
	AUTO(fd) int at = openat(c->app, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (; at >= 0 && rest; part = strsep(&rest, "/")) {
		AUTO(fd) int parent = TAKE_FD(at);

		if (mkdirat(parent, part, 0755) == 0 &&
		    fchownat(parent, part, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
			break;
		at = file_open_beneath(parent, part, O_RDONLY | O_DIRECTORY);
	}
	*last = part;
	return at < 0 ? fail_errno(err, "cache %s: open %s", c->name, c->directory) : TAKE_FD(at);
}

static void say(const struct build_cache *c, const char *what)
{
	if (c->spec->line)
		c->spec->line(c->spec->ctx, arena_printf(c->arena, "cache %s: %s", c->name, what));
}

/* The tree's own goes aside, what was kept takes its place, and the tree's comes over it. 1: the tree has no folder there. */
static int put_back(const struct build_cache *c, const char *entry, const char *aside, uint32_t uid,
		    uint32_t gid, struct error *err)
{
	struct copy copy = { .uid = uid, .gid = gid, .always = true };
	const char *name;
	AUTO(fd) int parent = open_parent(c, uid, gid, &name, err);
	struct stat st;
	bool had;

	if (parent < 0)
		return -1;
	had = fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (had && !S_ISDIR(st.st_mode)) {
		say(c, "the app has something else there");
		return 1;
	}
	if (file_remove(AT_FDCWD, aside, err) < 0)
		return -1;
	if (had && renameat(parent, name, AT_FDCWD, aside) < 0)
		return fail_errno(err, "cache %s: move %s", c->name, c->directory);
	if (copy_entry(c->folder, entry, parent, name, &copy, err) < 0 ||
	    (had && copy_entry(AT_FDCWD, aside, parent, name, &copy, err) < 0))
		return fail_in(err, "cache %s", c->name);
	return file_remove(AT_FDCWD, aside, err);
}

static int restore(const struct build_cache *c, const char *aside, uint32_t uid, uint32_t gid,
		   struct error *err)
{
	const char **entries, *entry = c->entry;
	bool stale = when(c, entry) == 0;
	size_t n;
	int r;

	if (stale) {
		entries = list(c, &n);
		if (!n || !json_get_flag(c->rules, "allow_stale", false)) {
			say(c, "nothing was kept for these files");
			return 0;
		}
		entry = entries[0];
	}
	r = put_back(c, entry, aside, uid, gid, err);
	if (r != 0)
		return r < 0 ? -1 : 0;
	say(c, stale ? "what was kept for other files" : "what was kept for these files");
	return 0;
}

/* Nobody else has the lock: what is unfinished is of one that was killed. */
static int remove_unfinished(const struct build_cache *c, struct error *err)
{
	const char **names = NULL;
	size_t n = 0;

	if (file_list(c->arena, c->path, &names, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (text_ends(names[i], "~") && file_remove(c->folder, names[i], err) < 0)
			return -1;
	return 0;
}

static int prune(const struct build_cache *c, struct error *err)
{
	const char **entries;
	size_t n;

	entries = list(c, &n);
	for (size_t i = KEPT; i < n; i++)
		if (file_remove(c->folder, entries[i], err) < 0)
			return -1;
	return 0;
}

static int keep(const struct build_cache *c, struct error *err)
{
	const char *unfinished = arena_printf(c->arena, "%s~", c->entry);
	AUTO(fd) int there = file_open_beneath(c->app, c->directory, O_RDONLY | O_DIRECTORY);
	struct copy copy = { .uid = 0 };
	struct stat st;

	if (when(c, c->entry))
		return utimensat(c->folder, c->entry, NULL, 0) < 0
			? fail_errno(err, "cache %s", c->name)
			: 0;
	if (there < 0) {
		say(c, "there is nothing to keep");
		return 0;
	}
	if (fstat(there, &st) < 0)
		return fail_errno(err, "cache %s", c->name);
	copy.uid = st.st_uid;
	copy.gid = st.st_gid;
	if (remove_unfinished(c, err) < 0 ||
	    copy_entry(there, ".", c->folder, unfinished, &copy, err) < 0)
		return fail_in(err, "cache %s", c->name);
	if (utimensat(c->folder, unfinished, NULL, 0) < 0 ||
	    renameat(c->folder, unfinished, c->folder, c->entry) < 0)
		return fail_errno(err, "cache %s: keep", c->name);
	return prune(c, err);
}

int build_caches_restore(struct session *s, const struct build_spec *spec, const char *folder,
			 const char *aside, uint32_t uid, uint32_t gid, struct build_caches *out,
			 struct error *err)
{
	const struct json_t *all = json_path(spec->app->document, "build", "caches", NULL);
	const char **names = json_keys(&s->arena, all, &out->n);
	int r = 0;

	out->items = arena_array(&s->arena, out->n + 1, sizeof(*out->items));
	for (size_t i = 0; r == 0 && i < out->n; i++) {
		struct build_cache *c = &out->items[i];

		r = describe(s, spec, folder, names[i], c, err);
		if (r == 0)
			r = open_cache(c, err);
		if (r == 0)
			r = restore(c, aside, uid, gid, err);
		close_cache(c);
	}
	return r;
}

int build_caches_keep(const struct build_caches *caches, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < caches->n; i++) {
		struct build_cache *c = &caches->items[i];

		r = open_cache(c, err);
		if (r == 0)
			r = keep(c, err);
		close_cache(c);
	}
	return r;
}
