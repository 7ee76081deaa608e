/*
 * loop.h - a file as a block device: loop(4)
 */
#pragma once

struct error;

#define LOOP_PATH 32

/*
 * The device of the file, attached if need be; path is its name. Free again when nobody has it open or mounted. What is written goes
 * past the host's page cache, where its file system can: the file system inside caches already, and a full disk is told at once.
 */
int loop_attach(const char *image, char path[LOOP_PATH], struct error *err);
/* The device behind fd takes on the size that its file has now. */
int loop_resize(int fd, struct error *err);
