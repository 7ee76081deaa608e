/*
 * cmd_mount.c - mount ls|get|put: files of an app's mounts, also while it is stopped
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/copy.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/table.h"
#include "base/text.h"
#include "orchestrator/commands.h"
#include "orchestrator/lower.h"
#include "orchestrator/session.h"
#include "orchestrator/trash.h"
#include "runtime/volume.h"

/* A folder of a volume, and a name in it; "." is the folder itself. */
struct inside {
	int root; /* of the mount */
	int folder;
	const char *name;
};
#define INSIDE_NONE ((struct inside){ .root = -1, .folder = -1, .name = "." })

static void auto_inside(struct inside *in)
{
	auto_fd(&in->root);
	auto_fd(&in->folder);
}

/* What is in there is the container's: no link of it is followed. */
static int open_beneath(int folder, const char *path, struct error *err)
{
	int fd = file_open_beneath(folder, path, O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return fail_errno(err, "open %s in the volume", *path ? path : "/");
	return fd;
}

/* The mount that the path is in, and what is left of the path. */
static const char *find_mount(struct session *s, const struct json_t *mounts, const char *path,
			      const char **rest)
{
	const char *found = NULL;
	const char **names;
	size_t n;

	names = json_keys(&s->arena, mounts, &n);
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(names[i]);

		if (strncmp(names[i], path, len) != 0 || (path[len] && path[len] != '/'))
			continue;
		found = names[i]; /* sorted: the longest comes last */
		*rest = path + len + strspn(path + len, "/");
	}
	return found;
}

static int fail_mounts(struct session *s, const char *container, const struct json_t *mounts,
		       const char *path, struct error *err)
{
	const char *known = "";
	const char **names;
	size_t n;

	names = json_keys(&s->arena, mounts, &n);
	for (size_t i = 0; i < n; i++)
		known = arena_printf(&s->arena, "%s%s%s", known, *known ? ", " : "", names[i]);
	return *known
		? fail(err, ERROR_ABSENT, "%s has no mount %s; it has: %s", container, path, known)
		: fail(err, ERROR_ABSENT,
		       "%s has no mounts; the data of a service goes out by: orch backup",
		       container);
}

static int open_mount(struct session *s, const char *container, const char *source,
		      struct inside *in, struct error *err)
{
	const char *volume = arena_printf(&s->arena, "%s/%s", s->env.id, container);
	AUTO(fd) int top = -1;
	int r = trash_open(&s->host, err);

	if (r < 0)
		return -1;
	if (r == TRASH_ABSENT || !volume_exists(s->host.pool, volume))
		return fail(err, ERROR_ABSENT, "%s has no volume yet: orch deploy", container);
	top = volume_open(s->host.pool, volume, err);
	if (top < 0)
		return -1;
	in->root = open_beneath(top, source, err);
	return in->root < 0 ? -1 : 0;
}

/* "CONTAINER:PATH", as the manifest or as the app calls it: "upload", "/upload", "/app/upload/sub". */
static int locate(struct session *s, const char *text, struct inside *in, struct error *err)
{
	const char *colon = strchr(text, ':');
	AUTO(json) struct json_t *document = session_document(s, 0, err);
	const char *container, *path, *mount, *rest = "", *slash;
	const struct json_t *c, *m;

	if (!document)
		return -1;
	container = arena_strndup(&s->arena, text, (size_t)(colon - text));
	c = json_path(document, "containers", container, NULL);
	if (!c)
		return fail(err, ERROR_ABSENT, "no container \"%s\"; see them: orch ps", container);
	path = colon + 1 + strspn(colon + 1, "/");
	mount = find_mount(s, json_get(c, "mounts"), path, &rest);
	if (!mount && text_starts(path, "app/"))
		mount = find_mount(s, json_get(c, "mounts"), path + 4, &rest);
	if (!mount)
		return fail_mounts(s, container, json_get(c, "mounts"), path, err);
	m = json_get(json_get(c, "mounts"), mount);
	if (!strcmp(json_get_text(m, "source", ""), "tmp"))
		return fail(err, ERROR_INPUT, "%s:%s is in memory, and gone with the container",
			    container, mount);
	rest = arena_strndup(&s->arena, rest, strlen(rest) - (text_ends(rest, "/") ? 1 : 0));
	if (open_mount(s, lower_mount_owner(container, m), lower_mount_folder(&s->arena, m), in,
		       err) < 0)
		return -1;
	slash = strrchr(rest, '/');
	in->name = *rest ? (slash ? slash + 1 : rest) : ".";
	if (!strcmp(in->name, ".."))
		return fail(err, ERROR_INPUT, "%s: \"..\" leads nowhere here", text);
	in->folder = open_beneath(
		in->root, slash ? arena_strndup(&s->arena, rest, (size_t)(slash - rest)) : "", err);
	return in->folder < 0 ? -1 : 0;
}

/* A path of ours: its folder and its name; the name of a folder that is there is ".". */
static int open_local(struct session *s, const char *path, int *folder, const char **name,
		      struct error *err)
{
	size_t len = strlen(path);
	const char *slash;
	struct stat st;

	while (len > 1 && path[len - 1] == '/')
		path = arena_strndup(&s->arena, path, --len);
	slash = strrchr(path, '/');
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		*name = ".";
	} else {
		*name = slash ? slash + 1 : path;
		path = !slash		? "."
			: slash == path ? "/"
					: arena_strndup(&s->arena, path, (size_t)(slash - path));
	}
	*folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *folder < 0 ? fail_errno(err, "open %s", path) : 0;
}

static bool is_folder(int folder, const char *name)
{
	struct stat st;

	return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* Into a folder that is there goes a folder's content, or a file under its own name. */
static int copy(int from, const char *name, int to, const char *as, struct copy *c,
		struct error *err)
{
	AUTO(fd) int into = -1;

	if (!is_folder(from, name) && is_folder(to, as)) {
		into = openat(to, as, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (into < 0)
			return fail_errno(err, "open folder %s", as);
		return copy_entry(from, name, into, name, c, err);
	}
	return copy_entry(from, name, to, as, c, err);
}

static int transfer(struct session *s, const char *there, const char *local, bool put,
		    struct copy *c, struct error *err)
{
	AUTO(inside) struct inside in = INSIDE_NONE;
	AUTO(fd) int folder = -1;
	const char *name = ".";
	struct stat st;

	if (locate(s, there, &in, err) < 0 || open_local(s, local, &folder, &name, err) < 0)
		return -1;
	/* A copy belongs to whom the folder belongs to that it is put into: here to the user, there to the app's. */
	if (fstat(put ? in.root : folder, &st) < 0)
		return fail_errno(err, "stat");
	c->uid = st.st_uid;
	c->gid = st.st_gid;
	return put ? copy(folder, name, in.folder, in.name, c, err)
		   : copy(in.folder, in.name, folder, name, c, err);
}

static void report(struct session *s, const struct copy *c)
{
	struct json_t *map;
	char size[32];

	if (s->options->json) {
		map = json_new_map();
		json_put_number(map, "copied", (int64_t)c->copied);
		json_put_number(map, "bytes", (int64_t)c->bytes);
		json_put_number(map, "unchanged", (int64_t)c->unchanged);
		json_put_number(map, "skipped", (int64_t)c->skipped);
		session_print("orch.mount.copy/1", "files", map);
	} else if (!s->options->quiet) {
		fprintf(stderr, "%llu copied (%s), %llu unchanged, %llu skipped\n",
			(unsigned long long)c->copied, text_bytes(size, c->bytes),
			(unsigned long long)c->unchanged, (unsigned long long)c->skipped);
	}
}

static int list(struct session *s, struct error *err)
{
	AUTO(json) struct json_t *document = session_document(s, 0, err);
	AUTO(json) struct json_t *out = json_new_list();
	AUTO(table) struct table table = { 0 };
	const struct json_t *containers = json_get(document, "containers");
	const char **names;
	size_t n;

	if (!document)
		return -1;
	table_row(&table, "MOUNT", "SOURCE", "FOLDER", NULL);
	names = json_keys(&s->arena, containers, &n);
	for (size_t i = 0; i < n; i++) {
		const struct json_t *mounts = json_path(containers, names[i], "mounts", NULL);
		const char **paths;
		size_t n_paths;

		paths = json_keys(&s->arena, mounts, &n_paths);
		for (size_t k = 0; k < n_paths; k++) {
			const struct json_t *m = json_get(mounts, paths[k]);
			struct json_t *map = json_add(out, json_new_map());
			const char *source = json_get_text(m, "source", "");
			const char *folder = json_get_text(m, "source_path", "");

			json_put_text(map, "container", names[i]);
			json_put_text(map, "path", paths[k]);
			json_put_text(map, "source", source);
			json_put_text(map, "source_path", folder);
			table_row(&table, arena_printf(&s->arena, "%s:%s", names[i], paths[k]),
				  source, folder, NULL);
		}
	}
	if (s->options->json)
		session_print("orch.mount.ls/1", "mounts", TAKE_PTR(out));
	else
		table_print(&table, stdout);
	return 0;
}

int cmd_mount(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	bool put = !strcmp(argv[0], "put"), get = !strcmp(argv[0], "get");
	struct copy c = { 0 };

	if (!(argc == 1 && !strcmp(argv[0], "ls")) &&
	    !(argc == 3 && (put || get) && strchr(argv[put ? 2 : 1], ':')))
		return fail(err, ERROR_INPUT,
			    "orch mount ls | get CONTAINER:PATH LOCAL | put LOCAL CONTAINER:PATH");
	if (session_open(&s, ctx, err) < 0 || session_environment(&s, err) < 0)
		return -1;
	if (argc == 1)
		return list(&s, err);
	if (host_need_root("mount", err) < 0 ||
	    transfer(&s, argv[put ? 2 : 1], argv[put ? 1 : 2], put, &c, err) < 0)
		return -1;
	report(&s, &c);
	return 0;
}
