#include "runtime/volume.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "runtime/driver.h"

#define ABSENT 1
#define LEAF_MAX 200	/* bytes; a file's name is at most 255, and temporary ones are longer */
#define FRESH ".%s.new" /* the name of one that is being made; driver_files.c as well */

/* Where a volume is or would be: an open folder and a name in it. Released with AUTO(place). */
struct place {
	const struct volume_driver *driver;
	int pool, folder; /* the same descriptor twice when the name has no '/' */
	char above[LEAF_MAX + 1], leaf[LEAF_MAX + 1];
};

static void auto_place(struct place *p)
{
	if (p->folder != p->pool)
		auto_fd(&p->folder);
	auto_fd(&p->pool);
}

static bool good_part(const char *part, size_t n)
{
	return n > 0 && n <= LEAF_MAX && part[0] != '.' && !memchr(part, '/', n);
}

static int split(const char *name, struct place *out, struct error *err)
{
	const char *slash = strchr(name, '/'), *leaf = slash ? slash + 1 : name;
	size_t above = slash ? (size_t)(slash - name) : 0;

	if (!good_part(leaf, strlen(leaf)) || (slash && !good_part(name, above)))
		return fail(err, ERROR_INPUT, "volume %s: bad name", name);
	memcpy(out->above, name, above);
	out->above[above] = '\0';
	memcpy(out->leaf, leaf, strlen(leaf) + 1);
	return 0;
}

/* ABSENT: no such pool or folder, and make isn't set. */
static int place_open(const char *pool, const char *name, bool make, struct place *out,
		      struct error *err)
{
	AUTO(place) struct place p = { .pool = -1, .folder = -1 };

	if (split(name, &p, err) < 0)
		return -1;
	p.pool = p.folder = open(pool, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p.pool < 0)
		return errno == ENOENT && !make ? ABSENT : fail_errno(err, "open %s", pool);
	p.driver = driver_of(pool);
	if (!p.driver)
		return make ? fail(err, ERROR_HOST, "%s isn't a pool: orch pool show", pool)
			    : ABSENT;
	if (*p.above) {
		if (make && mkdirat(p.pool, p.above, 0700) < 0 && errno != EEXIST)
			return fail_errno(err, "make %s/%s", pool, p.above);
		p.folder = openat(p.pool, p.above, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (p.folder < 0)
			return errno == ENOENT && !make
				? ABSENT
				: fail_errno(err, "open %s/%s", pool, p.above);
	}
	*out = p;
	p.pool = p.folder = -1;
	return 0;
}

/* An environment's folder goes with its last volume. */
static void prune(const struct place *p)
{
	if (*p->above)
		(void)unlinkat(p->pool, p->above, AT_REMOVEDIR);
}

static struct volume_spot spot(const struct place *p, const char *leaf, const char *name)
{
	return (struct volume_spot){ p->folder, leaf, name };
}

static bool is_volume(const struct place *p)
{
	return p->driver && p->driver->is_volume(p->folder, p->leaf);
}

static int remove_leaf(const struct place *p, const char *leaf, const char *name, struct error *err)
{
	const struct volume_spot at = spot(p, leaf, name);

	return p->driver->is_volume(p->folder, leaf) ? p->driver->remove(&at, err) : 0;
}

/* ERROR_ABSENT: there is none. */
static int find(const char *pool, const char *name, const char *what, struct place *out,
		struct volume_spot *at, struct error *err)
{
	int r = place_open(pool, name, false, out, err);

	if (r < 0)
		return -1;
	if (r == ABSENT || !is_volume(out))
		return fail(err, ERROR_ABSENT, "%svolume %s: no such volume", what, name);
	*at = spot(out, out->leaf, name);
	return 0;
}

/* Under another name until it is right: a volume that is there never has to be looked at again. */
static int make(const struct place *p, const char *name, uint32_t uid, uint32_t gid, uint64_t limit,
		int *top, struct error *err)
{
	char fresh[LEAF_MAX + 8];
	const struct volume_spot at = spot(p, fresh, name);
	AUTO(fd) int fd = -1;
	uint64_t used;

	snprintf(fresh, sizeof(fresh), FRESH, p->leaf);
	if (remove_leaf(p, fresh, name, err) < 0)
		return -1;
	fd = p->driver->create(&at, limit, err);
	if (fd < 0)
		return -1;
	if (fchown(fd, uid, gid) < 0 || fchmod(fd, 0755) < 0)
		return fail_errno(err, "volume %s: set owner", name);
	if (p->driver->limit(&at, fd, limit, &used, err) < 0)
		return -1;
	if (renameat2(p->folder, fresh, p->folder, p->leaf, RENAME_NOREPLACE) < 0)
		return fail_errno(err, "create volume %s", name);
	*top = TAKE_FD(fd);
	return 0;
}

int volume_ensure(const char *pool, const char *name, uint32_t uid, uint32_t gid, uint64_t limit,
		  int *top, struct error *err)
{
	AUTO(place) struct place p = { .pool = -1, .folder = -1 };
	struct volume_spot at;
	AUTO(fd) int fd = -1;
	uint64_t used;

	if (place_open(pool, name, true, &p, err) < 0)
		return -1;
	at = spot(&p, p.leaf, name);
	if (!is_volume(&p)) {
		if (make(&p, name, uid, gid, limit, &fd, err) < 0)
			return -1;
	} else {
		fd = p.driver->open(&at, err);
		if (fd < 0 || p.driver->limit(&at, fd, limit, &used, err) < 0)
			return -1;
	}
	if (top)
		*top = TAKE_FD(fd);
	return 0;
}

int volume_open(const char *pool, const char *name, struct error *err)
{
	AUTO(place) struct place p = { .pool = -1, .folder = -1 };
	struct volume_spot at;

	return find(pool, name, "", &p, &at, err) < 0 ? -1 : p.driver->open(&at, err);
}

int volume_tree(const char *pool, const char *name, struct error *err)
{
	AUTO(place) struct place p = { .pool = -1, .folder = -1 };
	struct volume_spot at;

	return find(pool, name, "", &p, &at, err) < 0 ? -1 : p.driver->tree(&at, err);
}

int volume_sync(const char *pool, const char *name, struct error *err)
{
	AUTO(place) struct place p = { .pool = -1, .folder = -1 };
	struct volume_spot at;

	return find(pool, name, "", &p, &at, err) < 0 ? -1 : p.driver->sync(&at, err);
}

int volume_trim(const char *pool, const char *name, struct error *err)
{
	AUTO(place) struct place p = { .pool = -1, .folder = -1 };
	struct volume_spot at;

	if (find(pool, name, "", &p, &at, err) < 0)
		return -1;
	return p.driver->trim ? p.driver->trim(&at, err) : 0;
}

int volume_ensure_no(const char *pool, const char *name, struct error *err)
{
	AUTO(place) struct place p = { .pool = -1, .folder = -1 };
	char fresh[LEAF_MAX + 8];
	int r = place_open(pool, name, false, &p, err);

	if (r != 0)
		return r == ABSENT ? 0 : -1;
	snprintf(fresh, sizeof(fresh), FRESH, p.leaf);
	if (remove_leaf(&p, p.leaf, name, err) < 0 || remove_leaf(&p, fresh, name, err) < 0)
		return -1;
	prune(&p);
	return 0;
}

int volume_snapshot(const char *pool, const char *from, const char *to, bool read_only,
		    struct error *err)
{
	AUTO(place) struct place source = { .pool = -1, .folder = -1 };
	AUTO(place) struct place target = { .pool = -1, .folder = -1 };
	struct volume_spot at, as;

	if (find(pool, from, "snapshot of ", &source, &at, err) < 0 ||
	    place_open(pool, to, true, &target, err) < 0)
		return -1;
	if (faccessat(target.folder, target.leaf, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return fail(err, ERROR_CONFLICT, "snapshot of volume %s: %s exists", from, to);
	as = spot(&target, target.leaf, from);
	return target.driver->snapshot(&at, &as, read_only, err);
}

int volume_move(const char *pool, const char *from, const char *to, struct error *err)
{
	AUTO(place) struct place source = { .pool = -1, .folder = -1 };
	AUTO(place) struct place target = { .pool = -1, .folder = -1 };
	struct volume_spot at;

	if (find(pool, from, "move ", &source, &at, err) < 0 ||
	    place_open(pool, to, true, &target, err) < 0)
		return -1;
	if (renameat2(source.folder, source.leaf, target.folder, target.leaf, RENAME_NOREPLACE) < 0)
		return fail_errno(err, "move volume %s to %s", from, to);
	prune(&source);
	return 0;
}

bool volume_exists(const char *pool, const char *name)
{
	AUTO(place) struct place p = { .pool = -1, .folder = -1 };
	struct error err;

	return place_open(pool, name, false, &p, &err) == 0 && is_volume(&p);
}

int volume_list(struct arena *arena, const char *pool, const char *folder, const char ***names,
		size_t *n, struct error *err)
{
	const char *path = arena_printf(arena, "%s/%s", pool, folder);
	const struct volume_driver *driver = driver_of(pool);
	const char **all;
	size_t n_all, kept = 0;
	AUTO(fd) int fd = -1;
	int r = file_list(arena, path, &all, &n_all, err);

	*n = 0;
	if (r != 0 || !driver)
		return r < 0 ? -1 : 0;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return fail_errno(err, "open %s", path);
	for (size_t i = 0; i < n_all; i++)
		if (all[i][0] != '.' && driver->is_volume(fd, all[i]))
			all[kept++] = all[i];
	*names = all;
	*n = kept;
	return 0;
}

int volume_usage(const char *pool, const char *name, struct volume_usage *out, struct error *err)
{
	AUTO(place) struct place p = { .pool = -1, .folder = -1 };
	struct volume_spot at;

	return find(pool, name, "", &p, &at, err) < 0 || !p.driver ? -1
								   : p.driver->usage(&at, out, err);
}

int volume_tend(const char *pool, const char *name, uint64_t limit, uint64_t *used,
		struct error *err)
{
	AUTO(place) struct place p = { .pool = -1, .folder = -1 };
	struct volume_spot at;
	AUTO(fd) int fd = -1;

	if (find(pool, name, "", &p, &at, err) < 0 || !p.driver)
		return -1;
	fd = p.driver->open(&at, err);
	return fd < 0 ? -1 : p.driver->limit(&at, fd, limit, used, err);
}
