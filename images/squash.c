/*
 * squash.c - pack a folder: data first, then inodes and folders bottom up, then the tables
 *
 * The layout is that of the kernel's Documentation/filesystems/squashfs.rst; libsquashfs writes the parts, the order is
 * ours and depends on names alone.
 */
#include "images/squash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqfs/block_processor.h>
#include <sqfs/block_writer.h>
#include <sqfs/compressor.h>
#include <sqfs/dir_writer.h>
#include <sqfs/error.h>
#include <sqfs/frag_table.h>
#include <sqfs/id_table.h>
#include <sqfs/io.h>
#include <sqfs/meta_writer.h>
#include <sqfs/super.h>
#include <sqfs/xattr_writer.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "images/squash_writer.h"

#define BLOCK_SIZE (128u << 10)
#define DEVICE_BLOCK 4096u /* the file is padded to it, for loop devices */
#define CHUNK (1u << 20)
#define TELL_EVERY 256

int squash_fail(struct error *err, int code, const char *what)
{
	if (code == SQFS_ERROR_IO)
		return fail_errno(err, "%s", what);
	if (code == SQFS_ERROR_ALLOC)
		abort();
	return fail(err, ERROR_SYSTEM, "%s: squashfs error %d", what, code);
}

static int open_compressors(struct writer *w, struct error *err)
{
	sqfs_compressor_config_t config;
	int r;

	sqfs_compressor_config_init(&config, SQFS_COMP_ZSTD, BLOCK_SIZE, 0);
	config.level = w->options->level ? w->options->level : 3;
	r = sqfs_compressor_create(&config, &w->compressor);
	if (r == 0) {
		config.flags |= SQFS_COMP_FLAG_UNCOMPRESS;
		r = sqfs_compressor_create(&config, &w->decompressor);
	}
	return r ? squash_fail(err, r, "zstd") : 0;
}

static int open_processor(struct writer *w, struct error *err)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned threads =
		w->options->threads ? w->options->threads : (unsigned)(cores > 0 ? cores : 1);
	sqfs_block_processor_desc_t d = {
		.size = sizeof(d),
		.max_block_size = BLOCK_SIZE,
		.num_workers = threads,
		.max_backlog = threads * 10,
		.cmp = w->compressor,
		.uncmp = w->decompressor,
		.wr = w->blocks,
		.tbl = w->fragments,
		.file = w->file,
	};
	int r = sqfs_block_processor_create_ex(&d, &w->processor);

	return r ? squash_fail(err, r, "block processor") : 0;
}

static int open_writer(struct writer *w, const char *path, struct error *err)
{
	int r;

	if (open_compressors(w, err) < 0)
		return -1;
	w->file = sqfs_open_file(path, SQFS_FILE_OPEN_OVERWRITE);
	if (!w->file)
		return fail_errno(err, "make %s", path);
	r = sqfs_super_init(&w->super, BLOCK_SIZE, SQUASH_EPOCH, SQFS_COMP_ZSTD);
	if (r == 0)
		r = sqfs_super_write(&w->super, w->file);
	if (r == 0) {
		r = w->compressor->write_options(w->compressor, w->file);
		if (r > 0)
			w->super.flags |= SQFS_FLAG_COMPRESSOR_OPTIONS;
	}
	if (r < 0)
		return squash_fail(err, r, path);
	w->blocks = sqfs_block_writer_create(w->file, DEVICE_BLOCK, 0);
	w->fragments = sqfs_frag_table_create(0);
	w->ids = sqfs_id_table_create(0);
	w->xattrs = sqfs_xattr_writer_create(0);
	w->inodes = sqfs_meta_writer_create(w->file, w->compressor, 0);
	w->folders =
		sqfs_meta_writer_create(w->file, w->compressor, SQFS_META_WRITER_KEEP_IN_MEMORY);
	w->entries = w->folders ? sqfs_dir_writer_create(w->folders, 0) : NULL;
	w->chunk = malloc(CHUNK);
	if (!w->blocks || !w->fragments || !w->ids || !w->xattrs || !w->inodes || !w->entries ||
	    !w->chunk)
		abort();
	return open_processor(w, err);
}

static void destroy(void *object)
{
	if (object)
		sqfs_destroy(object);
}

static void close_writer(struct writer *w)
{
	destroy(w->processor);
	destroy(w->entries);
	destroy(w->folders);
	destroy(w->inodes);
	destroy(w->xattrs);
	destroy(w->ids);
	destroy(w->fragments);
	destroy(w->blocks);
	destroy(w->file);
	destroy(w->decompressor);
	destroy(w->compressor);
	free(w->chunk);
	auto_fd(&w->tree.folder);
}

static void tell(struct writer *w, uint64_t bytes)
{
	w->told_files++;
	w->told_bytes += bytes;
	if (w->options->progress &&
	    (w->told_files % TELL_EVERY == 0 || w->told_files == w->tree.files))
		w->options->progress(w->options->ctx, w->told_files, w->told_bytes);
}

static int write_data(struct writer *w, struct tree_node *node, struct error *err)
{
	AUTO(fd) int fd = openat(w->tree.folder, node->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	uint64_t total = 0;
	ssize_t got;
	int r;

	if (fd < 0)
		return fail_errno(err, "open %s", node->path);
	r = sqfs_block_processor_begin_file(w->processor,
					    (sqfs_inode_generic_t **)(void *)&node->inode, NULL, 0);
	while (r == 0 && (got = TEMP_FAILURE_RETRY(read(fd, w->chunk, CHUNK))) != 0) {
		if (got < 0)
			return fail_errno(err, "read %s", node->path);
		r = sqfs_block_processor_append(w->processor, w->chunk, (size_t)got);
		total += (uint64_t)got;
	}
	if (r == 0)
		r = sqfs_block_processor_end_file(w->processor);
	if (r)
		return squash_fail(err, r, node->path);
	tell(w, total);
	return 0;
}

/* Numbers are given from the leaves up, the root's last. */
static int write_all_data(struct writer *w, struct tree_node *node, struct error *err)
{
	for (size_t i = 0; i < node->n_children; i++)
		if (write_all_data(w, node->children[i], err) < 0)
			return -1;
	if (node->same)
		return 0;
	node->number = ++w->n_inodes;
	return S_ISREG(node->st.st_mode) ? write_data(w, node, err) : 0;
}

static int write_tables(struct writer *w, struct error *err)
{
	int r = sqfs_meta_writer_flush(w->inodes);

	if (r == 0)
		r = sqfs_meta_writer_flush(w->folders);
	w->super.root_inode_ref = w->tree.root->reference;
	w->super.inode_count = w->n_inodes;
	w->super.directory_table_start = w->file->get_size(w->file);
	if (r == 0)
		r = sqfs_meta_write_write_to_file(w->folders);
	if (r == 0)
		r = sqfs_frag_table_write(w->fragments, w->file, &w->super, w->compressor);
	if (r == 0)
		r = sqfs_id_table_write(w->ids, w->file, &w->super, w->compressor);
	if (r == 0)
		r = sqfs_xattr_writer_flush(w->xattrs, w->file, &w->super, w->compressor);
	w->super.bytes_used = w->file->get_size(w->file);
	if (r == 0)
		r = sqfs_super_write(&w->super, w->file);
	if (r == 0)
		r = w->file->truncate(w->file,
				      (w->super.bytes_used + DEVICE_BLOCK - 1) / DEVICE_BLOCK *
					      DEVICE_BLOCK);
	return r ? squash_fail(err, r, "write tables") : 0;
}

/* Inodes that were not written yet, after a failure. */
static void free_inodes(struct tree_node *node)
{
	for (size_t i = 0; i < node->n_children; i++)
		free_inodes(node->children[i]);
	if (node->inode)
		sqfs_free(node->inode);
	node->inode = NULL;
}

static int pack(struct writer *w, const char *path, struct error *err)
{
	int r;

	if (open_writer(w, path, err) < 0)
		return -1;
	r = write_all_data(w, w->tree.root, err);
	/* Also after a failure: until then it may write to the inodes. */
	if (sqfs_block_processor_finish(w->processor) != 0 && r == 0)
		r = fail(err, ERROR_SYSTEM, "compressing failed");
	if (r < 0)
		return -1;
	w->super.inode_table_start = w->file->get_size(w->file);
	if (squash_write_inodes(w, w->tree.root, w->n_inodes + 1, err) < 0)
		return -1;
	return write_tables(w, err);
}

static int sync_file(const char *path, struct error *err)
{
	AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? fail_errno(err, "sync %s", path) : 0;
}

int squash_pack(const char *folder, const char *path, const struct squash_options *options,
		struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	struct writer w = { .options = options, .tree.folder = -1 };
	int r = tree_scan(&arena, folder, options->skip, &w.tree, err);

	if (r < 0)
		return -1;
	r = pack(&w, path, err);
	destroy(w.processor);
	w.processor = NULL;
	free_inodes(w.tree.root);
	close_writer(&w);
	return r < 0 ? -1 : sync_file(path, err);
}
