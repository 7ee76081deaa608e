/*
 * orch-init - PID 1 of a container: see init.h
 *
 * One thread, one poll loop. Waiting for something (a task, a stop) is a nested turn of the same loop.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "runtime/pid1.h"

#define CHECK_MS 5000
#define CHECK_INTERVAL_MS 50

static const char *const state_names[] = { "waiting", "starting", "ready", "failed", "stopping" };

struct self self; /* all zero at first: a megabyte that needn't be in the file */

static int folder, control, signals;
static unsigned epoch;
static char command[256]; /* not yet obeyed; "" for none */

int64_t pid1_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void pid1_write_status(void)
{
	static char text[24576];
	size_t n = (size_t)snprintf(text, sizeof(text), "state %s\nepoch %u\nwhy %s\n",
				    state_names[self.state], epoch, self.why);
	int fd;

	n += (size_t)snprintf(text + n, sizeof(text) - n, "held %d\n", self.held);
	for (size_t i = 0; i < self.now->n && n < sizeof(text) - 400; i++) {
		const struct proc *p = &self.now->procs[i];

		if (p->job)
			n += (size_t)snprintf(text + n, sizeof(text) - n,
					      "%s %d %d %u %d %lld %.200s\n",
					      p->job == JOB_CRON ? "cron" : "operation",
					      (int)p->pid, p->waits_ms != 0, p->runs, p->last_exit,
					      (long long)p->due_s, p->name);
		else if (!p->task)
			n += (size_t)snprintf(text + n, sizeof(text) - n,
					      "process %s %d %lld %u %d\n", p->name, (int)p->pid,
					      (long long)p->since_ms, p->restarts, p->last_exit);
	}
	fd = openat(folder, "status.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	if (write(fd, text, n) == (ssize_t)n)
		(void)renameat(folder, "status.new", folder, "status");
	close(fd);
}

void pid1_set_state(enum state s)
{
	if (s != self.state)
		log_say("%s%s%s", state_names[s], *self.why && s == FAILED ? ": " : "",
			s == FAILED ? self.why : "");
	self.state = s;
	pid1_write_status();
}

/* Datagrams from the container's root alone: the socket is 0600 in a folder of 0700. */
static void read_command(void)
{
	char text[sizeof(command)];
	ssize_t got = recv(control, text, sizeof(text) - 1, MSG_DONTWAIT);

	if (got <= 0)
		return;
	text[got] = '\0';
	if (!strncmp(text, "cron ", 5)) {
		cron_ask(text + 5, JOB_CRON);
		return;
	}
	if (!strncmp(text, "operation ", 10)) {
		cron_ask(text + 10, JOB_OPERATION);
		return;
	}
	if (!strncmp(text, "cancel ", 7)) {
		cron_cancel(text + 7, JOB_OPERATION);
		return;
	}
	if (!strcmp(text, "hold") || !strcmp(text, "release")) {
		self.held = !strcmp(text, "hold");
		pid1_write_status();
		return;
	}
	self.stop_asked |= !strcmp(text, "stop");
	memcpy(command, text, sizeof(command));
}

static void read_signals(void)
{
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		self.stop_asked |= info.ssi_signo == SIGTERM;
	run_reap();
}

static struct proc *owner_of(const struct stream *s)
{
	if (self.now->check.out == s)
		return &self.now->check;
	if (self.stopper.out == s)
		return &self.stopper;
	for (size_t c = 0; c < 2; c++)
		for (size_t i = 0; i < self.confs[c].n; i++)
			if (self.confs[c].procs[i].out == s)
				return &self.confs[c].procs[i];
	return NULL;
}

static void read_stream(struct stream *s)
{
	const struct proc *p = owner_of(s);
	bool check = p == &self.now->check, task = p && p->task;

	(void)stream_read(s, !p || check ? NULL : conf_log(p), self.why,
			  task ? sizeof(self.why) : 0);
}

/* One turn: output, ends of processes, and commands, which are only noted. */
void pid1_turn(int64_t timeout_ms)
{
	struct pollfd fds[PID1_PROCESSES + 3] = { { .fd = signals, .events = POLLIN },
						  { .fd = control, .events = POLLIN } };
	nfds_t n = 2;

	for (size_t i = 0; i < sizeof(self.streams) / sizeof(self.streams[0]); i++)
		fds[n++] = (struct pollfd){ .fd = self.streams[i].fd, .events = POLLIN };
	if (poll(fds, n, timeout_ms > 60000 ? 60000 : (int)timeout_ms) <= 0)
		return;
	for (nfds_t i = 2; i < n; i++)
		if (fds[i].revents && self.streams[i - 2].fd == fds[i].fd)
			read_stream(&self.streams[i - 2]);
	if (fds[1].revents)
		read_command();
	if (fds[0].revents)
		read_signals();
}

static void fail(void)
{
	run_stop_all();
	pid1_set_state(FAILED);
}

static void do_start(void)
{
	struct conf *next = self.now == &self.confs[0] ? &self.confs[1] : &self.confs[0];

	pid1_set_state(STOPPING);
	run_stop_all();
	if (!conf_read(next, folder, self.why, sizeof(self.why))) {
		next->n = 0;
		pid1_set_state(FAILED);
		return;
	}
	self.now->n = 0;
	conf_use(next);
	self.held = false;
	pid1_set_state(STARTING);
	if (!run_tasks(self.now, NULL)) {
		fail();
		return;
	}
	for (size_t i = 0; i < self.now->n && !self.stop_asked; i++)
		if (!self.now->procs[i].task && !self.now->procs[i].job)
			run_begin(&self.now->procs[i]);
}

/* The process as it runs, under its new description; true when it has to be another one. */
static bool take_over(struct proc *new, struct proc *old)
{
	new->pid = old->pid;
	new->out = old->out;
	new->in_group = old->in_group;
	new->since_ms = old->since_ms;
	new->next_ms = old->next_ms;
	new->backoff_ms = old->backoff_ms;
	new->restarts = old->restarts;
	new->last_exit = old->last_exit;
	new->kill_ms = old->kill_ms;
	new->waits_ms = old->waits_ms;
	new->runs = old->runs;
	/* Another schedule counts from now on. */
	if (new->job == JOB_CRON && !strcmp(new->schedule, old->schedule) &&
	    !strcmp(new->zone, old->zone) && new->cron_hash == old->cron_hash) {
		new->due_s = old->due_s;
		new->named_s = old->named_s;
	}
	old->pid = 0;
	old->out = NULL;
	return new->hash != old->hash;
}

static void react(struct proc *p, int reaction, bool changed)
{
	if (changed || reaction == RESTART) {
		enum state before = self.state;

		self.state = STOPPING; /* its end is no accident */
		run_stop(p);
		self.state = before;
		/* What it is now may live where it didn't before. */
		p->restarts = p->backoff_ms = 0;
		run_begin(p);
		pid1_set_state(STARTING);
	} else if (p->pid && reaction == SIGNAL) {
		(void)kill(p->pid, p->reload_signal);
		log_say("%s: signal %d", p->name, p->reload_signal);
	}
}

/* Processes that can't take the new configuration keep the old one; `why` and the epoch tell. */
static void do_reload(bool swap)
{
	struct conf *old = self.now,
		    *next = old == &self.confs[0] ? &self.confs[1] : &self.confs[0];

	if (!conf_read(next, folder, self.why, sizeof(self.why)) || !run_tasks(next, "configure")) {
		next->n = 0;
		pid1_set_state(FAILED);
		return;
	}
	run_stop_check();
	conf_use(next);
	for (size_t i = old->n; i-- > 0;)
		if (!conf_find(next, old->procs[i].name, old->procs[i].job))
			run_stop(&old->procs[i]);
	for (size_t i = 0; i < next->n; i++) {
		struct proc *p = &next->procs[i], *was = conf_find(old, p->name, p->job);

		if (p->task)
			continue;
		if (p->job) {
			if (was)
				(void)take_over(p, was);
		} else if (was)
			react(p, swap ? p->on_swap : p->on_reload, take_over(p, was));
		else
			run_begin(p);
	}
	old->n = 0;
	if (self.state == FAILED)
		pid1_set_state(STARTING);
}

static void obey(void)
{
	char what[sizeof(command)];

	memcpy(what, command, sizeof(what));
	*command = '\0';
	*self.why = '\0';
	log_say("told to %s", what);
	if (!strcmp(what, "start") || !strcmp(what, "restart"))
		do_start();
	else if (!strcmp(what, "reload") || !strcmp(what, "swap"))
		do_reload(!strcmp(what, "swap"));
	epoch++;
	pid1_write_status();
}

static bool all_run(void)
{
	for (size_t i = 0; i < self.now->n; i++)
		if (!self.now->procs[i].task && !self.now->procs[i].job &&
		    !self.now->procs[i].pid && !run_rests(&self.now->procs[i]))
			return false;
	return true;
}

/* Starts what is due; the time until something else is. */
static int64_t restart_due(void)
{
	int64_t now = pid1_now(), next = 60000;

	for (size_t i = 0; i < self.now->n; i++) {
		struct proc *p = &self.now->procs[i];

		if (!p->next_ms || p->pid)
			continue;
		if (p->next_ms <= now)
			run_begin(p);
		else if (p->next_ms - now < next)
			next = p->next_ms - now;
	}
	return next;
}

/* Without a check of its own, a container is ready when all its processes run. */
static int64_t check_ready(void)
{
	struct proc *c = &self.now->check;
	int64_t now = pid1_now(), limit = c->timeout_ms ? c->timeout_ms : CHECK_MS;

	if (self.state != STARTING || !all_run())
		return 60000;
	if (!c->argv || !c->argv[0]) {
		pid1_set_state(READY);
		return 60000;
	}
	if (c->pid) {
		if (now - c->since_ms > limit)
			run_kill(c, SIGKILL);
		return limit;
	}
	if (c->since_ms && c->last_exit == 0) {
		c->since_ms = 0;
		c->last_exit = -1;
		*self.why = '\0';
		pid1_set_state(READY);
		return 60000;
	}
	c->last_exit = -1;
	if (now < c->next_ms)
		return c->next_ms - now;
	(void)run_start(c);
	c->next_ms = now + (c->interval_ms ? c->interval_ms : CHECK_INTERVAL_MS);
	return CHECK_INTERVAL_MS;
}

static bool open_all(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	control = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (folder < 0 || control < 0)
		return false;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/control", path);
	(void)unlink(address.sun_path);
	umask(077);
	if (bind(control, (struct sockaddr *)&address, sizeof(address)) < 0)
		return false;
	umask(022);
	sigfillset(&self.blocked);
	sigprocmask(SIG_SETMASK, &self.blocked, NULL);
	signals = signalfd(-1, &self.blocked, SFD_CLOEXEC | SFD_NONBLOCK);
	return signals >= 0;
}

int main(int argc, char **argv)
{
	self.now = &self.confs[0];
	for (size_t i = 0; i < sizeof(self.streams) / sizeof(self.streams[0]); i++)
		self.streams[i].fd = -1;
	self.folder = argc > 1 ? argv[1] : "/run/orch";
	if (!open_all(self.folder))
		return 1;
	pid1_write_status();
	while (!self.stop_asked) {
		bool running = self.state == STARTING || self.state == READY;
		int64_t due = running ? restart_due() : 60000;
		int64_t check = running ? check_ready() : 60000;
		int64_t job = running ? cron_turn() : 60000;

		if (job < due)
			due = job;

		if (*command)
			obey();
		else
			pid1_turn(due < check ? due : check);
	}
	pid1_set_state(STOPPING);
	run_stop_all();
	log_say("ends");
	return 0;
}
