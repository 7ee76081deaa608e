/*
 * squash_writer.h - an image that is being written; between squash.c and squash_inodes.c
 */
#pragma once

#include <sqfs/predef.h>
#include <sqfs/super.h>

#include "images/squash.h"
#include "images/tree.h"

struct writer {
	const struct squash_options *options;
	struct tree tree;
	sqfs_super_t super;
	sqfs_file_t *file;
	sqfs_compressor_t *compressor, *decompressor;
	sqfs_block_writer_t *blocks;
	sqfs_frag_table_t *fragments;
	sqfs_block_processor_t *processor;
	sqfs_id_table_t *ids;
	sqfs_xattr_writer_t *xattrs;
	sqfs_meta_writer_t *inodes, *folders;
	sqfs_dir_writer_t *entries;
	uint32_t n_inodes;
	uint64_t told_files, told_bytes;
	char *chunk;
};

/* What libsquashfs's code means; -1. */
int squash_fail(struct error *err, int code, const char *what);

/* The inodes of a node and all below, and the entries of folders; after the data. parent is an inode number. */
int squash_write_inodes(struct writer *w, struct tree_node *node, uint32_t parent,
			struct error *err);
