/*
 * log_file.h - what a process wrote, as orch-init keeps it: lines that begin with a time
 */
#pragma once

#include <sys/types.h>

struct arena;

struct log_file {
	const char *path;
	off_t offset; /* read so far */
	ino_t inode;
};

/* Whole lines after what was read before, without the last one's end; NULL: none. The folder is the container's: a link in it is not followed. */
char *log_file_more(struct arena *arena, struct log_file *f);

/* Of what is there so far only the last `keep` bytes, which may begin within a line: offset says whether any were left out. */
void log_file_skip(struct log_file *f, off_t keep);

/* On standard output. What a container wrote must not move the reader's cursor or change its colours. */
void log_file_put(const char *line);
