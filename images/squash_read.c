/*
 * squash_read.c - look into an image without mounting it
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sqfs/compressor.h>
#include <sqfs/data_reader.h>
#include <sqfs/dir_reader.h>
#include <sqfs/error.h>
#include <sqfs/id_table.h>
#include <sqfs/inode.h>
#include <sqfs/io.h>
#include <sqfs/super.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "images/squash.h"

#define CHUNK (1u << 20)

struct reader {
	const char *path;
	sqfs_super_t super;
	sqfs_file_t *file;
	sqfs_compressor_t *compressor;
	sqfs_id_table_t *ids;
	sqfs_dir_reader_t *folders;
	sqfs_data_reader_t *data;
};

static void destroy(void *object)
{
	if (object)
		sqfs_destroy(object);
}

static void close_reader(struct reader *r)
{
	destroy(r->data);
	destroy(r->folders);
	destroy(r->ids);
	destroy(r->compressor);
	destroy(r->file);
}
#define auto_reader close_reader

static int damaged(const struct reader *r, const char *what, int code, struct error *err)
{
	return fail(err, ERROR_SYSTEM, "%s is damaged: %s (squashfs error %d)", r->path, what,
		    code);
}

static int open_reader(struct reader *r, struct error *err)
{
	sqfs_compressor_config_t config;
	int code;

	r->file = sqfs_open_file(r->path, SQFS_FILE_OPEN_READ_ONLY);
	if (!r->file)
		return fail_errno(err, "open %s", r->path);
	code = sqfs_super_read(&r->super, r->file);
	if (code)
		return damaged(r, "super block", code, err);
	sqfs_compressor_config_init(&config, (SQFS_COMPRESSOR)r->super.compression_id,
				    r->super.block_size, SQFS_COMP_FLAG_UNCOMPRESS);
	code = sqfs_compressor_create(&config, &r->compressor);
	if (code == 0 && (r->super.flags & SQFS_FLAG_COMPRESSOR_OPTIONS))
		code = r->compressor->read_options(r->compressor, r->file);
	if (code < 0)
		return damaged(r, "compressor", code, err);
	r->ids = sqfs_id_table_create(0);
	r->folders = sqfs_dir_reader_create(&r->super, r->compressor, r->file, 0);
	r->data = sqfs_data_reader_create(r->file, r->super.block_size, r->compressor, 0);
	if (!r->ids || !r->folders || !r->data)
		abort();
	code = sqfs_id_table_read(r->ids, r->file, &r->super, r->compressor);
	if (code == 0)
		code = sqfs_data_reader_load_fragment_table(r->data, &r->super);
	return code ? damaged(r, "tables", code, err) : 0;
}

static int read_all(struct reader *r, const sqfs_inode_generic_t *inode, const char *name,
		    char *out, uint64_t size, struct error *err)
{
	for (uint64_t at = 0; at < size;) {
		uint32_t step = size - at > CHUNK ? CHUNK : (uint32_t)(size - at);
		sqfs_s32 got = sqfs_data_reader_read(r->data, inode, at, out + at, step);

		if (got <= 0)
			return damaged(r, name, got, err);
		at += (uint32_t)got;
	}
	return 0;
}

int squash_read_file(struct arena *arena, const char *image, const char *name, size_t max,
		     char **out, size_t *size, struct error *err)
{
	AUTO(reader) struct reader r = { .path = image };
	sqfs_inode_generic_t *root = NULL, *inode = NULL;
	sqfs_u64 bytes = 0;
	char *text;
	int code, result = -1;

	if (open_reader(&r, err) < 0)
		return -1;
	code = sqfs_dir_reader_get_root_inode(r.folders, &root);
	if (code == 0)
		code = sqfs_dir_reader_find_by_path(r.folders, root, name, &inode);
	if (code == SQFS_ERROR_NO_ENTRY || code == SQFS_ERROR_NOT_DIR ||
	    (code == 0 && inode->base.type != SQFS_INODE_FILE &&
	     inode->base.type != SQFS_INODE_EXT_FILE)) {
		result = SQUASH_ABSENT;
	} else if (code) {
		damaged(&r, name, code, err);
	} else if (sqfs_inode_get_file_size(inode, &bytes), bytes > max) {
		fail(err, ERROR_SYSTEM, "%s in %s is larger than %zu bytes", name, image, max);
	} else {
		text = arena_alloc(arena, (size_t)bytes + 1);
		result = read_all(&r, inode, name, text, bytes, err);
		if (result == 0) {
			*out = text;
			*size = (size_t)bytes;
		}
	}
	sqfs_free(inode);
	sqfs_free(root);
	return result;
}

struct verifier {
	struct reader *r;
	struct squash_info info;
	char *chunk;
};

static int verify_file(struct verifier *v, const sqfs_tree_node_t *node, struct error *err)
{
	const char *name = (const char *)node->name;
	sqfs_u64 size = 0;

	sqfs_inode_get_file_size(node->inode, &size);
	v->info.files++;
	v->info.content += size;
	for (sqfs_u64 at = 0; at < size;) {
		sqfs_s32 got = sqfs_data_reader_read(v->r->data, node->inode, at, v->chunk, CHUNK);
		char *path = NULL;

		if (got > 0) {
			at += (uint32_t)got;
			continue;
		}
		(void)sqfs_tree_node_get_path(node, &path);
		damaged(v->r, path ? path : name, got, err);
		sqfs_free(path);
		return -1;
	}
	return 0;
}

static int verify_tree(struct verifier *v, const sqfs_tree_node_t *node, struct error *err)
{
	if (S_ISREG(node->inode->base.mode) && verify_file(v, node, err) < 0)
		return -1;
	for (const sqfs_tree_node_t *c = node->children; c; c = c->next)
		if (verify_tree(v, c, err) < 0)
			return -1;
	return 0;
}

int squash_verify(const char *image, struct squash_info *out, struct error *err)
{
	AUTO(reader) struct reader r = { .path = image };
	struct verifier v = { .r = &r };
	sqfs_tree_node_t *root = NULL;
	int code, result;

	if (open_reader(&r, err) < 0)
		return -1;
	code = sqfs_dir_reader_get_full_hierarchy(r.folders, r.ids, NULL, SQFS_TREE_STORE_PARENTS,
						  &root);
	if (code)
		return damaged(&r, "folders", code, err);
	v.chunk = malloc(CHUNK);
	if (!v.chunk)
		abort();
	v.info.bytes = r.super.bytes_used;
	result = verify_tree(&v, root, err);
	free(v.chunk);
	sqfs_dir_tree_destroy(root);
	if (result == 0)
		*out = v.info;
	return result;
}
