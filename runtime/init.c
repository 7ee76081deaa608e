#include "runtime/init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "runtime/container.h"

#define FOLDER "/run/orch"
#define ZONE_MAX 65536

static void put(struct text *out, const char *key, const char *value)
{
	text_printf(out, "%s ", key);
	for (; *value; value++) {
		if (*value == '\n')
			text_add(out, "\\n");
		else if (*value == '\\')
			text_add(out, "\\\\");
		else
			text_add_bytes(out, value, 1);
	}
	text_add(out, "\n");
}

static void put_number(struct text *out, const char *key, uint64_t value)
{
	text_printf(out, "%s %llu\n", key, (unsigned long long)value);
}

static void put_words(struct text *out, const char *key, const char *const *words)
{
	for (; words && *words; words++)
		put(out, key, *words);
}

/* before: whose variables may be the very same, which aren't told again; or NULL. */
static void put_process(struct text *out, const char *kind, const struct init_process *p,
			const struct init_process *before)
{
	put(out, kind, p->name);
	put_number(out, "uid", p->uid);
	put_number(out, "gid", p->gid);
	if (p->folder)
		put(out, "folder", p->folder);
	if (p->input)
		put(out, "input", p->input);
	put_number(out, "stop_signal", (uint64_t)p->stop_signal);
	put_number(out, "reload_signal", (uint64_t)p->reload_signal);
	put_number(out, "grace", p->grace_ms);
	put_number(out, "on_reload", p->on_reload);
	put_number(out, "on_swap", p->on_swap);
	put_number(out, "group", p->group);
	put_number(out, "may_end", p->may_end);
	put_number(out, "timeout", p->timeout_ms);
	put_words(out, "arg", p->argv);
	if (before && p->env == before->env)
		put_number(out, "same_env", 1);
	else
		put_words(out, "env", p->env);
	put_words(out, "fact", p->facts);
}

static void put_cron(struct text *out, const struct init_cron *c, const struct init_cron *before)
{
	put_process(out, c->schedule ? "cron" : "operation", &c->process,
		    before ? &before->process : NULL);
	if (c->schedule) {
		put(out, "schedule", c->schedule);
		put_number(out, "hash", c->hash);
		put_number(out, "jitter", c->jitter_s);
	}
	if (c->stop)
		put(out, "stop", c->stop);
}

void init_spec_print(const struct init_spec *spec, struct text *out)
{
	put(out, "log_folder", spec->log_folder ? spec->log_folder : "");
	put_number(out, "log_size", spec->log_size);
	put_number(out, "clock_rate", spec->clock_rate);
	if (spec->zone)
		put(out, "zone", spec->zone);
	for (size_t i = 0; i < spec->n; i++)
		put_process(out, spec->processes[i].task ? "task" : "process", &spec->processes[i],
			    NULL);
	for (size_t i = 0; i < spec->n_crons; i++)
		put_cron(out, &spec->crons[i], i ? &spec->crons[i - 1] : NULL);
	if (!spec->ready.argv)
		return;
	put(out, "ready", "check");
	put_number(out, "uid", spec->ready.uid);
	put_number(out, "gid", spec->ready.gid);
	put_number(out, "interval", spec->ready.interval_ms);
	put_number(out, "timeout", spec->ready.timeout_ms);
	put_words(out, "arg", spec->ready.argv);
	put_words(out, "env", spec->ready.env);
}

/* Images needn't have one. */
static int write_zone(int folder, const char *name, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *path = arena_printf(&arena, "/usr/share/zoneinfo/%s", name);
	char *data;
	size_t size;
	int r = file_read(&arena, AT_FDCWD, path, ZONE_MAX, &data, &size, err);

	if (r == FILE_ABSENT)
		return fail(err, ERROR_SYSTEM, "no %s: install tzdata on the host", path);
	return r < 0 ? -1 : file_write(folder, "zone", data, size, 0644, false, err);
}

int init_write_spec_at(int folder, const struct init_spec *spec, uint32_t owner, struct error *err)
{
	AUTO(text) struct text text = { 0 };

	init_spec_print(spec, &text);
	if (spec->zone && write_zone(folder, spec->zone, err) < 0)
		return -1;
	if (file_write(folder, "init.conf", text_get(&text), text.size, 0600, false, err) < 0)
		return -1;
	if (fchownat(folder, "init.conf", owner, owner, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_errno(err, "chown init.conf");
	return 0;
}

/* The socket itself is looked up first, without following a link that the container's root may have put there. */
int init_command_at(int folder, const char *command, struct error *err)
{
	AUTO(fd) int at = openat(folder, "control", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	AUTO(fd) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat st;

	if (at < 0 || fstat(at, &st) < 0 || fd < 0)
		return fail_errno(err, "reach orch-init");
	if (!S_ISSOCK(st.st_mode))
		return fail(err, ERROR_SYSTEM, "orch-init's socket was replaced");
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d", at);
	if (connect(fd, (struct sockaddr *)(void *)&address, sizeof(address)) < 0 ||
	    send(fd, command, strlen(command), MSG_NOSIGNAL) < 0)
		return fail_errno(err, "tell orch-init to %s", command);
	return 0;
}

int init_write_spec(const struct container *c, const struct init_spec *spec, uint32_t owner,
		    struct error *err)
{
	AUTO(fd) int folder = container_open_folder(c, FOLDER, err);

	return folder < 0 ? -1 : init_write_spec_at(folder, spec, owner, err);
}

int init_command(const struct container *c, const char *command, struct error *err)
{
	AUTO(fd) int folder = container_open_folder(c, FOLDER, err);

	return folder < 0 ? -1 : init_command_at(folder, command, err);
}

int init_status_read(struct arena *arena, const struct container *c, struct init_status *out,
		     struct error *err)
{
	AUTO(fd) int folder = container_open_folder(c, FOLDER, err);

	return folder < 0 ? -1 : init_status_read_at(arena, folder, out, err);
}

int init_watch(const struct container *c, int *watch, struct error *err)
{
	AUTO(fd) int folder = container_open_folder(c, FOLDER, err);
	char path[64];

	if (folder < 0)
		return -1;
	if (*watch < 0)
		*watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", folder);
	if (*watch < 0 || inotify_add_watch(*watch, path, IN_MOVED_TO | IN_ONLYDIR) < 0)
		return fail_errno(err, "watch orch-init's status");
	return 0;
}
