#include "orchestrator/ttl.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/cli.h"
#include "base/error.h"
#include "base/json.h"
#include "orchestrator/control.h"
#include "orchestrator/host.h"
#include "orchestrator/state.h"

int ttl_set(struct environment *e, const char *text, struct error *err)
{
	unsigned long ms;

	if (!strcmp(text, "never") || !strcmp(text, "0")) {
		e->expires = 0;
		return 0;
	}
	if (cli_parse_time(text, &ms) < 0 || ms < 1000)
		return fail(err, ERROR_INPUT,
			    "--ttl: \"%s\" is not a time such as 90s, 30m, 2h, 7d, or \"never\"",
			    text);
	if (environment_is_production(e))
		return fail(err, ERROR_INPUT,
			    "%s is production, which never ends by itself: leave out --ttl",
			    e->name);
	e->expires = (int64_t)time(NULL) + (int64_t)(ms / 1000);
	return 0;
}

void ttl_look(const struct host *h, const struct environment *e)
{
	AUTO(json) struct json_t *request = json_new_map();
	AUTO(fd) int fd = -1;
	struct error ignored;

	if (control_connect(h, e->id, &fd, &ignored) != 0)
		return;
	json_put_text(request, "do", "ping");
	(void)control_call(fd, request, NULL, NULL, &ignored);
}

static _Noreturn void become(const struct host *h, const char *id, int log)
{
	const char *argv[9] = { "orch", "gc", "--expired" };
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	size_t n = 3;

	if (id) {
		argv[n++] = "-e";
		argv[n++] = id;
	}
	if (*h->root) {
		argv[n++] = "--root";
		argv[n++] = h->root;
	}
	if (setsid() < 0 || fork() > 0)
		_exit(0);
	dup2(null, 0);
	dup2(log, 1);
	dup2(log, 2);
	if (chdir("/") < 0)
		_exit(1);
	execv("/proc/self/exe", (char *const *)(uintptr_t)argv);
	_exit(1);
}

void ttl_remove(const struct host *h, const char *id)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(fd)
	int log = open(arena_printf(&arena, "%s/gc.log", h->log),
		       O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	pid_t pid;

	fflush(NULL);
	pid = log < 0 ? -1 : fork();
	if (pid == 0)
		become(h, id, log);
	if (pid > 0)
		(void)TEMP_FAILURE_RETRY(waitpid(pid, NULL, 0));
}
