#include "runtime/volume_diff.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "runtime/btrfs.h"
#include "runtime/volume.h"
#include "runtime/volume_diff_parts.h"

#define MAX_ANCESTORS 512
#define PATHS_SIZE (64u << 10) /* of all hard links of one inode */

/* What a volume has of an origin: everything up to that generation. */
struct ancestor {
	uint8_t uuid[BTRFS_UUID_SIZE];
	uint64_t until;
};

struct side {
	int fd;	     /* the volume */
	uint64_t id; /* its tree */
	struct ancestor *ancestors;
	size_t n;
	char alone; /* how what only this side has is marked */
};

struct diff {
	struct arena *arena;
	struct side sides[2];
	uint64_t since;
	char *paths; /* PATHS_SIZE */
	ARENA_LIST(struct volume_change) list;
};

typedef int take_item(void *ctx, const struct btrfs_ioctl_search_header *head, const void *data,
		      struct error *err);

/* Every item from the key's minimum to its maximum: BTRFS_IOC_TREE_SEARCH, a buffer at a time. */
static int each_item(int fd, struct btrfs_ioctl_search_key key, take_item *take, void *ctx,
		     struct error *err)
{
	for (;;) {
		struct btrfs_ioctl_search_args args = { .key = key };
		struct btrfs_ioctl_search_header head = { 0 };
		const char *at = args.buf;

		args.key.nr_items = 4096;
		if (ioctl(fd, BTRFS_IOC_TREE_SEARCH, &args) < 0)
			return fail_errno(err, "search a volume's tree");
		if (!args.key.nr_items)
			return 0;
		for (uint32_t i = 0; i < args.key.nr_items; i++) {
			memcpy(&head, at, sizeof(head));
			if (take(ctx, &head, at + sizeof(head), err) < 0)
				return -1;
			at += sizeof(head) + head.len;
		}
		key.min_objectid = head.objectid;
		key.min_type = head.type;
		key.min_offset = head.offset + 1;
		if (!key.min_offset && ++key.min_type > UINT8_MAX) {
			key.min_type = 0;
			key.min_objectid++;
		}
	}
}

/* The first item from that offset on; *at is its offset. */
static int read_item(int fd, uint64_t tree, uint64_t objectid, uint32_t type, uint64_t *at,
		     void *to, size_t size, bool *any, struct error *err)
{
	struct btrfs_ioctl_search_args found;
	struct btrfs_ioctl_search_header head = { 0 };
	int r = btrfs_first_item(fd, tree, objectid, type, *at, &found);

	*any = false;
	if (r < 0)
		return fail_errno(err, "search the pool's trees");
	if (r == 0)
		memcpy(&head, found.buf, sizeof(head));
	*any = r == 0 && head.len >= size;
	if (*any)
		memcpy(to, found.buf + sizeof(head), size);
	*at = head.offset;
	return 0;
}

/* A subvolume's number by its uuid, as the uuid tree has it: the two halves of the uuid are a key. */
static int find_uuid(int fd, const uint8_t *uuid, uint64_t *id, bool *any, struct error *err)
{
	uint64_t halves[2], at;
	__le64 found = 0;

	memcpy(halves, uuid, sizeof(halves));
	at = le64toh(halves[1]);
	if (read_item(fd, BTRFS_UUID_TREE_OBJECTID, le64toh(halves[0]), BTRFS_UUID_KEY_SUBVOL, &at,
		      &found, sizeof(found), any, err) < 0)
		return -1;
	*any &= at == le64toh(halves[1]);
	*id = le64toh(found);
	return 0;
}

static int find_ancestors(struct arena *arena, struct side *s, struct error *err)
{
	static const uint8_t none[BTRFS_UUID_SIZE];
	uint64_t id = s->id, until = UINT64_MAX;
	bool any = true;

	s->ancestors = arena_array(arena, MAX_ANCESTORS, sizeof(*s->ancestors));
	while (s->n + 1 < MAX_ANCESTORS) {
		struct btrfs_root_item root;
		uint64_t at = 0;

		if (read_item(s->fd, BTRFS_ROOT_TREE_OBJECTID, id, BTRFS_ROOT_ITEM_KEY, &at, &root,
			      sizeof(root), &any, err) < 0)
			return -1;
		if (!any)
			return 0;
		if (!s->n) {
			memcpy(s->ancestors[0].uuid, root.uuid, BTRFS_UUID_SIZE);
			s->ancestors[s->n++].until = until;
		}
		if (!memcmp(root.parent_uuid, none, sizeof(none)))
			return 0;
		until = le64toh(root.otransid);
		memcpy(s->ancestors[s->n].uuid, root.parent_uuid, BTRFS_UUID_SIZE);
		s->ancestors[s->n++].until = until;
		/* One that was deleted is known by name only. */
		if (find_uuid(s->fd, root.parent_uuid, &id, &any, err) < 0)
			return -1;
		if (!any)
			return 0;
	}
	return 0;
}

/* The generation at which they parted; false when they never were one. */
static bool find_parting(const struct side *a, const struct side *b, uint64_t *out)
{
	for (size_t i = 0; i < a->n; i++)
		for (size_t k = 0; k < b->n; k++) {
			uint64_t x = a->ancestors[i].until, y = b->ancestors[k].until;

			if (memcmp(a->ancestors[i].uuid, b->ancestors[k].uuid, BTRFS_UUID_SIZE) !=
			    0)
				continue;
			*out = x < y ? x : y;
			return true;
		}
	return false;
}

/* What is in a volume is its container's: no link is followed. */
static bool look_at(int volume, const char *path, struct stat *st)
{
	AUTO(fd) int fd = file_open_beneath(volume, path, O_PATH);

	return fd >= 0 && fstat(fd, st) == 0;
}

void diff_add(struct diff *d, char what, const char *path)
{
	struct volume_change *c = arena_push(d->arena, &d->list);

	c->what = what;
	c->path = arena_strdup(d->arena, path);
}

static void compare_file(struct diff *d, const struct side *here, const struct side *there,
			 const char *path, bool written)
{
	struct stat a, b;

	if (!look_at(here->fd, path, &a))
		return;
	if (!look_at(there->fd, path, &b))
		diff_add(d, here->alone, path);
	else if (written || !diff_same_file(&a, &b))
		diff_add(d, '~', path);
}

/*
 * Names that only `here` has. What went from a folder changed only the folder. A folder that only one side has
 * is said once, in what it is in.
 */
static void compare_names(struct diff *d, const struct side *here, const struct side *there,
			  const char *path)
{
	int fd = file_open_beneath(here->fd, path, O_RDONLY | O_DIRECTORY);
	AUTO(dir) DIR *names = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	struct stat st;

	if (!look_at(there->fd, path, &st))
		return;
	if (!S_ISDIR(st.st_mode)) {
		diff_add(d, '~', path);
		return;
	}
	while (names && (e = readdir(names))) {
		const char *below;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		below = *path ? arena_printf(d->arena, "%s/%s", path, e->d_name) : e->d_name;
		if (!look_at(there->fd, below, &st))
			diff_add(d, here->alone, below);
	}
}

/* written: some of its data is, which the times of a file tell only to the tick of a clock. */
static int compare_paths(struct diff *d, const struct side *here, uint64_t inode, bool folder,
			 bool written, struct error *err)
{
	const struct side *there = here == &d->sides[0] ? &d->sides[1] : &d->sides[0];
	struct btrfs_data_container *all = (void *)d->paths;
	struct btrfs_ioctl_ino_path_args args = { .inum = inode,
						  .size = PATHS_SIZE,
						  .fspath = (uint64_t)(uintptr_t)d->paths };

	if (inode == BTRFS_FIRST_FREE_OBJECTID) {
		compare_names(d, here, there, "");
		compare_names(d, there, here, "");
		return 0;
	}
	if (ioctl(here->fd, BTRFS_IOC_INO_PATHS, &args) < 0)
		return errno == ENOENT ? 0 : fail_errno(err, "find the path of an inode");
	for (uint32_t i = 0; i < all->elem_cnt; i++) {
		const char *path = (const char *)all->val + all->val[i];

		if (!folder) {
			compare_file(d, here, there, path, written);
			continue;
		}
		compare_names(d, here, there, path);
		compare_names(d, there, here, path);
	}
	return 0;
}

struct scan {
	struct diff *d;
	const struct side *side;
	uint64_t written; /* the last inode of which an extent is new */
};

static int take_extent(struct scan *s, uint64_t inode, const void *data, struct error *err)
{
	__le64 generation;

	memcpy(&generation,
	       (const char *)data + offsetof(struct btrfs_file_extent_item, generation),
	       sizeof(generation));
	if (s->written == inode || le64toh(generation) <= s->d->since)
		return 0;
	s->written = inode;
	return compare_paths(s->d, s->side, inode, false, true, err);
}

static int take_item_of_inode(void *ctx, const struct btrfs_ioctl_search_header *head,
			      const void *data, struct error *err)
{
	struct scan *s = ctx;
	struct btrfs_inode_item inode;

	if (head->type == BTRFS_EXTENT_DATA_KEY)
		return take_extent(s, head->objectid, data, err);
	if (head->type != BTRFS_INODE_ITEM_KEY || head->len < sizeof(inode))
		return 0;
	memcpy(&inode, data, sizeof(inode));
	if (le64toh(inode.transid) <= s->d->since || !le32toh(inode.nlink))
		return 0;
	return compare_paths(s->d, s->side, head->objectid, S_ISDIR(le32toh(inode.mode)), false,
			     err);
}

static int scan(struct diff *d, const struct side *side, struct error *err)
{
	struct scan s = { .d = d, .side = side };
	const struct btrfs_ioctl_search_key key = {
		.tree_id = side->id,
		.min_objectid = BTRFS_FIRST_FREE_OBJECTID,
		.max_objectid = BTRFS_LAST_FREE_OBJECTID,
		.max_type = UINT8_MAX,
		.max_offset = UINT64_MAX,
		.min_transid = d->since + 1,
		.max_transid = UINT64_MAX,
	};

	return each_item(side->fd, key, take_item_of_inode, &s, err);
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct volume_change *)a)->path,
		      ((const struct volume_change *)b)->path);
}

static int open_side(struct arena *arena, const char *pool, const char *name, struct side *out,
		     struct error *err)
{
	struct statfs fs;

	out->fd = volume_open(pool, name, err);
	if (out->fd < 0)
		return -1;
	if (fstatfs(out->fd, &fs) < 0)
		return fail_errno(err, "volume %s", name);
	if (fs.f_type != BTRFS_SUPER_MAGIC)
		return VOLUME_UNSTAMPED;
	/* What was written just now is stamped when it is committed. */
	if (syncfs(out->fd) < 0)
		return fail_errno(err, "volume %s: sync", name);
	if (btrfs_id_of(out->fd, &out->id, err) < 0)
		return fail_in(err, "volume %s", name);
	return find_ancestors(arena, out, err);
}

/* The first side is open. */
static int diff_others(struct diff *d, const char *pool, const char *second, struct error *err)
{
	struct side *b = &d->sides[1];

	if (b->fd < 0)
		b->fd = volume_open(pool, second, err);
	return b->fd < 0 ? -1 : diff_walk(d, d->sides[0].fd, b->fd, err);
}

static int compare(struct diff *d, const char *pool, const char *first, const char *second,
		   struct error *err)
{
	struct side *a = &d->sides[0], *b = &d->sides[1];
	int r;

	r = open_side(d->arena, pool, first, a, err);
	if (r == 0)
		r = open_side(d->arena, pool, second, b, err);
	if (r == 0 && !find_parting(a, b, &d->since))
		r = VOLUME_UNRELATED;
	if (r == VOLUME_UNSTAMPED)
		return diff_others(d, pool, second, err);
	if (r != 0 || d->since == UINT64_MAX)
		return r;
	return scan(d, a, err) < 0 || scan(d, b, err) < 0 ? -1 : 0;
}

int volume_diff(struct arena *arena, const char *pool, const char *first, const char *second,
		struct volume_change **out, size_t *n, struct error *err)
{
	struct diff d = {
		.arena = arena,
		.sides = { { .fd = -1, .alone = '-' }, { .fd = -1, .alone = '+' } },
		.paths = arena_alloc(arena, PATHS_SIZE),
	};
	size_t kept = 0;
	int r = compare(&d, pool, first, second, err);

	auto_fd(&d.sides[0].fd);
	auto_fd(&d.sides[1].fd);
	if (r != 0)
		return r;
	if (d.list.n)
		qsort(d.list.items, d.list.n, sizeof(*d.list.items), by_path);
	for (size_t i = 0; i < d.list.n; i++)
		if (!kept || strcmp(d.list.items[kept - 1].path, d.list.items[i].path) != 0)
			d.list.items[kept++] = d.list.items[i];
	*out = d.list.items;
	*n = kept;
	return 0;
}
