#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "orchestrator/control.h"
#include "orchestrator/host.h"
#include "orchestrator/record.h"
#include "orchestrator/supervise.h"

#define START_MS 10000
#define STEP_MS 2
#define END_MS 60000
#define END_STEP_MS 20
#define CALL_TRIES 3

static _Noreturn void become(const struct host *h, const char *environment, bool deferred, int log)
{
	const char *const argv[] = { "orch",
				     "supervise",
				     environment,
				     deferred ? "--deferred" : "-q",
				     *h->root ? "--root" : NULL,
				     h->root,
				     NULL };
	int null = open("/dev/null", O_RDONLY);
	sigset_t none;

	if (setsid() < 0 || fork() > 0)
		_exit(0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(null, 0);
	dup2(log, 1);
	dup2(log, 2);
	if (chdir("/") < 0)
		_exit(1);
	execv("/proc/self/exe", (char *const *)(uintptr_t)argv);
	_exit(1);
}

static int start(const struct host *h, const char *environment, bool deferred, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *folder = arena_printf(&arena, "%s/%s", h->log, environment);
	AUTO(fd) int log = -1;
	pid_t pid;

	if (file_make_dirs(folder, 0755, err) < 0)
		return -1;
	log = open(arena_printf(&arena, "%s/supervisor.log", folder),
		   O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (log < 0)
		return fail_errno(err, "open %s/supervisor.log", folder);
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return fail_errno(err, "fork");
	if (pid == 0)
		become(h, environment, deferred, log);
	(void)TEMP_FAILURE_RETRY(waitpid(pid, NULL, 0));
	return 0;
}

int supervise_connect(const struct host *h, const char *environment, bool deferred, int *out,
		      struct error *err)
{
	const struct timespec step = { .tv_nsec = STEP_MS * 1000000L };
	int r = control_connect(h, environment, out, err);

	if (r != CONTROL_ABSENT)
		return r;
	if (start(h, environment, deferred, err) < 0)
		return -1;
	for (int waited = 0; waited < START_MS; waited += STEP_MS) {
		r = control_connect(h, environment, out, err);
		if (r != CONTROL_ABSENT)
			return r;
		(void)nanosleep(&step, NULL);
	}
	return fail(err, ERROR_SYSTEM,
		    "the supervisor of %s doesn't start; see %s/%s/supervisor.log", environment,
		    h->log, environment);
}

int supervise_ensure(const struct host *h, const char *environment, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *path = record_path(&arena, h, environment, "supervisor.lock");
	/* Only to read: the disk may be such that nothing else is possible. */
	AUTO(fd) int lock = open(path, O_RDONLY | O_CLOEXEC);
	AUTO(fd) int fd = -1;

	if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return 0;
	auto_fd(&lock); /* nobody's: let the new one have it */
	return supervise_connect(h, environment, false, &fd, err);
}

int supervise_call(const struct host *h, const char *environment, const struct json_t *request,
		   control_event *event, void *ctx, struct error *err)
{
	for (int tries = 0; tries < CALL_TRIES; tries++) {
		AUTO(fd) int fd = -1;
		int r;

		if (supervise_connect(h, environment, true, &fd, err) < 0)
			return -1;
		r = control_call(fd, request, event, ctx, err);
		if (r != CONTROL_ABSENT)
			return r;
	}
	return -1;
}

static void ignore_event(void *ctx, const struct json_t *event)
{
	(void)ctx;
	(void)event;
}

int supervise_lock(const struct host *h, const char *environment, int *out, struct error *err)
{
	const struct timespec step = { .tv_nsec = END_STEP_MS * 1000000L };
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *stop = json_new_map();
	const char *path = record_path(&arena, h, environment, "supervisor.lock");

	json_put_text(stop, "do", "stop");
	for (int waited = 0; waited < END_MS; waited += END_STEP_MS) {
		AUTO(fd) int fd = -1;
		int r = file_lock(path, false, out, err);

		if (r != FILE_LOCKED)
			return r;
		r = control_connect(h, environment, &fd, err);
		if (r < 0 || (r == 0 && control_call(fd, stop, ignore_event, NULL, err) < 0))
			return -1;
		(void)nanosleep(&step, NULL);
	}
	return fail(err, ERROR_CONFLICT,
		    "the supervisor of %s doesn't end; see %s/%s/supervisor.log", environment,
		    h->log, environment);
}
