/*
 * cmd_exec.c - exec and ssh: a command of the user's in a running container
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "base/process.h"
#include "orchestrator/commands.h"
#include "orchestrator/lower.h"
#include "orchestrator/record.h"
#include "orchestrator/session.h"
#include "orchestrator/supervise.h"
#include "orchestrator/terminal.h"
#include "orchestrator/world.h"
#include "runtime/cgroup.h"
#include "runtime/exec.h"

#define EXIT_OURS 125
#define EXIT_NO_EXEC 126
#define EXIT_NO_FILE 127

struct run {
	struct session *s;
	struct world w;
	struct json_t *record, *document; /* owned */
	const char *container;
	struct lowered lowered;
	const struct image_description *image;
};

static void close_run(struct run *r)
{
	world_close(&r->w);
	json_free(r->record);
	json_free(r->document);
}
#define auto_run close_run

static int choose(struct run *r, const char *name, struct error *err)
{
	const struct json_t *containers = json_get(r->document, "containers");
	const char **names;
	size_t n;

	names = json_keys(&r->s->arena, containers, &n);
	for (size_t i = 0; !name && i < n; i++)
		if (!strcmp(json_get_text(json_get(containers, names[i]), "kind", ""), "app"))
			name = names[i];
	if (!name || !json_get(containers, name))
		return fail(err, ERROR_ABSENT, "no container \"%s\" in %s; see them: orch ps",
			    name ? name : "app", r->s->env.name);
	if (!world_alive(&r->w, name))
		return fail(err, ERROR_ABSENT, "%s isn't running; orch start, or orch logs %s",
			    name, name);
	r->container = name;
	return 0;
}

static int open_run(struct run *r, const struct options *options, const char *name,
		    struct error *err)
{
	struct session *s = r->s;
	AUTO(fd) int fd = -1;

	if (session_open(s, options, err) < 0 || host_need_root("exec", err) < 0 ||
	    session_environment(s, err) < 0)
		return -1;
	if (!s->env.generation)
		return fail(err, ERROR_ABSENT, "%s was never deployed: orch deploy", s->env.name);
	if (s->env.paused)
		return fail(err, ERROR_CONFLICT,
			    "%s is paused, so nothing runs in it: orch resume%s%s", s->env.name,
			    options->environment ? " -e " : "",
			    options->environment ? options->environment : "");
	if (s->env.wanted && supervise_connect(&s->host, s->env.id, false, &fd, err) < 0)
		return -1;
	r->record = record_load(&s->host, s->env.id, err);
	r->document = r->record ? session_document(s, 0, err) : NULL;
	if (!r->document || world_open(&r->w, &s->host, s->state, &s->env, r->record, err) < 0 ||
	    choose(r, name, err) < 0)
		return -1;
	r->image = world_image(
		&r->w,
		json_text(json_path(r->document, "containers", r->container, "base", NULL), ""),
		err);
	if (!r->image)
		return -1;
	return world_lower(&r->w, &s->arena, r->document, r->record, r->container, &r->lowered,
			   err);
}

/* What the user's terminal is called goes along. */
static const char *const *with_term(struct arena *arena, const char *const *env)
{
	const char *term = getenv("TERM");
	const char **list;
	size_t n = 0;

	while (env && env[n])
		n++;
	list = arena_array(arena, n + 2, sizeof(*list));
	if (n)
		memcpy(list, env, n * sizeof(*list));
	list[n] = arena_printf(arena, "TERM=%s", term ? term : "dumb");
	return list;
}

static int run_child(struct run *r, const struct exec_spec *wanted, int master, int slave,
		     struct error *err)
{
	const struct live *l = world_find(&r->w, r->container);
	struct cgroup_entry cgroup = CGROUP_ENTRY_NONE;
	struct exec_spec spec = *wanted;
	const char *group = world_cgroup(&r->s->arena, &r->w, r->container);
	pid_t pid;
	int result;

	if (cgroup_open(group, &cgroup, err) < 0)
		return -1;
	spec.cgroup = &cgroup;
	result = exec_start(&l->c, &spec, &pid, err);
	cgroup_close(&cgroup);
	if (slave >= 0)
		close(slave);
	if (result == EXEC_NOT_FOUND || result == EXEC_NOT_EXECUTABLE) {
		fprintf(stderr, "orch: %s\n", err->text);
		return result == EXEC_NOT_FOUND ? EXIT_NO_FILE : EXIT_NO_EXEC;
	}
	if (result < 0)
		return -1;
	/* The terminal's ^C is for the command; without a terminal of its own it shares our process group. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGQUIT, SIG_IGN);
	if (master >= 0)
		terminal_relay(master);
	return process_wait(pid);
}

static int run(struct run *r, const char *const *argv, struct error *err)
{
	const struct options *options = r->s->options;
	const char *user = options->user ? options->user : r->lowered.user;
	bool terminal = !options->no_tty && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	AUTO(fd) int master = -1;
	int slave = -1;
	struct exec_spec spec = {
		.argv = argv,
		.envp = with_term(&r->s->arena, r->lowered.env),
		.folder = r->image && r->image->app ? "/app" : "/",
		.stdio = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO },
	};

	if (lower_user(r->image, user, &spec.uid, &spec.gid) < 0)
		return fail(err, ERROR_INPUT, "%s has no user \"%s\"", r->container, user);
	if (terminal) {
		if (terminal_open(&master, &slave, err) < 0)
			return -1;
		spec.stdio[0] = spec.stdio[1] = spec.stdio[2] = slave;
		spec.terminal = 1;
	}
	return run_child(r, &spec, master, slave, err);
}

/* orch's own failures must not look like the command's, but what cli.md has a code for keeps it. */
static int outcome(int r, struct error *err)
{
	if (r >= 0 || err->kind != ERROR_SYSTEM)
		return r;
	fprintf(stderr, "orch: %s\n", err->text);
	return EXIT_OURS;
}

int cmd_exec(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	AUTO(run) struct run r = { .s = &s, .w = WORLD_NONE };
	int first = argc > 1 && !strcmp(argv[1], "--") ? 2 : 1;

	if (first >= argc)
		return fail(err, ERROR_INPUT, "say the command: orch exec %s -- COMMAND...",
			    argv[0]);
	if (open_run(&r, ctx, argv[0], err) < 0)
		return outcome(-1, err);
	return outcome(run(&r, argv + first, err), err);
}

int cmd_ssh(void *ctx, int argc, const char **argv, struct error *err)
{
	static const char *const shell[] = {
		"/bin/sh", "-c", "command -v bash >/dev/null && exec bash -l; exec sh -l", NULL
	};
	AUTO(session) struct session s = SESSION_NONE;
	AUTO(run) struct run r = { .s = &s, .w = WORLD_NONE };

	if (open_run(&r, ctx, argc ? argv[0] : NULL, err) < 0)
		return outcome(-1, err);
	return outcome(run(&r, shell, err), err);
}
