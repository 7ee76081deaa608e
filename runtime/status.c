#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "runtime/init.h"

#define STATUS_MAX (64u << 10)
#define PROCESSES_MAX 64

static int bad(unsigned line, struct error *err)
{
	return fail(err, ERROR_SYSTEM, "orch-init's status: line %u is garbled", line);
}

static int read_state(const char *value, enum init_state *out)
{
	static const char *const names[] = {
		[INIT_WAITING] = "waiting", [INIT_STARTING] = "starting", [INIT_READY] = "ready",
		[INIT_FAILED] = "failed",   [INIT_STOPPING] = "stopping",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(value, names[i]) != 0)
			continue;
		*out = (enum init_state)i;
		return 0;
	}
	return -1;
}

/* A number that ends with a space or the end; *at moves behind it. */
static int take_number(char **at, long long min, long long max, long long *out)
{
	char *end;
	long long n;

	n = strtoll(*at, &end, 10);
	if (end == *at || (*end && *end != ' ') || n < min || n > max)
		return -1;
	*out = n;
	*at = end + (*end == ' ');
	return 0;
}

static int read_process(char *value, struct init_process_status *out)
{
	char *at = strchr(value, ' ');
	long long pid, since, restarts, last;

	if (!at || at == value || at - value > 64)
		return -1;
	*at++ = '\0';
	if (take_number(&at, 0, INT32_MAX, &pid) < 0 ||
	    take_number(&at, 0, INT64_MAX, &since) < 0 ||
	    take_number(&at, 0, UINT32_MAX, &restarts) < 0 || take_number(&at, -1, 255, &last) < 0)
		return -1;
	*out = (struct init_process_status){
		.name = value,
		.pid = (int)pid,
		.since_ms = since,
		.restarts = (uint32_t)restarts,
		.last_exit = (int)last,
	};
	return 0;
}

/* Its name is last, since it may have spaces. */
static int read_cron(char *value, bool operation, struct init_cron_status *out)
{
	long long pid, waiting, runs, last, next;

	if (take_number(&value, 0, INT32_MAX, &pid) < 0 ||
	    take_number(&value, 0, 1, &waiting) < 0 ||
	    take_number(&value, 0, UINT32_MAX, &runs) < 0 ||
	    take_number(&value, -1, 255, &last) < 0 ||
	    take_number(&value, 0, INT64_MAX, &next) < 0 || !*value)
		return -1;
	*out = (struct init_cron_status){
		.name = value,
		.operation = operation,
		.pid = (int)pid,
		.waiting = waiting,
		.runs = (uint32_t)runs,
		.last_exit = (int)last,
		.next_s = next,
	};
	return 0;
}

static int read_line(struct init_status *s, char *key, char *value)
{
	long long number;

	if (!strcmp(key, "state"))
		return read_state(value, &s->state);
	if (!strcmp(key, "why")) {
		s->why = value;
		return 0;
	}
	if (!strcmp(key, "epoch")) {
		if (take_number(&value, 0, UINT32_MAX, &number) < 0)
			return -1;
		s->epoch = (uint32_t)number;
		return 0;
	}
	if (!strcmp(key, "held")) {
		if (take_number(&value, 0, 1, &number) < 0)
			return -1;
		s->held = number;
		return 0;
	}
	if (!strcmp(key, "cron") || !strcmp(key, "operation"))
		return s->n_crons == PROCESSES_MAX ||
				read_cron(value, *key == 'o', &s->crons[s->n_crons]) < 0
			? -1
			: (s->n_crons++, 0);
	if (strcmp(key, "process") != 0 || s->n == PROCESSES_MAX)
		return -1;
	return read_process(value, &s->processes[s->n]) < 0 ? -1 : (s->n++, 0);
}

int init_status_parse(struct arena *arena, const char *text, size_t size, struct init_status *out,
		      struct error *err)
{
	struct init_status s = { .why = "" };
	char *copy = arena_strndup(arena, text, size), *line, *next;
	unsigned number = 0;

	s.processes = arena_array(arena, PROCESSES_MAX, sizeof(*s.processes));
	s.crons = arena_array(arena, PROCESSES_MAX, sizeof(*s.crons));
	for (line = copy; *line; line = next) {
		char *value;

		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		number++;
		value = strchr(line, ' ');
		if (!value)
			return bad(number, err);
		*value++ = '\0';
		if (read_line(&s, line, value) < 0)
			return bad(number, err);
	}
	if (number == 0)
		return bad(1, err);
	*out = s;
	return 0;
}

/* Whatever the container's root put there: never a link, a pipe or an endless file. */
int init_status_read_at(struct arena *arena, int folder, struct init_status *out, struct error *err)
{
	AUTO(fd)
	int fd = openat(folder, "status", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char *text = arena_alloc(arena, STATUS_MAX);
	struct stat st;
	ssize_t got;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail_errno(err, "read orch-init's status");
	if (!S_ISREG(st.st_mode))
		return bad(0, err);
	got = TEMP_FAILURE_RETRY(read(fd, text, STATUS_MAX - 1));
	if (got < 0)
		return fail_errno(err, "read orch-init's status");
	return init_status_parse(arena, text, (size_t)got, out, err);
}
