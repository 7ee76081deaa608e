/*
 * The jobs of orch-init: crons, at times by the calendar, and operations, when asked; of both one at a time
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/pid1.h"

#define LONGEST_MS 60000 /* the clock may be set meanwhile */

static void say(const struct proc *p, const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int n = snprintf(line, sizeof(line), "%.200s: ", p->name);

	va_start(ap, fmt);
	vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
	va_end(ap);
	/* An operation's log is what it said itself. */
	log_write(p->job == JOB_CRON ? "cron" : "init", line, strlen(line));
}

static uint32_t rate(void)
{
	return self.now->clock_rate ? self.now->clock_rate : 1;
}

/* Seconds since 1970. */
static int64_t calendar(void)
{
	static int64_t start_s, start_ms;
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	if (rate() == 1)
		return t.tv_sec;
	if (!start_s) {
		start_s = t.tv_sec;
		start_ms = pid1_now();
	}
	return start_s + (pid1_now() - start_ms) * rate() / 1000;
}

static int64_t next_after(const struct proc *p, int64_t at)
{
	int64_t next;

	return cron_next(&p->when, at, &next) ? next : INT64_MAX;
}

/* After the time that the schedule names, at most so much that the next one comes later: the same for the same time. */
static void plan(struct proc *p, int64_t after)
{
	int64_t at = next_after(p, after), spread = p->jitter_s, period;
	uint32_t mix = p->cron_hash;

	p->named_s = p->due_s = at;
	if (at == INT64_MAX || !spread)
		return;
	period = next_after(p, at) - at;
	if (period < spread)
		spread = period;
	mix = (mix ^ (uint32_t)(at / 60)) * 2654435761u;
	p->due_s = at + (int64_t)((mix ^ mix >> 16) % (uint32_t)spread);
}

/* The zone's file may be another one under the same name: only another value makes the library read it again. */
void cron_set_zone(bool given)
{
	char path[300];

	snprintf(path, sizeof(path), ":%s/zone", self.folder);
	setenv("TZ", "UTC0", 1);
	tzset();
	if (given)
		setenv("TZ", path, 1);
	tzset();
}

void cron_ask(const char *name, enum job job)
{
	struct proc *p = conf_find(self.now, name, job);

	if (!p)
		return;
	if (!p->waits_ms)
		p->waits_ms = pid1_now();
	pid1_write_status();
}

void cron_stop(struct proc *p)
{
	static char *argv[] = { "/bin/sh", "-c", NULL, NULL };

	p->kill_ms = pid1_now() + p->grace_ms;
	if (!p->stop || self.stopper.pid) {
		run_kill(p, SIGTERM);
		return;
	}
	self.stopper = (struct proc){
		.name = p->name,
		.folder = p->folder,
		.env = p->env,
		.argv = argv,
		.uid = p->uid,
		.gid = p->gid,
		.job = p->job,
	};
	argv[2] = (char *)(uintptr_t)p->stop;
	if (!run_start(&self.stopper))
		run_kill(p, SIGTERM);
}

void cron_ended(struct proc *p)
{
	p->runs++;
	p->kill_ms = 0;
	say(p, "ended, exit %d", p->last_exit);
	pid1_write_status();
}

void cron_cancel(const char *name, enum job job)
{
	struct proc *p = conf_find(self.now, name, job);

	if (!p)
		return;
	p->waits_ms = 0;
	if (p->pid && !p->kill_ms) {
		say(p, "cancelled");
		cron_stop(p);
	}
	pid1_write_status();
}

static int64_t attend(struct proc *p)
{
	int64_t now = pid1_now(), end = p->kill_ms ? p->kill_ms : p->since_ms + p->timeout_ms;

	if (!p->kill_ms && !p->timeout_ms)
		return LONGEST_MS;
	if (now < end)
		return end - now;
	if (p->kill_ms) {
		say(p, "doesn't stop, killed");
		run_kill(p, SIGKILL);
		p->kill_ms = now + 1000;
		return 1000;
	}
	say(p, "takes longer than %u s, stopped", p->timeout_ms / 1000);
	cron_stop(p);
	return p->grace_ms;
}

static void begin(struct proc *p)
{
	p->waits_ms = 0;
	p->kill_ms = 0;
	say(p, "started");
	if (!run_start(p)) {
		p->last_exit = 126;
		cron_ended(p);
	}
	pid1_write_status();
}

/* It waits from then on. A time that passed while nobody looked counts once. */
static bool look(struct proc *p, int64_t now)
{
	int64_t before = p->due_s;

	if (!p->due_s)
		plan(p, now);
	if (p->due_s <= now) {
		if (!p->waits_ms)
			p->waits_ms = pid1_now();
		plan(p, p->named_s);
		if (p->due_s <= now)
			plan(p, now);
	}
	return p->due_s != before;
}

/* The next of them, when none runs: the time until there is something to do again. */
static int64_t turn_of(enum job job)
{
	struct proc *running = NULL, *first = NULL;

	for (size_t i = 0; i < self.now->n; i++) {
		struct proc *p = &self.now->procs[i];

		if (p->job != job)
			continue;
		if (p->pid)
			running = p;
		else if (p->waits_ms && (!first || p->waits_ms < first->waits_ms))
			first = p;
	}
	if (running)
		return attend(running);
	if (!first || self.held || self.state != READY)
		return LONGEST_MS;
	begin(first);
	return 0;
}

int64_t cron_turn(void)
{
	int64_t now = calendar(), wait = LONGEST_MS;
	bool changed = false;

	for (size_t i = 0; i < self.now->n; i++) {
		struct proc *p = &self.now->procs[i];

		if (p->job != JOB_CRON)
			continue;
		changed |= look(p, now);
		if (p->due_s - now < (int64_t)LONGEST_MS / 1000 * rate()) {
			int64_t left = (p->due_s - now) * 1000 / rate();

			wait = left < wait ? left + 1 : wait;
		}
	}
	if (changed)
		pid1_write_status();
	for (enum job job = JOB_CRON; job <= JOB_OPERATION; job++) {
		int64_t left = turn_of(job);

		wait = left < wait ? left : wait;
	}
	return wait;
}
