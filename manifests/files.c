#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "manifests/files.h"
#include "manifests/tree.h"

const char *files_folder(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? arena_strndup(arena, path, (size_t)(slash - path)) : "";
}

const char *files_join(struct arena *arena, const char *folder, const char *path)
{
	const char *all = *path == '/' ? path : arena_printf(arena, "%s/%s", folder, path);
	char *out = arena_alloc(arena, strlen(all) + 1);
	size_t n = 0;

	while (*all) {
		size_t len = strcspn(all, "/");

		if (len == 2 && !strncmp(all, "..", 2)) {
			if (!n)
				return NULL;
			while (n && out[n] != '/')
				n--;
		} else if (len && !(len == 1 && *all == '.')) {
			if (n)
				out[n++] = '/';
			memcpy(out + n, all, len);
			n += len;
		}
		out[n] = '\0';
		all += len;
		all += strspn(all, "/");
	}
	return out;
}

/* openat2(2): nothing on the way may lead out of the folder. */
static int open_below(int folder, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned)(flags | O_CLOEXEC | O_NONBLOCK),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, folder, *path ? path : ".", &how, sizeof(how));
}

static bool is_absent(int why)
{
	return why == ENOENT || why == ENOTDIR;
}

static int fail_open(const char *path, struct error *err)
{
	if (is_absent(errno))
		return FILE_ABSENT;
	if (errno == EXDEV)
		return fail(err, ERROR_INPUT, "%s is a link that leads out of the project", path);
	return fail_errno(err, "%s", path);
}

static int read_all(int fd, struct arena *arena, const char *path, char **out, size_t *size,
		    struct error *err)
{
	struct stat st;
	size_t n = 0;
	char *data;

	if (fstat(fd, &st) < 0)
		return fail_errno(err, "%s", path);
	if (!S_ISREG(st.st_mode))
		return fail(err, ERROR_INPUT, "%s is not a file", path);
	if (st.st_size > TREE_MAX_BYTES)
		return fail(err, ERROR_INPUT, "%s is larger than %u bytes", path, TREE_MAX_BYTES);
	data = arena_alloc(arena, (size_t)st.st_size + 1);
	while (n < (size_t)st.st_size) {
		ssize_t r = read(fd, data + n, (size_t)st.st_size - n);

		if (r < 0)
			return fail_errno(err, "read %s", path);
		if (!r)
			break;
		n += (size_t)r;
	}
	*out = data;
	*size = n;
	return 0;
}

static int read_below(void *ctx, struct arena *arena, const char *path, char **out, size_t *size,
		      struct error *err)
{
	AUTO(fd) int fd = open_below(*(const int *)ctx, path, O_RDONLY);

	if (fd < 0)
		return fail_open(path, err);
	return read_all(fd, arena, path, out, size, err);
}

static int pack_below(void *ctx, struct arena *arena, const char *path, char **out, size_t *size,
		      struct error *err)
{
	AUTO(fd) int fd = open_below(*(const int *)ctx, path, O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return fail_open(path, err);
	return archive_pack(arena, fd, out, size, err) < 0 ? fail_in(err, "%s", path) : 0;
}

struct files files_of(const int *folder)
{
	return (struct files){ read_below, pack_below, (void *)(size_t)folder };
}
