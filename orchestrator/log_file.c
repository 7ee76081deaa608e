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

static int open_log(const char *path, struct stat *st)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd >= 0 && (fstat(fd, st) < 0 || !S_ISREG(st->st_mode))) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

static char *read_lines(struct arena *arena, int fd, off_t size, off_t *offset)
{
	ssize_t got;
	char *data, *rest;

	if (size - *offset > MAX_READ)
		*offset = size - MAX_READ;
	if (size <= *offset)
		return NULL;
	data = arena_alloc(arena, (size_t)(size - *offset) + 1);
	got = pread(fd, data, (size_t)(size - *offset), *offset);
	if (got <= 0)
		return NULL;
	data[got] = '\0';
	rest = strrchr(data, '\n');
	if (!rest)
		return NULL;
	*rest = '\0';
	*offset += rest + 1 - data;
	return data;
}

/* A full log is put aside (pid1_log.c): what it got since it was read last. */
static char *read_aside(struct arena *arena, struct log_file *f)
{
	struct stat st;
	AUTO(fd) int fd = open_log(arena_printf(arena, "%s.1", f->path), &st);

	return fd >= 0 && st.st_ino == f->inode ? read_lines(arena, fd, st.st_size, &f->offset)
						: NULL;
}

char *log_file_more(struct arena *arena, struct log_file *f)
{
	struct stat st;
	AUTO(fd) int fd = open_log(f->path, &st);
	char *before = NULL, *now;

	if (fd < 0)
		return NULL;
	if (f->inode && st.st_ino != f->inode)
		before = read_aside(arena, f);
	if (st.st_ino != f->inode || st.st_size < f->offset)
		f->offset = 0;
	f->inode = st.st_ino;
	now = read_lines(arena, fd, st.st_size, &f->offset);
	return before && now ? arena_printf(arena, "%s\n%s", before, now) : before ? before : now;
}

void log_file_skip(struct log_file *f, off_t keep)
{
	struct stat st;
	AUTO(fd) int fd = open_log(f->path, &st);

	if (fd < 0)
		return;
	f->offset = st.st_size > keep ? st.st_size - keep : 0;
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
