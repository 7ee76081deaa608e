#include "orchestrator/container_log.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "orchestrator/log_file.h"

#define TAIL_BYTES (16 << 10) /* of each log */
#define LINE_BYTES 300	      /* of each line that is shown */

struct tail_line {
	const char *process, *text;
	const char *stamp; /* a line without a time is of that of the one above it */
	size_t order;
};

struct tail {
	struct arena *arena;
	ARENA_LIST(struct tail_line) lines;
};

static void add_line(struct tail *t, const char *process, char *text)
{
	const struct tail_line *above = t->lines.n ? &t->lines.items[t->lines.n - 1] : NULL;
	bool stamped = *text >= '0' && *text <= '9';
	struct tail_line line = { process, text, text, t->lines.n };

	if (strlen(text) > LINE_BYTES)
		strcpy(text + LINE_BYTES - 3, "...");
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 127)
			*p = *p == '\t' ? ' ' : '?';
	if (!stamped && above && !strcmp(above->process, process))
		line.stamp = above->stamp;
	*arena_push(t->arena, &t->lines) = line;
}

static void add_file(struct tail *t, const char *path, const char *process)
{
	struct log_file file = { .path = path };
	char *data, *line;
	bool cut;

	log_file_skip(&file, TAIL_BYTES);
	cut = file.offset > 0;
	data = log_file_more(t->arena, &file);
	if (cut)
		(void)strsep(&data, "\n");
	while ((line = strsep(&data, "\n")))
		if (*line)
			add_line(t, process, line);
}

/* Lines begin with a time of fixed width. */
static int by_time(const void *a, const void *b)
{
	const struct tail_line *x = a, *y = b;
	size_t nx = strcspn(x->stamp, " "), ny = strcspn(y->stamp, " ");
	int r = strncmp(x->stamp, y->stamp, nx < ny ? nx : ny);

	return r ? r : x->order < y->order ? -1 : x->order > y->order;
}

void container_log_tail(struct arena *arena, const char *folder, size_t max, const char ***lines,
			size_t *n)
{
	struct tail t = { .arena = arena };
	struct error ignored;
	const char **names = NULL;
	size_t n_names = 0, first;

	(void)file_list(arena, folder, &names, &n_names, &ignored);
	for (size_t i = 0; i < n_names; i++)
		if (text_ends(names[i], ".log"))
			add_file(&t, arena_printf(arena, "%s/%s", folder, names[i]),
				 arena_strndup(arena, names[i], strlen(names[i]) - 4));
	if (t.lines.n)
		qsort(t.lines.items, t.lines.n, sizeof(*t.lines.items), by_time);
	first = t.lines.n > max ? t.lines.n - max : 0;
	*lines = arena_array(arena, max + 1, sizeof(**lines));
	*n = t.lines.n - first;
	for (size_t i = 0; i < *n; i++)
		(*lines)[i] = arena_printf(arena, "%s %s", t.lines.items[first + i].process,
					   t.lines.items[first + i].text);
}

void container_log_note(const char *folder, const char *process, const char *line)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *path = arena_printf(&arena, "%s/%s.log", folder, process);
	AUTO(fd)
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW,
		      0644);
	struct timespec now;
	struct tm tm;
	char stamp[32];

	if (fd < 0)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	dprintf(fd, "%s.%03ldZ %s\n", stamp, now.tv_nsec / 1000000, line);
}
