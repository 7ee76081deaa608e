#include "images/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"

#define MAX_DEPTH 200

struct link_entry {
	dev_t dev;
	ino_t ino;
	struct tree_node *first;
};

struct scan {
	struct arena *arena;
	const char *const *skip;
	struct tree *tree;
	ARENA_LIST(struct link_entry) links;
};

static bool is_skipped(const struct scan *s, const char *path)
{
	for (size_t i = 0; s->skip && s->skip[i]; i++)
		if (!strcmp(s->skip[i], path))
			return true;
	return false;
}

static int read_target(const struct scan *s, int folder, struct tree_node *node, struct error *err)
{
	char buf[PATH_MAX];
	ssize_t n = readlinkat(folder, node->name, buf, sizeof(buf));

	if (n < 0)
		return fail_errno(err, "read link %s", node->path);
	node->target = arena_strndup(s->arena, buf, (size_t)n);
	return 0;
}

/* Files with several names are few: a list will do. */
static void note_links(struct scan *s, struct tree_node *node)
{
	node->links = 1;
	if (node->st.st_nlink < 2)
		return;
	for (size_t i = 0; i < s->links.n; i++) {
		const struct link_entry *l = &s->links.items[i];

		if (l->dev != node->st.st_dev || l->ino != node->st.st_ino)
			continue;
		node->same = l->first;
		l->first->links++;
		return;
	}
	*arena_push(s->arena, &s->links) = (struct link_entry){ .dev = node->st.st_dev,
								.ino = node->st.st_ino,
								.first = node };
}

static int scan_folder(struct scan *s, int fd, struct tree_node *node, unsigned depth,
		       struct error *err);

static int scan_entry(struct scan *s, int folder, struct tree_node *node, unsigned depth,
		      struct error *err)
{
	AUTO(fd) int fd = -1;

	switch (node->st.st_mode & S_IFMT) {
	case S_IFDIR:
		fd = openat(folder, node->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return fail_errno(err, "open %s", node->path);
		return scan_folder(s, fd, node, depth + 1, err);
	case S_IFLNK:
		return read_target(s, folder, node, err);
	case S_IFREG:
		note_links(s, node);
		if (!node->same) {
			s->tree->files++;
			s->tree->bytes += (uint64_t)node->st.st_size;
		}
		return 0;
	case S_IFIFO:
		return 0;
	default:
		return fail(err, ERROR_SYSTEM, "%s is a device, which an image must not hold",
			    node->path);
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int list_names(struct scan *s, int fd, const char ***names, size_t *n, struct error *err)
{
	ARENA_LIST(const char *) list = { 0 };
	struct dirent *e;
	DIR *d = fdopendir(dup(fd));

	if (!d)
		return fail_errno(err, "read folder");
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			*arena_push(s->arena, &list) = arena_strdup(s->arena, e->d_name);
	closedir(d);
	if (list.n)
		qsort(list.items, list.n, sizeof(*list.items), by_name);
	*names = list.items;
	*n = list.n;
	return 0;
}

static int scan_folder(struct scan *s, int fd, struct tree_node *node, unsigned depth,
		       struct error *err)
{
	const char **names = NULL;
	size_t n = 0;

	if (depth > MAX_DEPTH)
		return fail(err, ERROR_INPUT, "%s: folders nested deeper than %d", node->path,
			    MAX_DEPTH);
	if (list_names(s, fd, &names, &n, err) < 0)
		return fail_in(err, "%s", node->path);
	node->children = arena_array(s->arena, n + 1, sizeof(struct tree_node *));
	for (size_t i = 0; i < n; i++) {
		struct tree_node *child = arena_new(s->arena, struct tree_node);

		child->name = names[i];
		child->path = *node->path ? arena_printf(s->arena, "%s/%s", node->path, names[i])
					  : names[i];
		if (is_skipped(s, child->path))
			continue;
		if (fstatat(fd, names[i], &child->st, AT_SYMLINK_NOFOLLOW) < 0)
			return fail_errno(err, "stat %s", child->path);
		if (S_ISSOCK(child->st.st_mode))
			continue;
		node->children[node->n_children++] = child;
		if (scan_entry(s, fd, child, depth, err) < 0)
			return -1;
	}
	return 0;
}

int tree_scan(struct arena *arena, const char *folder, const char *const *skip, struct tree *out,
	      struct error *err)
{
	AUTO(fd) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct tree tree = { .root = arena_new(arena, struct tree_node) };
	struct scan s = { .arena = arena, .skip = skip, .tree = &tree };

	tree.root->name = tree.root->path = "";
	if (fd < 0 || fstat(fd, &tree.root->st) < 0)
		return fail_errno(err, "open %s", folder);
	if (scan_folder(&s, fd, tree.root, 0, err) < 0)
		return fail_in(err, "%s", folder);
	tree.folder = TAKE_FD(fd);
	*out = tree;
	return 0;
}
