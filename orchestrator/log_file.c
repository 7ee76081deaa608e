#include "orchestrator/log_file.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"

#define MAX_READ (64u << 20)

static int open_log(const struct log_file *f, struct stat *st)
{
	int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd >= 0 && (fstat(fd, st) < 0 || !S_ISREG(st->st_mode))) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

char *log_file_more(struct arena *arena, struct log_file *f)
{
	struct stat st;
	AUTO(fd) int fd = open_log(f, &st);
	ssize_t got;
	char *data, *rest;

	if (fd < 0)
		return NULL;
	if (st.st_ino != f->inode || st.st_size < f->offset)
		f->offset = 0;
	f->inode = st.st_ino;
	if (st.st_size - f->offset > MAX_READ)
		f->offset = st.st_size - MAX_READ;
	if (st.st_size == f->offset)
		return NULL;
	data = arena_alloc(arena, (size_t)(st.st_size - f->offset) + 1);
	got = pread(fd, data, (size_t)(st.st_size - f->offset), f->offset);
	if (got <= 0)
		return NULL;
	data[got] = '\0';
	rest = strrchr(data, '\n');
	if (!rest)
		return NULL;
	*rest = '\0';
	f->offset += rest + 1 - data;
	return data;
}

void log_file_skip(struct log_file *f)
{
	struct stat st;
	AUTO(fd) int fd = open_log(f, &st);

	if (fd < 0)
		return;
	f->offset = st.st_size;
	f->inode = st.st_ino;
}

void log_file_put(const char *line)
{
	bool terminal = isatty(STDOUT_FILENO);

	for (; *line; line++) {
		unsigned char c = (unsigned char)*line;

		if (terminal && ((c < ' ' && c != '\t') || c == 127))
			putchar('?');
		else
			putchar(c);
	}
	putchar('\n');
}
