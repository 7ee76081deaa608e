#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "runtime/pid1.h"

#define DEFAULT_SIZE (10 << 20)

static char log_folder[256];
static uint64_t log_max = DEFAULT_SIZE;

void log_set(const char *folder, uint64_t size)
{
	snprintf(log_folder, sizeof(log_folder), "%s", folder ? folder : "");
	log_max = size ? size : DEFAULT_SIZE;
}

static int open_log(const char *name)
{
	char path[400], old[402];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/%s.log", log_folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
	if (fd < 0 || fstat(fd, &st) < 0 || (uint64_t)st.st_size < log_max)
		return fd;
	snprintf(old, sizeof(old), "%s.1", path);
	close(fd);
	(void)rename(path, old);
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
		    0644);
}

void log_write(const char *name, const char *line, size_t n)
{
	struct timespec now;
	struct tm tm;
	char stamp[40];
	size_t len;
	int fd;

	if (!*log_folder)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	len = strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	len += (size_t)snprintf(stamp + len, sizeof(stamp) - len, ".%03ldZ ",
				now.tv_nsec / 1000000);
	fd = open_log(name);
	if (fd < 0)
		return;
	(void)!writev(fd,
		      (struct iovec[]){ { stamp, len },
					{ (void *)(uintptr_t)line, n },
					{ (void *)(uintptr_t) "\n", 1 } },
		      3);
	close(fd);
}

void log_say(const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n > 0)
		log_write("init", line, strlen(line));
}

static void end_line(struct stream *s, const char *name, char *last, size_t size)
{
	if (s->n && size) {
		size_t keep = s->n < size - 1 ? s->n : size - 1;

		memcpy(last, s->line, keep);
		last[keep] = '\0';
		for (char *p = last; *p; p++)
			if ((unsigned char)*p < ' ')
				*p = ' ';
	}
	if (name)
		log_write(name, s->line, s->n);
	s->n = 0;
}

bool stream_read(struct stream *s, const char *name, char *last, size_t size)
{
	char block[4096];
	ssize_t got = read(s->fd, block, sizeof(block));

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	for (ssize_t i = 0; i < got; i++) {
		if (block[i] != '\n')
			s->line[s->n++] = block[i];
		if (block[i] == '\n' || s->n == sizeof(s->line))
			end_line(s, name, last, size);
	}
	if (got > 0)
		return true;
	if (s->n)
		end_line(s, name, last, size);
	close(s->fd);
	s->fd = -1;
	return false;
}
