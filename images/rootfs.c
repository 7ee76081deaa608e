#include "images/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "images/base.h"

#define MAX_TEXT (64u << 20)

static char *path_in(struct arena *arena, const char *root, const char *path)
{
	return arena_printf(arena, "%s/%s", root, path);
}

static int read_text(struct arena *arena, const char *path, char **text, struct error *err)
{
	size_t size;
	int r = file_read(arena, AT_FDCWD, path, MAX_TEXT, text, &size, err);

	if (r == FILE_ABSENT)
		*text = arena_strdup(arena, "");
	return r < 0 ? -1 : 0;
}

static int write_text(const char *path, const char *text, mode_t mode, struct error *err)
{
	return file_write(AT_FDCWD, path, text, strlen(text), mode, false, err);
}

static int append(struct arena *arena, const char *path, const char *lines, struct error *err)
{
	struct stat st;
	char *text;

	if (read_text(arena, path, &text, err) < 0)
		return -1;
	if (stat(path, &st) < 0)
		st.st_mode = 0644;
	return write_text(path, arena_printf(arena, "%s%s", text, lines), st.st_mode & 07777, err);
}

/* passwd(5), group(5), shadow(5): no password is ever valid. */
static int add_users(struct arena *arena, const struct base_recipe *r, const char *root,
		     struct error *err)
{
	AUTO(text) struct text passwd = { 0 };
	AUTO(text) struct text group = { 0 };
	AUTO(text) struct text shadow = { 0 };

	for (size_t i = 0; i < r->n_users; i++) {
		const struct base_user *u = &r->users[i];
		const char *home = u->home ? u->home : "/";

		if (!strcmp(u->name, "root"))
			continue;
		text_printf(&passwd, "%s:x:%u:%u::%s:%s\n", u->name, u->uid, u->gid, home,
			    u->shell ? u->shell : "/bin/sh");
		text_printf(&group, "%s:x:%u:\n", u->name, u->gid);
		text_printf(&shadow, "%s:!:::::::\n", u->name);
	}
	if (append(arena, path_in(arena, root, "etc/passwd"), text_get(&passwd), err) < 0 ||
	    append(arena, path_in(arena, root, "etc/group"), text_get(&group), err) < 0)
		return -1;
	return append(arena, path_in(arena, root, "etc/shadow"), text_get(&shadow), err);
}

/* The day of a password's last change is the day of the build. */
static int strip_days(struct arena *arena, const char *path, struct error *err)
{
	AUTO(text) struct text out = { 0 };
	char *text, *line;
	struct stat st;

	if (stat(path, &st) < 0)
		return 0;
	if (read_text(arena, path, &text, err) < 0)
		return -1;
	while ((line = strsep(&text, "\n"))) {
		char *name = strsep(&line, ":"), *password = strsep(&line, ":");

		if (!line)
			continue;
		(void)strsep(&line, ":");
		text_printf(&out, "%s:%s::%s\n", name, password, line ? line : "");
	}
	return write_text(path, text_get(&out), st.st_mode & 07777, err);
}

static int remove_matching(struct arena *arena, const char *root, const char *pattern,
			   struct error *err)
{
	glob_t found = { 0 };
	int r = glob(path_in(arena, root, pattern), GLOB_PERIOD, NULL, &found);

	for (size_t i = 0; r == 0 && i < found.gl_pathc; i++) {
		const char *name = strrchr(found.gl_pathv[i], '/');

		if (name && (!strcmp(name, "/.") || !strcmp(name, "/..")))
			continue;
		if (file_remove(AT_FDCWD, found.gl_pathv[i], err) < 0) {
			globfree(&found);
			return -1;
		}
	}
	globfree(&found);
	return r == 0 || r == GLOB_NOMATCH ? 0 : fail(err, ERROR_SYSTEM, "look for %s", pattern);
}

/* Times, caches, logs, the host's own names; devices, which each container gets from its own /dev. */
static int remove_differences(struct arena *arena, const struct base_recipe *r, const char *root,
			      struct error *err)
{
	static const char *const always[] = {
		"dev/*",
		"var/log/*",
		"var/cache/ldconfig/*",
		"var/cache/apt/*",
		"var/cache/debconf/*-old",
		"var/lib/apt/lists/*",
		"var/lib/dpkg/*-old",
		"var/lib/systemd/*",
		"etc/machine-id",
		"etc/resolv.conf",
		"etc/hostname",
		"etc/hosts",
		"etc/*-",
		"etc/.pwd.lock",
		"run/*",
		"tmp/*",
	};

	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		if (remove_matching(arena, root, always[i], err) < 0)
			return -1;
	for (size_t i = 0; i < r->n_remove; i++)
		if (remove_matching(arena, root, r->remove[i], err) < 0)
			return -1;
	return strip_days(arena, path_in(arena, root, "etc/shadow"), err);
}

static int make_parents(struct arena *arena, const char *path, struct error *err)
{
	char *parent = arena_strdup(arena, path);
	char *slash = strrchr(parent, '/');

	if (!slash || slash == parent)
		return 0;
	*slash = '\0';
	return file_make_dirs(parent, 0755, err);
}

static int put_file(struct arena *arena, const struct base_file *f, const char *root,
		    struct error *err)
{
	const char *path = path_in(arena, root, f->path);

	if (make_parents(arena, path, err) < 0 || file_remove(AT_FDCWD, path, err) < 0)
		return -1;
	if (f->link)
		return symlink(f->link, path) < 0 ? fail_errno(err, "make link %s", f->path) : 0;
	return write_text(path, f->text, f->mode ? f->mode : 0644, err);
}

int rootfs_finish(struct arena *arena, const struct base_recipe *recipe, const char *root,
		  struct error *err)
{
	const struct base_file image = { .path = "etc/orch/image.yaml",
					 .text = recipe->image,
					 .mode = 0644 };

	if (add_users(arena, recipe, root, err) < 0 ||
	    remove_differences(arena, recipe, root, err) < 0)
		return -1;
	for (size_t i = 0; i < recipe->n_folders; i++)
		if (file_make_dirs(path_in(arena, root, recipe->folders[i]), 0755, err) < 0)
			return -1;
	for (size_t i = 0; i < recipe->n_files; i++)
		if (put_file(arena, &recipe->files[i], root, err) < 0)
			return -1;
	if (chmod(path_in(arena, root, ""), 0755) < 0)
		return fail_errno(err, "chmod %s", root);
	return put_file(arena, &image, root, err);
}

struct json_t *rootfs_packages(struct arena *arena, const char *root, struct error *err)
{
	struct json_t *map = json_new_map();
	const char *name = NULL;
	char *text, *line;

	if (read_text(arena, path_in(arena, root, "var/lib/dpkg/status"), &text, err) < 0) {
		json_free(map);
		return NULL;
	}
	while ((line = strsep(&text, "\n"))) {
		if (text_starts(line, "Package: "))
			name = line + strlen("Package: ");
		else if (name && text_starts(line, "Version: "))
			json_put_text(map, name, line + strlen("Version: "));
	}
	return map;
}
