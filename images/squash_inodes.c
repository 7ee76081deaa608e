/*
 * squash_inodes.c - inodes and folder entries of an image
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <sqfs/dir_writer.h>
#include <sqfs/id_table.h>
#include <sqfs/inode.h>
#include <sqfs/meta_writer.h>
#include <sqfs/xattr_writer.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "images/squash_writer.h"

#define NO_XATTR 0xFFFFFFFFu

/* What has a meaning inside an image; labels of the host's own have none. */
static bool is_kept(const char *key)
{
	return !strncmp(key, "user.", 5) || !strcmp(key, "security.capability");
}

static int by_key(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int add_xattr(struct writer *w, const char *path, const char *key, struct error *err)
{
	char value[4096];
	ssize_t n = lgetxattr(path, key, value, sizeof(value));
	int r;

	if (n < 0)
		return fail_errno(err, "read %s of %s", key, path);
	r = sqfs_xattr_writer_add(w->xattrs, key, value, (size_t)n);
	return r ? squash_fail(err, r, key) : 0;
}

static int write_xattrs(struct writer *w, const struct tree_node *node, uint32_t *out,
			struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *path = arena_printf(&arena, "/proc/self/fd/%d/%s", w->tree.folder, node->path);
	ARENA_LIST(const char *) keys = { 0 };
	char names[4096];
	ssize_t n = llistxattr(path, names, sizeof(names));
	int r;

	*out = NO_XATTR;
	for (const char *k = names; n > 0 && k < names + n; k += strlen(k) + 1)
		if (is_kept(k))
			*arena_push(&arena, &keys) = k;
	if (!keys.n)
		return 0;
	qsort(keys.items, keys.n, sizeof(*keys.items), by_key);
	r = sqfs_xattr_writer_begin(w->xattrs, 0);
	for (size_t i = 0; r == 0 && i < keys.n; i++)
		if (add_xattr(w, path, keys.items[i], err) < 0)
			return -1;
	if (r == 0)
		r = sqfs_xattr_writer_end(w->xattrs, out);
	return r ? squash_fail(err, r, node->path) : 0;
}

static int write_inode(struct writer *w, struct tree_node *node, uint32_t xattr, struct error *err)
{
	sqfs_inode_generic_t *inode = node->inode;
	uint32_t uid = w->options->one_owner ? w->options->uid : node->st.st_uid;
	uint32_t gid = w->options->one_owner ? w->options->gid : node->st.st_gid;
	sqfs_u64 block;
	sqfs_u32 offset;
	int r;

	inode->base.mode = (sqfs_u16)node->st.st_mode;
	inode->base.mod_time = SQUASH_EPOCH;
	inode->base.inode_number = node->number;
	r = sqfs_id_table_id_to_index(w->ids, uid, &inode->base.uid_idx);
	if (r == 0)
		r = sqfs_id_table_id_to_index(w->ids, gid, &inode->base.gid_idx);
	if (r == 0 && xattr != NO_XATTR) {
		sqfs_inode_make_extended(inode);
		r = sqfs_inode_set_xattr_index(inode, xattr);
	}
	sqfs_meta_writer_get_position(w->inodes, &block, &offset);
	node->reference = block << 16 | offset;
	if (r == 0)
		r = sqfs_meta_writer_write_inode(w->inodes, inode);
	sqfs_free(inode);
	node->inode = NULL;
	return r ? squash_fail(err, r, node->path) : 0;
}

static int make_folder(struct writer *w, struct tree_node *node, uint32_t parent, uint32_t xattr,
		       struct error *err)
{
	size_t subfolders = 0;
	int r = sqfs_dir_writer_begin(w->entries, 0);

	for (size_t i = 0; r == 0 && i < node->n_children; i++) {
		const struct tree_node *child = node->children[i];
		const struct tree_node *to = child->same ? child->same : child;

		r = sqfs_dir_writer_add_entry(w->entries, child->name, to->number, to->reference,
					      (sqfs_u16)child->st.st_mode);
		subfolders += S_ISDIR(child->st.st_mode);
	}
	if (r == 0)
		r = sqfs_dir_writer_end(w->entries);
	if (r)
		return squash_fail(err, r, node->path);
	node->inode = sqfs_dir_writer_create_inode(w->entries, subfolders, xattr, parent);
	if (!node->inode)
		abort();
	return 0;
}

static sqfs_inode_generic_t *new_inode(SQFS_INODE_TYPE type, size_t payload)
{
	sqfs_inode_generic_t *inode = calloc(1, sizeof(*inode) + payload + 1);

	if (!inode)
		abort();
	inode->base.type = (sqfs_u16)type;
	inode->payload_bytes_available = (sqfs_u32)payload;
	inode->payload_bytes_used = (sqfs_u32)payload;
	return inode;
}

static void make_leaf(struct tree_node *node)
{
	sqfs_inode_generic_t *inode = node->inode;

	if (S_ISREG(node->st.st_mode)) {
		if (node->links > 1) {
			sqfs_inode_make_extended(inode);
			inode->data.file_ext.nlink = node->links;
		}
		return;
	}
	if (S_ISLNK(node->st.st_mode)) {
		size_t size = strlen(node->target);

		inode = new_inode(SQFS_INODE_SLINK, size);
		inode->data.slink.nlink = 1;
		inode->data.slink.target_size = (sqfs_u32)size;
		memcpy(inode->extra, node->target, size);
	} else {
		inode = new_inode(SQFS_INODE_FIFO, 0);
		inode->data.ipc.nlink = 1;
	}
	node->inode = inode;
}

int squash_write_inodes(struct writer *w, struct tree_node *node, uint32_t parent,
			struct error *err)
{
	uint32_t xattr;

	if (node->same)
		return 0;
	for (size_t i = 0; i < node->n_children; i++)
		if (squash_write_inodes(w, node->children[i], node->number, err) < 0)
			return -1;
	if (write_xattrs(w, node, &xattr, err) < 0)
		return -1;
	if (!S_ISDIR(node->st.st_mode))
		make_leaf(node);
	else if (make_folder(w, node, parent, xattr, err) < 0)
		return -1;
	return write_inode(w, node, xattr, err);
}
