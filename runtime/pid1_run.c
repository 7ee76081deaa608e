/*
 * The processes of orch-init: start, stop, end, and tasks, which are waited for
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/pid1.h"

#define FIRST_BACKOFF_MS 100
#define LAST_BACKOFF_MS 10000
#define STEADY_MS 10000 /* after a run of this length the next restart is immediate again */
#define TASK_MS 600000

static const struct proc *stopping; /* what is left of its group may still say something */

static struct stream *take_stream(void)
{
	for (size_t i = 0; i < sizeof(self.streams) / sizeof(self.streams[0]); i++)
		if (self.streams[i].fd < 0)
			return &self.streams[i];
	return NULL;
}

static _Noreturn void become(const struct proc *p, int out)
{
	int in = open(p->input ? p->input : "/dev/null", O_RDONLY);

	setsid();
	if (in < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(126);
	if (setgroups(0, NULL) < 0 || setgid(p->gid) < 0 || setuid(p->uid) < 0) {
		dprintf(2, "cannot become user %u: %s\n", p->uid, strerror(errno));
		_exit(126);
	}
	if (chdir(p->folder) < 0) {
		dprintf(2, "%s: %s\n", p->folder, strerror(errno));
		_exit(126);
	}
	for (int sig = 1; sig < 32; sig++)
		signal(sig, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &self.blocked, NULL);
	environ = p->env;
	execvp(p->argv[0], p->argv);
	dprintf(2, "%s: %s\n", p->argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* Pipes belong to the process's user, so that it can open its own /dev/stdout. */
bool run_start(struct proc *p)
{
	struct stream *s = take_stream();
	int out[2];

	if (!s || pipe2(out, O_CLOEXEC) < 0)
		return false;
	(void)fchown(out[0], p->uid, p->gid);
	(void)fchown(out[1], p->uid, p->gid);
	(void)fcntl(out[0], F_SETFL, O_NONBLOCK);
	p->pid = fork();
	if (p->pid == 0)
		become(p, out[1]);
	close(out[1]);
	if (p->pid < 0) {
		p->pid = 0;
		close(out[0]);
		return false;
	}
	s->fd = out[0];
	s->n = 0;
	p->out = s;
	p->in_group = p->group;
	p->since_ms = pid1_now();
	p->next_ms = 0;
	return true;
}

static void retry_later(struct proc *p)
{
	if (p->since_ms && pid1_now() - p->since_ms > STEADY_MS)
		p->backoff_ms = 0;
	p->next_ms = pid1_now() + (p->backoff_ms ? p->backoff_ms : 1);
	p->backoff_ms = p->backoff_ms ? p->backoff_ms * 2 : FIRST_BACKOFF_MS;
	if (p->backoff_ms > LAST_BACKOFF_MS)
		p->backoff_ms = LAST_BACKOFF_MS;
}

void run_begin(struct proc *p)
{
	if (run_start(p)) {
		log_say("%s: started, pid %d", p->name, (int)p->pid);
	} else {
		log_say("%s: cannot start: %s", p->name, strerror(errno));
		retry_later(p);
	}
	pid1_write_status();
}

static void drain(struct proc *p, const char *log, char *last, size_t size)
{
	for (int i = 0; p->out && p->out->fd >= 0 && i < 1024; i++) {
		struct pollfd f = { .fd = p->out->fd, .events = POLLIN };

		if (poll(&f, 1, 0) <= 0 || !stream_read(p->out, log, last, size))
			break;
	}
	if (p == stopping)
		return;
	/* A grandchild may hold the other end for ever: what it says from now on is lost. */
	if (p->out && p->out->fd >= 0) {
		close(p->out->fd);
		p->out->fd = -1;
	}
	p->out = NULL;
}

bool run_rests(const struct proc *p)
{
	return p->may_end && !p->pid && p->next_ms && p->last_exit == 0;
}

static void ended(struct proc *p, int status)
{
	p->pid = 0;
	p->last_exit = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	if (p->job) {
		drain(p, conf_log(p), NULL, 0);
		if (p != &self.stopper)
			cron_ended(p);
		return;
	}
	if (p == &self.now->check || p->task) {
		drain(p, p->task && p != &self.now->check ? p->name : NULL, self.why,
		      sizeof(self.why));
		return;
	}
	drain(p, p->name, NULL, 0);
	log_say("%s: ended, exit %d", p->name, p->last_exit);
	if (self.state == STARTING || self.state == READY) {
		p->restarts++;
		retry_later(p);
		if (!run_rests(p))
			pid1_set_state(STARTING);
	}
	pid1_write_status();
}

void run_reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (self.now->check.pid == pid)
			ended(&self.now->check, status);
		if (self.stopper.pid == pid)
			ended(&self.stopper, status);
		for (size_t c = 0; c < 2; c++)
			for (size_t i = 0; i < self.confs[c].n; i++)
				if (self.confs[c].procs[i].pid == pid)
					ended(&self.confs[c].procs[i], status);
	}
}

void run_kill(const struct proc *p, int sig)
{
	if (kill(-p->pid, sig) < 0)
		(void)kill(p->pid, sig);
}

/* A shell is gone before what it runs, which is ours from then on and wakes us when it ends. */
static bool is_gone(const struct proc *p, pid_t pid)
{
	return !p->pid && (!p->in_group || kill(-pid, 0) < 0);
}

/* Its signal, its grace, then SIGKILL to all of its process group. */
void run_stop(struct proc *p)
{
	int64_t end = pid1_now() + p->grace_ms;
	pid_t pid = p->pid;

	p->next_ms = 0;
	if (!pid)
		return;
	stopping = p;
	if (p->job)
		cron_stop(p);
	else
		(void)kill(p->in_group ? -pid : pid, p->stop_signal);
	while (!is_gone(p, pid) && pid1_now() < end)
		pid1_turn(end - pid1_now());
	if (!is_gone(p, pid)) {
		log_say("%s: doesn't stop, killed", p->name);
		(void)kill(-pid, SIGKILL);
		while (!is_gone(p, pid))
			pid1_turn(1000);
	}
	stopping = NULL;
	drain(p, conf_log(p), NULL, 0);
}

void run_stop_check(void)
{
	if (self.now->check.pid)
		run_kill(&self.now->check, SIGKILL);
	while (self.now->check.pid)
		pid1_turn(1000);
}

void run_stop_all(void)
{
	run_stop_check();
	for (size_t i = self.now->n; i-- > 0;)
		run_stop(&self.now->procs[i]);
}

static bool run_task(struct proc *p)
{
	int64_t end = pid1_now() + (p->timeout_ms ? p->timeout_ms : TASK_MS);
	char line[sizeof(self.why)];

	*self.why = '\0';
	if (!run_start(p)) {
		snprintf(self.why, sizeof(self.why), "task %s: %s", p->name, strerror(errno));
		return false;
	}
	while (p->pid && pid1_now() < end && !self.stop_asked)
		pid1_turn(end - pid1_now());
	if (p->pid) {
		run_kill(p, SIGKILL);
		while (p->pid)
			pid1_turn(1000);
	}
	if (p->last_exit == 0 && !self.stop_asked) {
		*self.why = '\0';
		return true;
	}
	memcpy(line, self.why, sizeof(line));
	snprintf(self.why, sizeof(self.why), "task %.40s: exit %d%s%.200s", p->name, p->last_exit,
		 *line ? ": " : "", line);
	return false;
}

bool run_tasks(struct conf *c, const char *only)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->procs[i].task && (!only || !strcmp(c->procs[i].name, only)) &&
		    !run_task(&c->procs[i]))
			return false;
	return true;
}
