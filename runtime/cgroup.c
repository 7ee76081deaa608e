#include "runtime/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "runtime/cgroup_trees.h"

static struct cgroup_trees trees;

static bool has_option(const struct mntent *m, const char *name)
{
	return hasmntopt(m, name) != NULL;
}

static void take_v1(const struct mntent *m)
{
	for (size_t i = 0; i < CGROUP_CONTROLLERS; i++)
		if (!*trees.v1[i] && has_option(m, cgroup_controllers[i]))
			snprintf(trees.v1[i], sizeof(trees.v1[i]), "%s", m->mnt_dir);
}

/* The mounts of this namespace say what there is: proc_pid_mountinfo(5). */
const struct cgroup_trees *cgroup_trees_get(struct error *err)
{
	FILE *f;
	struct mntent *m;

	if (trees.known)
		return &trees;
	f = setmntent("/proc/self/mounts", "re");
	if (!f) {
		fail_errno(err, "open /proc/self/mounts");
		return NULL;
	}
	while ((m = getmntent(f))) {
		if (!strcmp(m->mnt_type, "cgroup2") && !*trees.v2)
			snprintf(trees.v2, sizeof(trees.v2), "%s", m->mnt_dir);
		else if (!strcmp(m->mnt_type, "cgroup"))
			take_v1(m);
	}
	endmntent(f);
	trees.limits_v1 = *trees.v1[CGROUP_MEMORY] || *trees.v1[CGROUP_PIDS];
	if (!*trees.v2) {
		fail(err, ERROR_HOST, "no cgroup2 file system is mounted; see orch doctor");
		return NULL;
	}
	trees.known = true;
	return &trees;
}

const char *cgroup_kind(struct error *err)
{
	const struct cgroup_trees *t = cgroup_trees_get(err);

	return !t ? NULL : t->limits_v1 ? "hybrid" : "v2";
}

int cgroup_put(const char *tree, const char *group, const char *file, const char *value,
	       struct error *err)
{
	char path[PATH_MAX];
	AUTO(fd) int fd = -1;

	snprintf(path, sizeof(path), "%s/%s/%s", tree, group, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || TEMP_FAILURE_RETRY(write(fd, value, strlen(value))) < 0)
		return fail_errno(err, "write \"%s\" to %s", value, path);
	return 0;
}

uint64_t cgroup_get_number(const char *tree, const char *group, const char *file, const char *key)
{
	AUTO(arena) struct arena arena = { 0 };
	struct error ignored;
	char *text, *at;
	size_t len = key ? strlen(key) : 0;

	if (file_read(&arena, AT_FDCWD, arena_printf(&arena, "%s/%s/%s", tree, group, file),
		      1 << 16, &text, NULL, &ignored) != 0)
		return 0;
	for (at = text; key && *at; at += strcspn(at, "\n"), at += *at == '\n')
		if (!strncmp(at, key, len) && at[len] == ' ')
			return strtoull(at + len + 1, NULL, 10);
	return key ? 0 : strtoull(text, NULL, 10);
}

int cgroup_make(const char *tree, const char *group, struct error *err)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", tree, group);
	return file_make_dirs(path, 0755, err);
}

int cgroup_ensure(const char *group, const struct cgroup_limits *limits, struct error *err)
{
	const struct cgroup_trees *t = cgroup_trees_get(err);

	if (!t)
		return -1;
	if (!t->limits_v1)
		return cgroup_v2_ensure(t->v2, group, limits, err);
	if (cgroup_make(t->v2, group, err) < 0)
		return -1;
	return cgroup_v1_ensure(t, group, limits, err);
}

static int open_member(const char *tree, const char *group, const char *file, int flags, int *out,
		       struct error *err)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s/%s", tree, group, file);
	*out = open(path, flags | O_CLOEXEC);
	return *out < 0 ? fail_errno(err, "open %s", path) : 0;
}

int cgroup_open(const char *group, struct cgroup_entry *out, struct error *err)
{
	const struct cgroup_trees *t = cgroup_trees_get(err);
	struct cgroup_entry entry = CGROUP_ENTRY_NONE;
	size_t n = 0;

	if (!t || open_member(t->v2, group, "", O_RDONLY | O_DIRECTORY, &entry.born, err) < 0)
		return -1;
	for (size_t i = 0; t->limits_v1 && i < CGROUP_CONTROLLERS; i++) {
		if (!cgroup_first_of(t, i))
			continue;
		if (open_member(t->v1[i], group, "tasks", O_WRONLY, &entry.files[n++], err) < 0) {
			cgroup_close(&entry);
			return -1;
		}
	}
	*out = entry;
	return 0;
}

void cgroup_close(struct cgroup_entry *entry)
{
	auto_fd(&entry->born);
	for (size_t i = 0; i < CGROUP_TREES; i++)
		auto_fd(&entry->files[i]);
}

pid_t cgroup_clone(const struct cgroup_entry *entry, struct clone_args *args)
{
	if (entry) {
		args->flags |= CLONE_INTO_CGROUP;
		args->cgroup = (unsigned)entry->born;
	}
	return (pid_t)syscall(SYS_clone3, args, sizeof(*args));
}

int cgroup_enter(const struct cgroup_entry *entry, struct error *err)
{
	for (size_t i = 0; i < CGROUP_TREES && entry->files[i] >= 0; i++)
		if (write(entry->files[i], "0", 1) != 1)
			return fail_errno(err, "join cgroup");
	return 0;
}

static bool exists(const char *tree, const char *group)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", tree, group);
	return file_exists(path);
}

int cgroup_kill(const char *group, struct error *err)
{
	const struct cgroup_trees *t = cgroup_trees_get(err);

	if (!t)
		return -1;
	return exists(t->v2, group) ? cgroup_put(t->v2, group, "cgroup.kill", "1", err) : 0;
}

/* rmdir(2) from the leaves up; dying processes keep a group busy for a moment. */
static int remove_group(const char *path, struct error *err)
{
	const struct timespec step = { .tv_nsec = 2000000 };
	AUTO(dir) DIR *d = opendir(path);
	const struct dirent *e;
	char below[PATH_MAX];

	if (!d)
		return errno == ENOENT ? 0 : fail_errno(err, "open %s", path);
	while ((e = readdir(d))) {
		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		snprintf(below, sizeof(below), "%s/%s", path, e->d_name);
		if (remove_group(below, err) < 0)
			return -1;
	}
	for (int tries = 0; rmdir(path) < 0; tries++) {
		if (errno == ENOENT)
			return 0;
		if (errno != EBUSY || tries == 500)
			return fail_errno(err, "remove %s", path);
		(void)nanosleep(&step, NULL);
	}
	return 0;
}

int cgroup_ensure_no(const char *group, struct error *err)
{
	const struct cgroup_trees *t = cgroup_trees_get(err);
	char path[PATH_MAX];

	if (!t || cgroup_kill(group, err) < 0)
		return -1;
	for (size_t i = 0; t->limits_v1 && i < CGROUP_CONTROLLERS; i++) {
		snprintf(path, sizeof(path), "%s/%s", t->v1[i], group);
		if (cgroup_first_of(t, i) && remove_group(path, err) < 0)
			return -1;
	}
	snprintf(path, sizeof(path), "%s/%s", t->v2, group);
	return remove_group(path, err);
}

int cgroup_pids(const char *group, pid_t *out, size_t max, struct error *err)
{
	const struct cgroup_trees *t = cgroup_trees_get(err);
	AUTO(file) FILE *f = NULL;
	char path[PATH_MAX];
	size_t n = 0;

	if (!t)
		return -1;
	snprintf(path, sizeof(path), "%s/%s/cgroup.procs", t->v2, group);
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? 0 : fail_errno(err, "open %s", path);
	while (n < max && fscanf(f, "%d", &out[n]) == 1)
		n++;
	return (int)n;
}

int cgroup_usage(const char *group, struct cgroup_usage *out, struct error *err)
{
	const struct cgroup_trees *t = cgroup_trees_get(err);

	if (!t)
		return -1;
	*out = (struct cgroup_usage){ 0 };
	if (t->limits_v1)
		cgroup_v1_usage(t, group, out);
	else
		cgroup_v2_usage(t->v2, group, out);
	return 0;
}

int cgroup_list(struct arena *arena, const char *group, const char ***names, size_t *n,
		struct error *err)
{
	const struct cgroup_trees *t = cgroup_trees_get(err);
	ARENA_LIST(const char *) list = { 0 };
	AUTO(dir) DIR *d = NULL;
	const struct dirent *e;
	const char *path;

	if (!t)
		return -1;
	path = arena_printf(arena, "%s/%s", t->v2, group);
	d = opendir(path);
	if (!d && errno != ENOENT)
		return fail_errno(err, "open %s", path);
	while (d && (e = readdir(d)))
		if (e->d_type == DT_DIR && e->d_name[0] != '.')
			*arena_push(arena, &list) = arena_strdup(arena, e->d_name);
	*names = list.items;
	*n = list.n;
	return 0;
}
