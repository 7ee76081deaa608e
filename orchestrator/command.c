#include "orchestrator/command.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "base/process.h"
#include "orchestrator/busy.h"
#include "orchestrator/control.h"
#include "orchestrator/record.h"
#include "orchestrator/session.h"
#include "orchestrator/supervise.h"
#include "orchestrator/terminal.h"
#include "runtime/cgroup.h"
#include "runtime/exec.h"

void command_close(struct command *c)
{
	world_close(&c->w);
	json_free(c->record);
	json_free(c->document);
	c->record = c->document = NULL;
	auto_fd(&c->busy);
}

static int choose(struct command *c, const char *name, struct error *err)
{
	const struct json_t *containers = json_get(c->document, "containers");
	const char **names;
	size_t n;

	names = json_keys(&c->s->arena, containers, &n);
	for (size_t i = 0; !name && i < n; i++)
		if (!strcmp(json_get_text(json_get(containers, names[i]), "kind", ""), "app"))
			name = names[i];
	if (!name || !json_get(containers, name))
		return fail(err, ERROR_ABSENT, "no container \"%s\" in %s; see them: orch ps",
			    name ? name : "app", c->s->env.name);
	if (!world_alive(&c->w, name))
		return fail(err, ERROR_ABSENT, "%s isn't running; orch start, or orch logs %s",
			    name, name);
	c->container = name;
	return 0;
}

/* Nothing can run in one that is asleep. */
static int keep_awake(struct command *c, struct error *err)
{
	AUTO(json) struct json_t *request = json_new_map();
	struct session *s = c->s;

	if (s->env.wanted && busy_hold(&s->host, s->env.id, &c->busy, err) < 0)
		return -1;
	c->record = record_load(&s->host, s->env.id, err);
	if (!c->record || !s->env.wanted || !json_get(c->record, "asleep"))
		return c->record ? 0 : -1;
	json_put_text(request, "do", "wake");
	return supervise_call(&s->host, s->env.id, request, NULL, NULL, err);
}

int command_open(struct command *c, struct session *s, const char *name, struct error *err)
{
	c->s = s;
	if (!s->env.generation)
		return fail(err, ERROR_ABSENT, "%s was never deployed: orch deploy", s->env.name);
	if (s->env.paused)
		return fail(err, ERROR_CONFLICT,
			    "%s is paused, so nothing runs in it: orch resume -e %s", s->env.name,
			    s->env.name);
	if (s->env.wanted && supervise_ensure(&s->host, s->env.id, err) < 0)
		return -1;
	if (keep_awake(c, err) < 0)
		return -1;
	c->document = session_document(s, 0, err);
	if (!c->document || world_open(&c->w, &s->host, s->state, &s->env, c->record, err) < 0 ||
	    choose(c, name, err) < 0)
		return -1;
	c->image = world_image(
		&c->w,
		json_text(json_path(c->document, "containers", c->container, "base", NULL), ""),
		err);
	if (!c->image)
		return -1;
	return world_lower(&c->w, &s->arena, c->document, c->record, c->container, &c->lowered,
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

int command_start(struct command *c, const char *const *argv, const char *user, const int stdio[3],
		  bool terminal, pid_t *out, struct error *err)
{
	struct arena *arena = &c->s->arena;
	struct cgroup_entry cgroup = CGROUP_ENTRY_NONE;
	struct exec_spec spec = {
		.cgroup = &cgroup,
		.argv = c->image->app && !user ? lower_command(&c->s->arena, argv) : argv,
		.envp = with_term(arena, c->lowered.env),
		.folder = c->image->app ? "/app" : "/",
		.stdio = { stdio[0], stdio[1], stdio[2] },
		.terminal = terminal,
	};
	int r;

	if (!user)
		user = c->lowered.user;
	if (lower_user(c->image, user, &spec.uid, &spec.gid) < 0)
		return fail(err, ERROR_INPUT, "%s has no user \"%s\"", c->container, user);
	if (cgroup_open(world_cgroup(arena, &c->w, c->container), &cgroup, err) < 0)
		return -1;
	r = exec_start(&world_find(&c->w, c->container)->c, &spec, out, err);
	cgroup_close(&cgroup);
	if (r == EXEC_NOT_FOUND)
		return COMMAND_NOT_FOUND;
	return r == EXEC_NOT_EXECUTABLE ? COMMAND_NOT_EXECUTABLE : r;
}

int command_run(struct command *c, const char *const *argv, const char *user, bool no_terminal,
		struct error *err)
{
	bool terminal = !no_terminal && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	int stdio[] = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO };
	AUTO(fd) int master = -1;
	AUTO(fd) int slave = -1;
	pid_t pid = -1;
	int r;

	if (terminal && terminal_open(&master, &slave, err) < 0)
		return -1;
	for (size_t i = 0; terminal && i < ARRAY_SIZE(stdio); i++)
		stdio[i] = slave;
	r = command_start(c, argv, user, stdio, terminal, &pid, err);
	auto_fd(&slave);
	if (r > 0)
		fprintf(stderr, "orch: %s\n", err->text);
	if (r != 0)
		return r;
	/* The terminal's ^C is for the command; without a terminal of its own it shares our process group. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGQUIT, SIG_IGN);
	if (master >= 0)
		terminal_relay(master);
	return process_wait(pid);
}

int command_outcome(int r, struct error *err)
{
	if (r >= 0 || err->kind != ERROR_SYSTEM)
		return r;
	fprintf(stderr, "orch: %s\n", err->text);
	return COMMAND_FAILED;
}
