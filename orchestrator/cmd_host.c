/*
 * cmd_host.c - doctor and supervise
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/table.h"
#include "base/text.h"
#include "orchestrator/commands.h"
#include "orchestrator/session.h"
#include "orchestrator/supervise.h"
#include "runtime/cgroup.h"
#include "runtime/pool.h"
#include "runtime/volume.h"

#define DISK_LOW (UINT64_C(1) << 30) /* the pool ends where its disk does, and that is near then */

struct doctor {
	struct session *s;
	struct table table;
	struct json_t *list;
	unsigned missing;
};

static void say(struct doctor *d, bool ok, const char *what, const char *found, const char *advice)
{
	struct json_t *map = json_add(d->list, json_new_map());

	json_put_flag(map, "ok", ok);
	json_put_text(map, "check", what);
	json_put_text(map, "found", found);
	json_put_text(map, "advice", ok ? "" : advice);
	table_row(&d->table, ok ? "ok" : "MISSING", what, found, ok ? "" : advice, NULL);
	d->missing += !ok;
}

/* MOVE_MOUNT_BENEATH came with 6.5, and 6.6 is the first with long support that has it: move_mount(2). */
static void check_kernel(struct doctor *d)
{
	struct utsname u;
	int major = 0, minor = 0;
	char *end;

	uname(&u);
	major = (int)strtol(u.release, &end, 10);
	if (*end == '.')
		minor = (int)strtol(end + 1, NULL, 10);
	say(d, major > 6 || (major == 6 && minor >= 6), "kernel", u.release,
	    "6.6 or newer is needed");
}

/* Built in, loaded, or a module that a mount would load. */
static void check_file_system(struct doctor *d, const char *name)
{
	struct utsname u;
	struct error ignored;
	char *text = NULL;
	const char *found = "built in";
	bool ok;

	ok = file_read(&d->s->arena, AT_FDCWD, "/proc/filesystems", 1 << 16, &text, NULL,
		       &ignored) == 0 &&
		strstr(text, arena_printf(&d->s->arena, "\t%s\n", name));
	if (!ok) {
		uname(&u);
		text = NULL;
		ok = file_read(&d->s->arena, AT_FDCWD,
			       arena_printf(&d->s->arena, "/lib/modules/%s/modules.dep", u.release),
			       16 << 20, &text, NULL, &ignored) == 0 &&
			strstr(text, arena_printf(&d->s->arena, "/%s.ko", name));
		found = ok ? "as a module" : "not there";
	}
	say(d, ok, name, found, "the kernel needs this file system");
}

static void check_program(struct doctor *d, const char *name, const char *package)
{
	static const char *const folders[] = { "/usr/bin", "/usr/sbin", "/bin", "/sbin",
					       "/usr/local/bin" };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		const char *path = arena_printf(&d->s->arena, "%s/%s", folders[i], name);

		if (access(path, X_OK) == 0) {
			say(d, true, name, path, "");
			return;
		}
	}
	say(d, false, name, "not there", arena_printf(&d->s->arena, "install %s", package));
}

/* Of the root's pool, where it is there: what would fail a writer, and soon. */
static void check_pool(struct doctor *d)
{
	const char *path = d->s->host.pool;
	struct pool_space p;
	struct error err;
	char free_text[16], disk_text[16];
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode) && !pool_mounted(path)) {
		say(d, false, "pool", "its folder isn't mounted",
		    arena_printf(&d->s->arena, "mount what %s leads to", path));
		return;
	}
	if (geteuid() != 0 || pool_space(&d->s->arena, path, &p, &err) != 0)
		return;
	say(d, !p.held && p.free > p.size / 20, "pool",
	    arena_printf(&d->s->arena, "%s, %s free%s", p.driver, text_bytes(free_text, p.free),
			 p.limits ? "" : ", \"disk\" not enforced"),
	    p.held	     ? "make room on the disk below it"
		    : p.file ? "orch df; orch pool grow SIZE"
			     : "orch df; make room");
	if (p.file)
		say(d, p.disk_free > DISK_LOW, "disk below the pool",
		    arena_printf(&d->s->arena, "%s free", text_bytes(disk_text, p.disk_free)),
		    "make room on it: the pool ends where it does");
}

static void check_all(struct doctor *d)
{
	struct error err = { 0 };
	const char *kind = cgroup_kind(&err);

	say(d, geteuid() == 0, "root", geteuid() == 0 ? "yes" : "no", "run orch with sudo");
	check_kernel(d);
	check_file_system(d, "squashfs");
	check_file_system(d, "xfs");
	check_file_system(d, "ext4");
	say(d, kind != NULL, "cgroups", kind ? kind : err.text,
	    "memory, cpu and pids controllers are needed");
	say(d, access("/dev/loop-control", F_OK) == 0, "loop devices",
	    access("/dev/loop-control", F_OK) == 0 ? "/dev/loop-control" : "not there",
	    "modprobe loop");
	check_program(d, "mmdebstrap", "mmdebstrap: base images are built with it");
	check_program(d, "mkfs.xfs", "xfsprogs: the pool is made with it");
	check_program(d, "mke2fs", "e2fsprogs: volumes are made with it");
	check_program(d, "git", "git");
	say(d, true, "TLS", "none: https:// routes are served as http://", "");
	check_pool(d);
	check_program(d, "tar", "tar: backups are made with it");
	check_program(d, "zstd", "zstd: backups are compressed with it");
	say(d, access(d->s->host.init, X_OK) == 0, "orch-init", d->s->host.init,
	    "reinstall orch, or set ORCH_LIBEXEC");
	say(d, file_exists(arena_printf(&d->s->arena, "%s/catalog", d->s->host.share)), "catalogue",
	    arena_printf(&d->s->arena, "%s/catalog", d->s->host.share),
	    "reinstall orch, or set ORCH_SHARE");
}

int cmd_doctor(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	const struct options *options = ctx;
	struct doctor d = { .s = &s };

	(void)argc;
	(void)argv;
	if (session_open(&s, options, err) < 0)
		return -1;
	d.list = json_new_list();
	check_all(&d);
	if (options->json) {
		session_print("orch.doctor/1", "checks", d.list);
	} else {
		table_print(&d.table, stdout);
		json_free(d.list);
	}
	table_clear(&d.table);
	if (d.missing)
		return fail(err, ERROR_HOST, "%u of the above is missing", d.missing);
	return 0;
}

int cmd_supervise(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	struct options options = *(struct options *)ctx;

	(void)argc;
	log_set_level(LOG_NORMAL);
	options.environment = argv[0];
	if (session_open(&s, &options, err) < 0 || session_need_state(&s, "supervise", err) < 0)
		return -1;
	if (!s.state || state_find(s.state, &s.arena, argv[0], &s.env, err) != 0) {
		if (session_environment(&s, err) < 0)
			return -1;
	}
	return supervise(&s.host, s.env.id, options.deferred, options.resume, err);
}
