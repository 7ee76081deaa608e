/*
 * cmd_logs.c - what the processes of containers wrote, in order of time
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "orchestrator/commands.h"
#include "orchestrator/control.h"
#include "orchestrator/log_file.h"
#include "orchestrator/session.h"

#define FOLLOW_MS 100

struct log_source {
	const char *container, *process;
	struct log_file file;
};

struct log_line {
	const struct log_source *from;
	const char *text;
	const char *stamp; /* a line without a time is of that of the one above it */
	size_t order;
};

struct reader {
	struct session *s;
	ARENA_LIST(struct log_source) files;
	ARENA_LIST(struct log_line) lines;
};

static int add_container(struct reader *r, const char *folder, const char *container,
			 struct error *err)
{
	struct arena *arena = &r->s->arena;
	const char **names;
	size_t n;

	folder = arena_printf(arena, "%s/%s", folder, container);
	if (file_list(arena, folder, &names, &n, err) != 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (text_ends(names[i], ".log"))
			*arena_push(arena, &r->files) = (struct log_source){
				.container = container,
				.process = arena_strndup(arena, names[i], strlen(names[i]) - 4),
				.file.path = arena_printf(arena, "%s/%s", folder, names[i]),
			};
	return 0;
}

static int find_files(struct reader *r, const char *container, struct error *err)
{
	struct session *s = r->s;
	const char *folder = arena_printf(&s->arena, "%s/%s", s->host.log, s->env.id);
	const char **names = NULL;
	size_t n = 0;

	if (file_list(&s->arena, folder, &names, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct stat st;

		if (container && strcmp(names[i], container) != 0)
			continue;
		if (stat(arena_printf(&s->arena, "%s/%s", folder, names[i]), &st) < 0 ||
		    !S_ISDIR(st.st_mode))
			continue;
		if (add_container(r, folder, names[i], err) < 0)
			return -1;
	}
	if (container && !r->files.n)
		return fail(err, ERROR_ABSENT, "no container \"%s\" has written anything in %s",
			    container, s->env.name);
	return 0;
}

static void read_more(struct reader *r, struct log_source *from)
{
	char *data = log_file_more(&r->s->arena, &from->file), *line, *stamp = NULL;

	while ((line = strsep(&data, "\n"))) {
		if (!stamp || (*line >= '0' && *line <= '9'))
			stamp = line;
		*arena_push(&r->s->arena, &r->lines) = (struct log_line){
			.from = from, .text = line, .stamp = stamp, .order = r->lines.n
		};
	}
}

/* Lines begin with a time of fixed width; those of one moment stay in the order of reading. */
static int by_time(const void *a, const void *b)
{
	const struct log_line *x = a, *y = b;
	size_t nx = strcspn(x->stamp, " "), ny = strcspn(y->stamp, " ");
	int r = strncmp(x->stamp, y->stamp, nx < ny ? nx : ny);

	return r ? r : x->order < y->order ? -1 : x->order > y->order;
}

static void print_lines(struct reader *r, size_t tail)
{
	size_t first = r->lines.n > tail ? r->lines.n - tail : 0;

	if (r->lines.n)
		qsort(r->lines.items, r->lines.n, sizeof(*r->lines.items), by_time);
	for (size_t i = first; i < r->lines.n; i++) {
		printf("%s/%s ", r->lines.items[i].from->container,
		       r->lines.items[i].from->process);
		log_file_put(r->lines.items[i].text);
	}
	fflush(stdout);
	r->lines.n = 0;
}

static int follow(struct reader *r)
{
	const struct timespec step = { .tv_nsec = FOLLOW_MS * 1000000L };

	while (!control_interrupts && !ferror(stdout)) {
		for (size_t i = 0; i < r->files.n; i++)
			read_more(r, &r->files.items[i]);
		if (r->lines.n)
			print_lines(r, SIZE_MAX);
		(void)nanosleep(&step, NULL);
	}
	return 0;
}

int cmd_logs(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	const struct options *options = ctx;
	struct reader r = { .s = &s };
	uint64_t tail = 100;

	if (options->tail && !strcmp(options->tail, "all"))
		tail = SIZE_MAX;
	else if (options->tail && text_to_u64(options->tail, SIZE_MAX / 2, &tail) < 0)
		return fail(err, ERROR_INPUT, "--tail %s: a number, or \"all\"", options->tail);
	if (session_open(&s, options, err) < 0 || session_environment(&s, err) < 0 ||
	    find_files(&r, argc ? argv[0] : NULL, err) < 0)
		return -1;
	for (size_t i = 0; i < r.files.n; i++)
		read_more(&r, &r.files.items[i]);
	print_lines(&r, (size_t)tail);
	return options->follow ? follow(&r) : 0;
}
