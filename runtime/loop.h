/*
 * loop.h - a file as a block device: loop(4)
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct error;

#define LOOP_PATH 32

/* loop(4) hands on requests of this size: neither a disk nor a file system below has smaller blocks to write. */
#define LOOP_BLOCK 4096

/* The device that has the open file already, or -1; path is its name. */
int loop_find(int file, char path[LOOP_PATH]);
/*
 * The device of the open file, attached if need be. Free again when nobody has it open or mounted. What is written goes
 * past the host's page cache, where its file system can: the file system inside caches already, and a full disk is told at once. Two at once
 * for the same file must not be: the caller sees to that.
 */
int loop_attach(int file, char path[LOOP_PATH], struct error *err);
/* The device behind fd takes on the size that its file has now. */
int loop_resize(int fd, struct error *err);
/* That of the name ("loop7") shows a file of the file system with that device number (stat(2)). */
bool loop_is_of(const char *name, dev_t device);
