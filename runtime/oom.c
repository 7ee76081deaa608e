#include "runtime/oom.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/text.h"

#define RECORD_MAX 8192
#define RANGE 65536

/* mm/oom_kill.c, __oom_kill_process(): printed for each victim, without a limit of its rate. */
static const char *const beginnings[] = {
	"Memory cgroup out of memory: Killed process ",
	"Out of memory: Killed process ",
};

static const char *find_last(const char *text, const char *what)
{
	const char *found = NULL, *at = text;

	while ((at = strstr(at, what)))
		found = at++;
	return found;
}

/* "7917 (tail) total-vm:187824kB, anon-rss:64384kB, ..., UID:1879244800 pgtables:...": names may have brackets in them. */
static bool parse_victim(const char *text, uint32_t first_id, struct oom_victim *out)
{
	const char *open = strchr(text, '('), *close = find_last(text, ") total-vm:");
	const char *rest = close, *rss, *uid;
	unsigned long long id;
	size_t n;

	if (!open || !close || close < open)
		return false;
	rss = strstr(rest, "anon-rss:");
	uid = strstr(rest, "UID:");
	if (!rss || !uid)
		return false;
	id = strtoull(uid + 4, NULL, 10);
	if (id < first_id || id - first_id >= RANGE)
		return false;
	n = (size_t)(close - open - 1);
	if (n >= sizeof(out->name))
		n = sizeof(out->name) - 1;
	memcpy(out->name, open + 1, n);
	out->name[n] = '\0';
	out->pid = atoi(text);
	out->bytes = strtoull(rss + 9, NULL, 10) * 1024;
	return true;
}

bool oom_parse(const char *record, uint32_t first_id, struct oom_victim *out)
{
	const char *text = strchr(record, ';');

	for (size_t i = 0; text && i < ARRAY_SIZE(beginnings); i++)
		if (text_starts(text + 1, beginnings[i]))
			return parse_victim(text + 1 + strlen(beginnings[i]), first_id, out);
	return false;
}

bool oom_last_victim(uint32_t first_id, struct oom_victim *out)
{
	AUTO(fd) int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char record[RECORD_MAX];
	bool found = false;

	while (fd >= 0) {
		ssize_t got = read(fd, record, sizeof(record) - 1);

		/* EPIPE: what was next is overwritten already. */
		if (got < 0 && (errno == EPIPE || errno == EINTR))
			continue;
		if (got <= 0)
			break;
		record[got] = '\0';
		found |= oom_parse(record, first_id, out);
	}
	return found;
}
