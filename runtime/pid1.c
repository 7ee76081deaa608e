/*
 * orch-init - PID 1 of a container: see init.h
 *
 * One thread, one poll loop. Waiting for something (a task, a stop) is a nested turn of the same loop.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runtime/pid1.h"

#define FIRST_BACKOFF_MS 100
#define LAST_BACKOFF_MS 10000
#define STEADY_MS 10000 /* after a run of this length the next restart is immediate again */
#define TASK_MS 600000
#define CHECK_MS 5000
#define CHECK_INTERVAL_MS 50

enum state { WAITING, STARTING, READY, FAILED, STOPPING };
static const char *const state_names[] = { "waiting", "starting", "ready", "failed", "stopping" };

static struct conf confs[2], *now_conf = &confs[0];
static struct stream streams[PID1_PROCESSES + 1];
static int folder, control, signals;
static enum state state;
static unsigned epoch;
static char why[300];
static char command[32]; /* not yet obeyed; "" for none */
static bool stop_asked;
static sigset_t blocked;

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void write_status(void)
{
	static char text[8192];
	size_t n = (size_t)snprintf(text, sizeof(text), "state %s\nepoch %u\nwhy %s\n",
				    state_names[state], epoch, why);
	int fd;

	for (size_t i = 0; i < now_conf->n && n < sizeof(text) - 200; i++) {
		const struct proc *p = &now_conf->procs[i];

		if (!p->task)
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

static void set_state(enum state s)
{
	if (s != state)
		log_say("%s%s%s", state_names[s], *why && s == FAILED ? ": " : "",
			s == FAILED ? why : "");
	state = s;
	write_status();
}

static struct stream *take_stream(void)
{
	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++)
		if (streams[i].fd < 0)
			return &streams[i];
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
	sigprocmask(SIG_UNBLOCK, &blocked, NULL);
	environ = p->env;
	execvp(p->argv[0], p->argv);
	dprintf(2, "%s: %s\n", p->argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* Pipes belong to the process's user, so that it can open its own /dev/stdout. */
static bool start(struct proc *p)
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
	p->since_ms = now_ms();
	p->next_ms = 0;
	return true;
}

static void retry_later(struct proc *p)
{
	if (p->since_ms && now_ms() - p->since_ms > STEADY_MS)
		p->backoff_ms = 0;
	p->next_ms = now_ms() + (p->backoff_ms ? p->backoff_ms : 1);
	p->backoff_ms = p->backoff_ms ? p->backoff_ms * 2 : FIRST_BACKOFF_MS;
	if (p->backoff_ms > LAST_BACKOFF_MS)
		p->backoff_ms = LAST_BACKOFF_MS;
}

static void begin(struct proc *p)
{
	if (start(p)) {
		log_say("%s: started, pid %d", p->name, (int)p->pid);
	} else {
		log_say("%s: cannot start: %s", p->name, strerror(errno));
		retry_later(p);
	}
	write_status();
}

static void drain(struct proc *p, const char *log, char *last, size_t size)
{
	for (int i = 0; p->out && p->out->fd >= 0 && i < 1024; i++) {
		struct pollfd f = { .fd = p->out->fd, .events = POLLIN };

		if (poll(&f, 1, 0) <= 0 || !stream_read(p->out, log, last, size))
			break;
	}
	/* A grandchild may hold the other end for ever: what it says from now on is lost. */
	if (p->out && p->out->fd >= 0) {
		close(p->out->fd);
		p->out->fd = -1;
	}
	p->out = NULL;
}

static void ended(struct proc *p, int status)
{
	p->pid = 0;
	p->last_exit = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	if (p == &now_conf->check || p->task) {
		drain(p, p->task && p != &now_conf->check ? p->name : NULL, why, sizeof(why));
		return;
	}
	drain(p, p->name, NULL, 0);
	log_say("%s: ended, exit %d", p->name, p->last_exit);
	if (state == STARTING || state == READY) {
		p->restarts++;
		retry_later(p);
		set_state(STARTING);
	}
	write_status();
}

static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (now_conf->check.pid == pid)
			ended(&now_conf->check, status);
		for (size_t c = 0; c < 2; c++)
			for (size_t i = 0; i < confs[c].n; i++)
				if (confs[c].procs[i].pid == pid)
					ended(&confs[c].procs[i], status);
	}
}

/* Datagrams from the container's root alone: the socket is 0600 in a folder of 0700. */
static void read_command(void)
{
	char text[sizeof(command)];
	ssize_t got = recv(control, text, sizeof(text) - 1, MSG_DONTWAIT);

	if (got <= 0)
		return;
	text[got] = '\0';
	stop_asked |= !strcmp(text, "stop");
	memcpy(command, text, sizeof(command));
}

static void read_signals(void)
{
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		stop_asked |= info.ssi_signo == SIGTERM;
	reap();
}

static struct proc *owner_of(const struct stream *s)
{
	if (now_conf->check.out == s)
		return &now_conf->check;
	for (size_t c = 0; c < 2; c++)
		for (size_t i = 0; i < confs[c].n; i++)
			if (confs[c].procs[i].out == s)
				return &confs[c].procs[i];
	return NULL;
}

static void read_stream(struct stream *s)
{
	const struct proc *p = owner_of(s);
	bool check = p == &now_conf->check, task = p && p->task;

	(void)stream_read(s, !p || check ? NULL : p->name, why, task ? sizeof(why) : 0);
}

/* One turn: output, ends of processes, and commands, which are only noted. */
static void turn(int64_t timeout_ms)
{
	struct pollfd fds[PID1_PROCESSES + 3] = { { .fd = signals, .events = POLLIN },
						  { .fd = control, .events = POLLIN } };
	nfds_t n = 2;

	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++)
		fds[n++] = (struct pollfd){ .fd = streams[i].fd, .events = POLLIN };
	if (poll(fds, n, timeout_ms > 60000 ? 60000 : (int)timeout_ms) <= 0)
		return;
	for (nfds_t i = 2; i < n; i++)
		if (fds[i].revents && streams[i - 2].fd == fds[i].fd)
			read_stream(&streams[i - 2]);
	if (fds[1].revents)
		read_command();
	if (fds[0].revents)
		read_signals();
}

static void kill_session(const struct proc *p, int sig)
{
	if (kill(-p->pid, sig) < 0)
		(void)kill(p->pid, sig);
}

/* Its signal, its grace, then SIGKILL to all of its process group. */
static void stop(struct proc *p)
{
	int64_t end = now_ms() + p->grace_ms;

	p->next_ms = 0;
	if (!p->pid)
		return;
	(void)kill(p->pid, p->stop_signal);
	while (p->pid && now_ms() < end)
		turn(end - now_ms());
	if (p->pid) {
		log_say("%s: doesn't stop, killed", p->name);
		kill_session(p, SIGKILL);
		while (p->pid)
			turn(1000);
	}
}

static void stop_check(void)
{
	if (now_conf->check.pid)
		kill_session(&now_conf->check, SIGKILL);
	while (now_conf->check.pid)
		turn(1000);
}

static void stop_all(void)
{
	stop_check();
	for (size_t i = now_conf->n; i-- > 0;)
		stop(&now_conf->procs[i]);
}

static bool run_task(struct proc *p)
{
	int64_t end = now_ms() + (p->timeout_ms ? p->timeout_ms : TASK_MS);
	char line[sizeof(why)];

	*why = '\0';
	if (!start(p)) {
		snprintf(why, sizeof(why), "task %s: %s", p->name, strerror(errno));
		return false;
	}
	while (p->pid && now_ms() < end && !stop_asked)
		turn(end - now_ms());
	if (p->pid) {
		kill_session(p, SIGKILL);
		while (p->pid)
			turn(1000);
	}
	if (p->last_exit == 0 && !stop_asked) {
		*why = '\0';
		return true;
	}
	memcpy(line, why, sizeof(line));
	snprintf(why, sizeof(why), "task %.40s: exit %d%s%.200s", p->name, p->last_exit,
		 *line ? ": " : "", line);
	return false;
}

static bool run_tasks(struct conf *c, const char *only)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->procs[i].task && (!only || !strcmp(c->procs[i].name, only)) &&
		    !run_task(&c->procs[i]))
			return false;
	return true;
}

static void fail(void)
{
	stop_all();
	set_state(FAILED);
}

static void do_start(void)
{
	struct conf *next = now_conf == &confs[0] ? &confs[1] : &confs[0];

	set_state(STOPPING);
	stop_all();
	if (!conf_read(next, folder, why, sizeof(why))) {
		next->n = 0;
		set_state(FAILED);
		return;
	}
	now_conf->n = 0;
	now_conf = next;
	log_set(now_conf->log_folder, now_conf->log_size);
	set_state(STARTING);
	if (!run_tasks(now_conf, NULL)) {
		fail();
		return;
	}
	for (size_t i = 0; i < now_conf->n && !stop_asked; i++)
		if (!now_conf->procs[i].task)
			begin(&now_conf->procs[i]);
}

/* The process as it runs, under its new description; true when it has to be another one. */
static bool take_over(struct proc *new, struct proc *old)
{
	new->pid = old->pid;
	new->out = old->out;
	new->since_ms = old->since_ms;
	new->next_ms = old->next_ms;
	new->backoff_ms = old->backoff_ms;
	new->restarts = old->restarts;
	new->last_exit = old->last_exit;
	old->pid = 0;
	old->out = NULL;
	return new->hash != old->hash;
}

static void react(struct proc *p, int reaction, bool changed)
{
	if (!p->pid)
		return;
	if (changed || reaction == RESTART) {
		enum state before = state;

		state = STOPPING; /* its end is no accident */
		stop(p);
		state = before;
		begin(p);
		set_state(STARTING);
	} else if (reaction == SIGNAL) {
		(void)kill(p->pid, p->reload_signal);
		log_say("%s: signal %d", p->name, p->reload_signal);
	}
}

/* Processes that can't take the new configuration keep the old one; `why` and the epoch tell. */
static void do_reload(bool swap)
{
	struct conf *old = now_conf, *next = old == &confs[0] ? &confs[1] : &confs[0];

	if (!conf_read(next, folder, why, sizeof(why)) || !run_tasks(next, "configure")) {
		next->n = 0;
		set_state(FAILED);
		return;
	}
	stop_check();
	now_conf = next;
	log_set(now_conf->log_folder, now_conf->log_size);
	for (size_t i = old->n; i-- > 0;)
		if (!conf_find(next, old->procs[i].name))
			stop(&old->procs[i]);
	for (size_t i = 0; i < next->n; i++) {
		struct proc *p = &next->procs[i], *was = conf_find(old, p->name);

		if (p->task)
			continue;
		if (was)
			react(p, swap ? p->on_swap : p->on_reload, take_over(p, was));
		else
			begin(p);
	}
	old->n = 0;
	if (state == FAILED)
		set_state(STARTING);
}

static void obey(void)
{
	char what[sizeof(command)];

	memcpy(what, command, sizeof(what));
	*command = '\0';
	*why = '\0';
	log_say("told to %s", what);
	if (!strcmp(what, "start") || !strcmp(what, "restart"))
		do_start();
	else if (!strcmp(what, "reload") || !strcmp(what, "swap"))
		do_reload(!strcmp(what, "swap"));
	epoch++;
	write_status();
}

static bool all_run(void)
{
	for (size_t i = 0; i < now_conf->n; i++)
		if (!now_conf->procs[i].task && !now_conf->procs[i].pid)
			return false;
	return true;
}

/* Starts what is due; the time until something else is. */
static int64_t restart_due(void)
{
	int64_t now = now_ms(), next = 60000;

	for (size_t i = 0; i < now_conf->n; i++) {
		struct proc *p = &now_conf->procs[i];

		if (!p->next_ms || p->pid)
			continue;
		if (p->next_ms <= now)
			begin(p);
		else if (p->next_ms - now < next)
			next = p->next_ms - now;
	}
	return next;
}

/* Without a check of its own, a container is ready when all its processes run. */
static int64_t check_ready(void)
{
	struct proc *c = &now_conf->check;
	int64_t now = now_ms(), limit = c->timeout_ms ? c->timeout_ms : CHECK_MS;

	if (state != STARTING || !all_run())
		return 60000;
	if (!c->argv || !c->argv[0]) {
		set_state(READY);
		return 60000;
	}
	if (c->pid) {
		if (now - c->since_ms > limit)
			kill_session(c, SIGKILL);
		return limit;
	}
	if (c->since_ms && c->last_exit == 0) {
		c->since_ms = 0;
		c->last_exit = -1;
		*why = '\0';
		set_state(READY);
		return 60000;
	}
	c->last_exit = -1;
	if (now < c->next_ms)
		return c->next_ms - now;
	(void)start(c);
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
	sigfillset(&blocked);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	signals = signalfd(-1, &blocked, SFD_CLOEXEC | SFD_NONBLOCK);
	return signals >= 0;
}

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++)
		streams[i].fd = -1;
	if (!open_all(argc > 1 ? argv[1] : "/run/orch"))
		return 1;
	write_status();
	while (!stop_asked) {
		bool running = state == STARTING || state == READY;
		int64_t due = running ? restart_due() : 60000;
		int64_t check = running ? check_ready() : 60000;

		if (*command)
			obey();
		else
			turn(due < check ? due : check);
	}
	set_state(STOPPING);
	stop_all();
	log_say("ends");
	return 0;
}
