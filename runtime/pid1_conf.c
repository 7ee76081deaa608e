#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/pid1.h"

/* The words of one process are gathered in a row, its arguments before its variables. */
struct reader {
	struct conf *c;
	struct proc *p; /* whose lines these are */
	bool in_env;
	unsigned line;
	char *why;
	size_t size;
};

static bool refuse(const struct reader *r, const char *what)
{
	snprintf(r->why, r->size, "init.conf:%u: %s", r->line, what);
	return false;
}

/* "\n" and "\\" in place. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (*s == '\\' && s[1]) {
			s++;
			if (*s == 'n')
				*s = '\n';
			*to++ = *s;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

static void mix(struct proc *p, const char *key, const char *value)
{
	for (; *key; key++)
		p->hash = (p->hash ^ (unsigned char)*key) * UINT64_C(0x100000001b3);
	for (; *value; value++)
		p->hash = (p->hash ^ (unsigned char)*value) * UINT64_C(0x100000001b3);
	p->hash = (p->hash ^ 0xff) * UINT64_C(0x100000001b3);
}

static bool add_word(struct reader *r, char *value)
{
	if (r->c->n_words + 2 >= PID1_WORDS)
		return refuse(r, "too many words");
	r->c->words[r->c->n_words++] = value;
	r->c->words[r->c->n_words] = NULL;
	return true;
}

/* Arguments end, with their NULL, where variables begin. */
static bool begin_env(struct reader *r)
{
	if (r->in_env)
		return true;
	r->in_env = true;
	if (r->c->n_words + 2 >= PID1_WORDS)
		return refuse(r, "too many words");
	r->c->n_words++;
	r->p->env = &r->c->words[r->c->n_words];
	*r->p->env = NULL;
	return true;
}

static bool begin_process(struct reader *r, struct proc *p, const char *name, bool task)
{
	if (r->p && !begin_env(r))
		return false;
	if (r->p)
		r->c->n_words++;
	*p = (struct proc){
		.name = name,
		.task = task,
		.folder = "/",
		.hash = UINT64_C(0xcbf29ce484222325),
		.last_exit = -1,
		.stop_signal = 15,
		.reload_signal = 1,
		.grace_ms = 10000,
	};
	p->argv = &r->c->words[r->c->n_words];
	*p->argv = NULL;
	r->p = p;
	r->in_env = false;
	return true;
}

static bool read_number(struct reader *r, const char *key, const char *value)
{
	struct proc *p = r->p;
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (*value < '0' || *value > '9' || *end || n > UINT32_MAX)
		return refuse(r, "expected a number");
	if (!strcmp(key, "uid"))
		p->uid = (uid_t)n;
	else if (!strcmp(key, "gid"))
		p->gid = (gid_t)n;
	else if (!strcmp(key, "stop_signal") && n < 64)
		p->stop_signal = n ? (int)n : 15;
	else if (!strcmp(key, "reload_signal") && n < 64)
		p->reload_signal = n ? (int)n : 1;
	else if (!strcmp(key, "grace"))
		p->grace_ms = n ? (uint32_t)n : 10000;
	else if (!strcmp(key, "same_env") && r->c->n > 1)
		return begin_env(r) && (p->env = p[-1].env);
	else if (!strcmp(key, "hash"))
		p->cron_hash = (uint32_t)n;
	else if (!strcmp(key, "jitter"))
		p->jitter_s = (uint32_t)n;
	else if (!strcmp(key, "timeout"))
		p->timeout_ms = (uint32_t)n;
	else if (!strcmp(key, "interval"))
		p->interval_ms = (uint32_t)n;
	else if (!strcmp(key, "on_reload") && n <= RESTART)
		p->on_reload = (int)n;
	else if (!strcmp(key, "on_swap") && n <= RESTART)
		p->on_swap = (int)n;
	else if (!strcmp(key, "group") && n <= 1)
		p->group = n;
	else if (!strcmp(key, "may_end") && n <= 1)
		p->may_end = n;
	else
		return refuse(r, "unknown key or value");
	if (!strcmp(key, "uid") || !strcmp(key, "gid"))
		mix(p, key, value);
	return true;
}

static bool read_text(struct reader *r, const char *key, char *value, bool *known)
{
	*known = true;
	if (!strcmp(key, "arg")) {
		mix(r->p, key, value);
		return r->in_env ? refuse(r, "argument behind a variable") : add_word(r, value);
	}
	if (!strcmp(key, "env")) {
		mix(r->p, key, value);
		return begin_env(r) && add_word(r, value);
	}
	if (!strcmp(key, "fact"))
		return begin_env(r) && add_word(r, value);
	if (!strcmp(key, "schedule")) {
		r->p->schedule = value;
		return true;
	}
	if (!strcmp(key, "stop")) {
		r->p->stop = value;
		return true;
	}
	if (!strcmp(key, "folder")) {
		r->p->folder = value;
	} else if (!strcmp(key, "input")) {
		r->p->input = value;
	} else {
		*known = false;
		return true;
	}
	mix(r->p, key, value);
	return true;
}

static bool read_head(struct reader *r, const char *key, char *value, bool *known)
{
	struct conf *c = r->c;
	bool task = !strcmp(key, "task");
	enum job job = !strcmp(key, "cron") ? JOB_CRON
		: !strcmp(key, "operation") ? JOB_OPERATION
					    : NO_JOB;

	*known = true;
	if (task || job || !strcmp(key, "process")) {
		if (c->n == PID1_PROCESSES)
			return refuse(r, "too many processes");
		if (job) {
			if (!begin_process(r, &c->procs[c->n++], value, false))
				return false;
			r->p->job = job;
			r->p->zone = c->zone;
			return r->p->group = true;
		}
		if (!*value ||
		    strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(value))
			return refuse(r, "bad name");
		if (conf_find(c, value, NO_JOB))
			return refuse(r, "name given twice");
		return begin_process(r, &c->procs[c->n++], value, task);
	}
	if (!strcmp(key, "ready"))
		return begin_process(r, &c->check, "ready", true);
	if (!strcmp(key, "log_folder"))
		c->log_folder = value;
	else if (!strcmp(key, "zone"))
		c->zone = value;
	else if (!strcmp(key, "log_size"))
		c->log_size = strtoull(value, NULL, 10);
	else if (!strcmp(key, "clock_rate"))
		c->clock_rate = (uint32_t)strtoul(value, NULL, 10);
	else
		*known = false;
	return true;
}

static bool read_line(struct reader *r, char *line)
{
	char *value = strchr(line, ' ');
	bool known;

	if (!value)
		return refuse(r, "expected a key and a value");
	*value++ = '\0';
	unescape(value);
	if (!read_head(r, line, value, &known))
		return false;
	if (known)
		return true;
	if (!r->p)
		return refuse(r, "belongs to no process");
	if (!read_text(r, line, value, &known))
		return false;
	return known || read_number(r, line, value);
}

static bool load(struct conf *c, int folder, char *why, size_t size)
{
	int fd = openat(folder, "init.conf", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t have = 0;
	ssize_t got = -1;

	while (fd >= 0 && have < sizeof(c->text) - 1 &&
	       (got = read(fd, c->text + have, sizeof(c->text) - 1 - have)) > 0)
		have += (size_t)got;
	if (fd < 0 || got != 0) {
		snprintf(why, size, "init.conf: %s",
			 fd < 0 || got < 0 ? strerror(errno) : "too large");
		if (fd >= 0)
			close(fd);
		return false;
	}
	close(fd);
	c->text[have] = '\0';
	return true;
}

static bool check_schedules(struct conf *c, char *why, size_t size)
{
	for (size_t i = 0; i < c->n; i++) {
		struct proc *p = &c->procs[i];
		const char *wrong = p->job != JOB_CRON ? NULL
			: p->schedule ? cron_parse(p->schedule, p->cron_hash, &p->when)
				      : "it has no schedule";

		if (wrong) {
			snprintf(why, size, "init.conf: %.100s: %s", p->name, wrong);
			return false;
		}
	}
	return true;
}

bool conf_read(struct conf *c, int folder, char *why, size_t size)
{
	struct reader r = { .c = c, .why = why, .size = size };
	char *line, *next;

	c->n = c->n_words = 0;
	c->log_folder = NULL;
	c->zone = "";
	c->log_size = 0;
	c->clock_rate = 0;
	memset(&c->check, 0, sizeof(c->check));
	if (!load(c, folder, why, size))
		return false;
	for (line = c->text; *line; line = next) {
		next = line + strcspn(line, "\n");
		next += *next == '\n' ? (*next = '\0', 1) : 0;
		r.line++;
		if (*line && !read_line(&r, line))
			return false;
	}
	if (r.p && !begin_env(&r))
		return false;
	for (size_t i = 0; i < c->n; i++)
		if (!c->procs[i].argv[0]) {
			snprintf(why, size, "init.conf: %s has no command", c->procs[i].name);
			return false;
		}
	return check_schedules(c, why, size);
}

void conf_use(struct conf *c)
{
	self.now = c;
	log_set(c->log_folder, c->log_size);
	cron_set_zone(*c->zone);
}

const char *conf_log(const struct proc *p)
{
	return p->job == JOB_CRON ? "cron" : p->job ? "operation" : p->name;
}

struct proc *conf_find(struct conf *c, const char *name, enum job job)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->procs[i].job == job && !strcmp(c->procs[i].name, name))
			return &c->procs[i];
	return NULL;
}
