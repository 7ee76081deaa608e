/*
 * ext4.h - a file with an ext4 in it, as large as a volume's limit asks for
 *
 * `image` is the open file, of another file system than ext4's own. Only one device may show it: the caller holds a lock while
 * it asks for a mount.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct error;

/* A file system in the new, empty file `leaf` of folder, for `limit` bytes of files. Its top folder is root's and empty. As ext4_mount(). */
int ext4_format(int folder, const char *leaf, uint64_t limit, struct error *err);
/* A detached mount (mounts.h) of it; what a crash left unwritten is written first. */
int ext4_mount(int image, bool read_only, struct error *err);
/* It is mounted somewhere. */
bool ext4_mounted(int image);

/*
 * No more than limit bytes of files (0: all that there is room for) and, beyond those that are there, room bytes. It grows for
 * that if need be; what it has too much is held back, which the next mount forgets. top: its open top folder. *used: bytes of its files.
 */
int ext4_limit(int image, int top, uint64_t limit, uint64_t room, uint64_t *used,
	       struct error *err);
/* Bytes of its files as of the last sync, whether it is mounted or not. */
int ext4_used(int image, uint64_t *used, struct error *err);

/* Bytes that were written to all that are on the folder's file system, and have no blocks yet. */
uint64_t ext4_unwritten(int folder);
