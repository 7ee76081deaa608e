#include "runtime/volume.h"

#include <endian.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"

#define ABSENT 1
#define LEAF_MAX 200 /* bytes; a file's name is at most 255, and temporary ones are longer */

/* Where a volume is or would be: an open folder and a name in it. Released with AUTO(place). */
struct place {
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

/* The root folder of each subvolume has this inode number, and no other folder has. */
static bool is_subvolume(int folder, const char *leaf)
{
	struct stat st;

	return fstatat(folder, leaf, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode) &&
		st.st_ino == BTRFS_FIRST_FREE_OBJECTID;
}

static int open_leaf(int folder, const char *leaf, const char *name, struct error *err)
{
	int fd = openat(folder, leaf, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? fail_errno(err, "open volume %s", name) : fd;
}

/* The subvolume fd is in. */
static int id_of(int fd, uint64_t *out, struct error *err)
{
	struct btrfs_ioctl_ino_lookup_args args = { .objectid = BTRFS_FIRST_FREE_OBJECTID };

	if (ioctl(fd, BTRFS_IOC_INO_LOOKUP, &args) < 0)
		return fail_errno(err, "find the number of a volume");
	*out = args.treeid;
	return 0;
}

/* The limit counts what is charged to the volume; -1 takes it away (struct btrfs_qgroup_limit). */
static int set_limit(int fd, const char *name, uint64_t limit, struct error *err)
{
	struct btrfs_ioctl_qgroup_limit_args args = {
		.lim.flags = BTRFS_QGROUP_LIMIT_MAX_RFER,
		.lim.max_rfer = limit ? limit : UINT64_MAX,
	};

	if (ioctl(fd, BTRFS_IOC_QGROUP_LIMIT, &args) == 0)
		return 0;
	if (errno != ENOTCONN)
		return fail_errno(err, "volume %s: set limit", name);
	if (limit)
		return fail(err, ERROR_HOST, "volume %s: set limit: its btrfs has no quotas", name);
	return 0;
}

/* The first item of [objectid, type, from offset on] in a tree; ABSENT when there is none. */
static int first_item(int fd, uint64_t tree, uint64_t objectid, uint32_t type, uint64_t offset,
		      struct btrfs_ioctl_search_args *args)
{
	*args = (struct btrfs_ioctl_search_args){ .key = {
							  .tree_id = tree,
							  .min_objectid = objectid,
							  .max_objectid = objectid,
							  .min_type = type,
							  .max_type = type,
							  .min_offset = offset,
							  .max_offset = UINT64_MAX,
							  .max_transid = UINT64_MAX,
							  .nr_items = 1,
						  } };
	if (ioctl(fd, BTRFS_IOC_TREE_SEARCH, args) < 0)
		return -1;
	return args->key.nr_items ? 0 : ABSENT;
}

/* A container may make subvolumes in its volumes. The innermost one first, until id itself is gone. */
static int destroy(int pool, uint64_t id, struct error *err)
{
	struct btrfs_ioctl_vol_args_v2 args;
	struct btrfs_ioctl_search_args found;
	struct btrfs_ioctl_search_header head;
	uint64_t inner;

	do {
		int r;

		inner = id;
		while ((r = first_item(pool, BTRFS_ROOT_TREE_OBJECTID, inner, BTRFS_ROOT_REF_KEY, 0,
				       &found)) == 0) {
			memcpy(&head, found.buf, sizeof(head));
			inner = head.offset;
		}
		if (r < 0)
			return fail_errno(err, "look for inner subvolumes");
		args = (struct btrfs_ioctl_vol_args_v2){ .flags = BTRFS_SUBVOL_SPEC_BY_ID,
							 .subvolid = inner };
		if (ioctl(pool, BTRFS_IOC_SNAP_DESTROY_V2, &args) < 0)
			return fail_errno(err, "delete subvolume %llu", (unsigned long long)inner);
	} while (inner != id);
	return 0;
}

static int remove_leaf(const struct place *p, const char *leaf, const char *name, struct error *err)
{
	AUTO(fd) int fd = -1;
	uint64_t id = 0;

	if (!is_subvolume(p->folder, leaf))
		return 0;
	fd = open_leaf(p->folder, leaf, name, err);
	if (fd < 0 || id_of(fd, &id, err) < 0 || destroy(p->pool, id, err) < 0)
		return fail_in(err, "volume %s", name);
	return 0;
}

/* Under another name until it is right: a volume that is there never has to be looked at again. */
static int make(const struct place *p, const char *name, uint32_t uid, uint32_t gid, uint64_t limit,
		struct error *err)
{
	struct btrfs_ioctl_vol_args_v2 args = { 0 };
	AUTO(fd) int fd = -1;

	snprintf(args.name, sizeof(args.name), ".%s.new", p->leaf);
	if (remove_leaf(p, args.name, name, err) < 0)
		return -1;
	if (ioctl(p->folder, BTRFS_IOC_SUBVOL_CREATE_V2, &args) < 0)
		return fail_errno(err, "create volume %s", name);
	fd = open_leaf(p->folder, args.name, name, err);
	if (fd < 0)
		return -1;
	if (fchown(fd, uid, gid) < 0 || fchmod(fd, 0755) < 0)
		return fail_errno(err, "volume %s: set owner", name);
	if (set_limit(fd, name, limit, err) < 0)
		return -1;
	if (renameat2(p->folder, args.name, p->folder, p->leaf, RENAME_NOREPLACE) < 0)
		return fail_errno(err, "create volume %s", name);
	return 0;
}

int volume_ensure(const char *pool, const char *name, uint32_t uid, uint32_t gid, uint64_t limit,
		  struct error *err)
{
	AUTO(place) struct place p = { .pool = -1, .folder = -1 };
	AUTO(fd) int fd = -1;

	if (place_open(pool, name, true, &p, err) < 0)
		return -1;
	if (!is_subvolume(p.folder, p.leaf))
		return make(&p, name, uid, gid, limit, err);
	fd = open_leaf(p.folder, p.leaf, name, err);
	return fd < 0 ? -1 : set_limit(fd, name, limit, err);
}

int volume_ensure_no(const char *pool, const char *name, struct error *err)
{
	AUTO(place) struct place p = { .pool = -1, .folder = -1 };
	int r = place_open(pool, name, false, &p, err);

	if (r != 0)
		return r == ABSENT ? 0 : -1;
	if (remove_leaf(&p, p.leaf, name, err) < 0)
		return -1;
	prune(&p);
	return 0;
}

int volume_snapshot(const char *pool, const char *from, const char *to, bool read_only,
		    struct error *err)
{
	AUTO(place) struct place source = { .pool = -1, .folder = -1 };
	AUTO(place) struct place target = { .pool = -1, .folder = -1 };
	struct btrfs_ioctl_vol_args_v2 args = { .flags = read_only ? BTRFS_SUBVOL_RDONLY : 0 };
	AUTO(fd) int fd = -1;
	int r = place_open(pool, from, false, &source, err);

	if (r < 0)
		return -1;
	if (r == ABSENT || !is_subvolume(source.folder, source.leaf))
		return fail(err, ERROR_ABSENT, "snapshot of volume %s: no such volume", from);
	fd = open_leaf(source.folder, source.leaf, from, err);
	if (fd < 0 || place_open(pool, to, true, &target, err) < 0)
		return -1;
	/* Where the name is a folder, the ioctl would put the snapshot into it. */
	if (faccessat(target.folder, target.leaf, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return fail(err, ERROR_CONFLICT, "snapshot of volume %s: %s exists", from, to);
	args.fd = fd;
	snprintf(args.name, sizeof(args.name), "%s", target.leaf);
	if (ioctl(target.folder, BTRFS_IOC_SNAP_CREATE_V2, &args) < 0)
		return fail_errno(err, "snapshot of volume %s as %s", from, to);
	return 0;
}

int volume_move(const char *pool, const char *from, const char *to, struct error *err)
{
	AUTO(place) struct place source = { .pool = -1, .folder = -1 };
	AUTO(place) struct place target = { .pool = -1, .folder = -1 };
	int r = place_open(pool, from, false, &source, err);

	if (r < 0)
		return -1;
	if (r == ABSENT || !is_subvolume(source.folder, source.leaf))
		return fail(err, ERROR_ABSENT, "move volume %s: no such volume", from);
	if (place_open(pool, to, true, &target, err) < 0)
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

	return place_open(pool, name, false, &p, &err) == 0 && is_subvolume(p.folder, p.leaf);
}

int volume_list(struct arena *arena, const char *pool, const char *folder, const char ***names,
		size_t *n, struct error *err)
{
	const char *path = arena_printf(arena, "%s/%s", pool, folder);
	const char **all;
	size_t n_all, kept = 0;
	AUTO(fd) int fd = -1;
	int r = file_list(arena, path, &all, &n_all, err);

	*n = 0;
	if (r != 0)
		return r < 0 ? -1 : 0;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return fail_errno(err, "open %s", path);
	for (size_t i = 0; i < n_all; i++)
		if (is_subvolume(fd, all[i]) && all[i][0] != '.')
			all[kept++] = all[i];
	*names = all;
	*n = kept;
	return 0;
}

/* An item of the quota tree, [0, type, id]: btrfs_tree.h. ABSENT when there is none. */
static int quota_item(int fd, uint32_t type, uint64_t id, void *out, size_t size)
{
	struct btrfs_ioctl_search_args found;
	struct btrfs_ioctl_search_header head;
	int r = first_item(fd, BTRFS_QUOTA_TREE_OBJECTID, 0, type, id, &found);

	if (r != 0)
		return r;
	memcpy(&head, found.buf, sizeof(head));
	if (head.offset != id || head.len < size)
		return ABSENT;
	memcpy(out, found.buf + sizeof(head), size);
	return 0;
}

int volume_usage(const char *pool, const char *name, struct volume_usage *out, struct error *err)
{
	AUTO(place) struct place p = { .pool = -1, .folder = -1 };
	AUTO(fd) int fd = -1;
	struct btrfs_qgroup_info_item info = { 0 };
	struct btrfs_qgroup_limit_item limit = { 0 };
	uint64_t id = 0;
	int r = place_open(pool, name, false, &p, err);

	if (r < 0)
		return -1;
	if (r == ABSENT || !is_subvolume(p.folder, p.leaf))
		return fail(err, ERROR_ABSENT, "volume %s: no such volume", name);
	fd = open_leaf(p.folder, p.leaf, name, err);
	if (fd < 0 || id_of(fd, &id, err) < 0)
		return -1;
	if (quota_item(fd, BTRFS_QGROUP_INFO_KEY, id, &info, sizeof(info)) < 0 ||
	    quota_item(fd, BTRFS_QGROUP_LIMIT_KEY, id, &limit, sizeof(limit)) < 0)
		return fail_errno(err, "volume %s: read usage", name);
	*out = (struct volume_usage){
		.referenced = le64toh(info.rfer),
		.exclusive = le64toh(info.excl),
		.limit = le64toh(limit.flags) & BTRFS_QGROUP_LIMIT_MAX_RFER
			? le64toh(limit.max_rfer)
			: 0,
	};
	return 0;
}
