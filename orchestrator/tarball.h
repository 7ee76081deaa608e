/*
 * tarball.h - folders as files and back, by tar and zstd
 *
 * Owners by number, modes, times, hard links, extended attributes, access lists and holes are kept. Sockets are left out.
 */
#pragma once

#include <stdbool.h>

struct error;

/* Everything in the folder as a new file, synced. compress: by zstd. */
int tarball_pack(const char *folder, const char *file, bool compress, struct error *err);
/* Into a folder that is there. keep_owners: what is in it belongs to whom it says, else to the caller. */
int tarball_unpack(const char *file, const char *folder, bool compressed, bool keep_owners,
		   struct error *err);

/* A link to the file where that is possible, else a copy, synced. to must not exist. */
int tarball_copy(const char *from, const char *to, struct error *err);
