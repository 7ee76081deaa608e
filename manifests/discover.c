#include "manifests/discover.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/text.h"

#define APP_DEPTH \
	5 /* levels of folders in which apps are looked for, the project's own the first */

struct folder_list {
	const char **items;
	size_t n, room;
};

static bool is_skipped(const char *name)
{
	static const char *const names[] = { "builds", "node_modules", "vendor" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return *name == '.';
}

static bool is_folder(int dir, const struct dirent *e)
{
	struct stat st;

	if (e->d_type != DT_UNKNOWN)
		return e->d_type == DT_DIR;
	return fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* Folders that can't be read have no apps. */
static void find_apps(struct arena *arena, int parent, const char *name, const char *path,
		      unsigned depth, struct folder_list *out)
{
	AUTO(dir) DIR *dir = NULL;
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct dirent *e;

	if (fd < 0)
		return;
	dir = fdopendir(fd);
	if (!dir)
		return;
	while ((e = readdir(dir)) != NULL) {
		if (depth && !strcmp(e->d_name, ".platform.app.yaml"))
			*arena_push(arena, out) = arena_printf(arena, "%s/%s", path, e->d_name);
		else if (depth + 1 < APP_DEPTH && !is_skipped(e->d_name) && is_folder(fd, e))
			find_apps(arena, fd, e->d_name,
				  depth ? arena_printf(arena, "%s/%s", path, e->d_name)
					: arena_strdup(arena, e->d_name),
				  depth + 1, out);
	}
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **discover_apps(struct arena *arena, int folder, size_t *n)
{
	struct folder_list list = { 0 };

	if (folder >= 0)
		find_apps(arena, folder, ".", "", 0, &list);
	if (list.n)
		qsort(list.items, list.n, sizeof(*list.items), by_text);
	*n = list.n;
	return list.items;
}

const char **discover_whole(struct arena *arena, int folder, size_t *n)
{
	struct folder_list list = { 0 };
	AUTO(dir) DIR *dir = NULL;
	int fd = folder < 0
		? -1
		: openat(folder, ".upsun", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct dirent *e;

	*n = 0;
	if (fd < 0)
		return NULL;
	dir = fdopendir(fd);
	while (dir && (e = readdir(dir)) != NULL)
		if (text_ends(e->d_name, ".yaml"))
			*arena_push(arena, &list) = arena_printf(arena, ".upsun/%s", e->d_name);
	if (list.n)
		qsort(list.items, list.n, sizeof(*list.items), by_text);
	*n = list.n;
	return list.items;
}
