#include "orchestrator/host.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"

static char *absolute(struct arena *arena, const char *root, struct error *err)
{
	char folder[PATH_MAX];
	char *path;
	size_t len;

	if (root[0] == '/') {
		path = arena_strdup(arena, root);
	} else {
		if (!getcwd(folder, sizeof(folder))) {
			fail_errno(err, "current folder");
			return NULL;
		}
		path = arena_printf(arena, "%s/%s", folder, root);
	}
	for (len = strlen(path); len > 0 && path[len - 1] == '/'; len--)
		path[len - 1] = '\0';
	return path;
}

static const char *or_env(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value && *value ? value : otherwise;
}

int host_open(struct arena *arena, const char *root, struct host *out, struct error *err)
{
	struct host h = { .root = "", .cgroups = "orch" };

	if (root && *root) {
		h.root = absolute(arena, root, err);
		if (!h.root)
			return -1;
	}
	if (*h.root) {
		char digest[SHA256_HEX];

		sha256_of(h.root, strlen(h.root), digest);
		memcpy(h.tag, digest, sizeof(h.tag) - 1);
		h.cgroups = arena_printf(arena, "orch-%s", h.tag);
	}
	h.state = arena_printf(arena, "%s/var/lib/orch", h.root);
	h.images = arena_printf(arena, "%s/images", h.state);
	h.pool = arena_printf(arena, "%s/pool", h.state);
	h.log = arena_printf(arena, "%s/log", h.state);
	h.scratch = arena_printf(arena, "%s/scratch", h.state);
	h.cache = arena_printf(arena, "%s/cache", h.state);
	h.run = arena_printf(arena, "%s/run/orch", h.root);
	h.mounts = arena_printf(arena, "%s/images", h.run);
	h.dev = arena_printf(arena, "%s/dev", h.run);
	h.share = or_env("ORCH_SHARE", ORCH_SHARE);
	h.init = arena_printf(arena, "%s/orch-init", or_env("ORCH_LIBEXEC", ORCH_LIBEXEC));
	*out = h;
	return 0;
}

int host_ensure(const struct host *h, struct error *err)
{
	const char *const folders[] = { h->state, h->images, h->log,	h->scratch,
					h->cache, h->run,    h->mounts, h->dev };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (file_make_dirs(folders[i], 0755, err) < 0)
			return -1;
	return 0;
}

int host_need_root(const char *what, struct error *err)
{
	if (geteuid() == 0)
		return 0;
	return fail(err, ERROR_PERMISSION, "%s needs root: use sudo", what);
}

char *host_boot_id(char *buf)
{
	AUTO(fd) int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? 0 : read(fd, buf, 36);

	buf[got < 0 ? 0 : got] = '\0';
	return buf;
}
