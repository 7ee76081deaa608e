/*
 * lower_init.c - what orch-init runs: the image's processes, with the app's commands in their place
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/cron.h"
#include "base/json.h"
#include "manifests/recipe.h"
#include "orchestrator/lower.h"

#define WORKER_GRACE_MS 15000
#define JITTER_S 1200 /* of jobs in production, so that a host's don't all start at once */
#define SHUTDOWN_S 10

static const struct json_t *self_of(const struct lower_input *in)
{
	return json_path(in->contract.desired, "containers", in->contract.container, NULL);
}

static bool is_worker(const struct lower_input *in)
{
	return json_path(self_of(in), "app", "worker", NULL) != NULL;
}

/* web.commands: `start` takes the place of the image's command, `pre_start` runs before it. */
static const char *const *main_command(struct arena *arena, const struct strings *command,
				       const char *pre_start, const char *start)
{
	const char **argv = arena_array(arena, command->n + 8, sizeof(*argv));
	size_t n = 0;

	argv[n++] = "/bin/sh";
	argv[n++] = "-c";
	/* What pre_start leaves behind in its shell is not the app's. */
	argv[n++] = start ? LOWER_ENVIRONMENT "(eval \"$1\"); eval \"$2\""
			  : LOWER_ENVIRONMENT "(eval \"$1\"); shift; exec \"$@\"";
	argv[n++] = "sh";
	argv[n++] = pre_start ? pre_start : "";
	if (start)
		argv[n++] = start;
	else
		memcpy(argv + n, command->items, command->n * sizeof(*argv));
	return argv;
}

static const char *const *plain_command(struct arena *arena, const struct strings *command)
{
	const char **argv = arena_array(arena, command->n + 1, sizeof(*argv));

	if (command->n)
		memcpy(argv, command->items, command->n * sizeof(*argv));
	return argv;
}

static enum init_reaction react(enum reaction r)
{
	switch (r) {
	case REACTION_NONE:
		return REACT_NONE;
	case REACTION_SIGNAL:
		return REACT_SIGNAL;
	case REACTION_RESTART:
		return REACT_RESTART;
	}
	abort();
}

static void add_task(struct arena *arena, const struct image_description *image, const char *name,
		     struct init_process *out)
{
	const char **argv = arena_array(arena, 2, sizeof(*argv));

	argv[0] = arena_printf(arena, "/etc/orch/hooks/%s", name);
	*out = (struct init_process){
		.name = name,
		.task = true,
		.folder = "/",
		.argv = argv,
		.env = lower_env(arena, image, "root", NULL, false),
		.input = "/run/orch/config.json",
	};
}

static void add_process(struct arena *arena, const struct lower_input *in,
			const struct image_process *p, const struct json_t *env,
			struct init_process *out)
{
	const struct json_t *commands = contract_commands(self_of(in));
	const char *pre_start = json_get_text(commands, "pre_start", NULL);
	const char *start = p->main ? json_get_text(commands, "start", NULL) : NULL;
	const char *user = p->user ? p->user : in->image->user;
	bool app_main = in->image->app && p->main;

	*out = (struct init_process){
		.name = p->name,
		.folder = app_main ? "/app" : "/",
		.argv = app_main ? main_command(arena, &p->command, pre_start, start)
				 : plain_command(arena, &p->command),
		.env = lower_env(arena, in->image, user, app_main ? env : NULL, true),
		/* A program of the image's own goes on over commits. */
		.facts = app_main && (start || p->on_swap == REACTION_RESTART)
			? lower_facts(arena, env)
			: NULL,
		.stop_signal = p->stop_signal,
		.grace_ms = p->grace_ms,
		.reload_signal = p->reload_signal,
		.on_reload = start ? REACT_NONE : react(p->on_reload),
		.on_swap = start ? REACT_RESTART : react(p->on_swap),
		.group = start != NULL,
	};
	(void)lower_user(in->image, user, &out->uid, &out->gid);
	if (app_main && is_worker(in)) {
		/* Whatever the app itself is: of this program orch knows nothing. */
		out->stop_signal = 0;
		out->grace_ms = WORKER_GRACE_MS;
		out->on_reload = out->on_swap = REACT_RESTART;
		out->may_end = true;
	}
}

/* The image's check and, once that holds, the app's own: post_start. */
static void make_check(struct arena *arena, const struct lower_input *in, const struct json_t *env,
		       struct init_check *out)
{
	const struct image_description *image = in->image;
	/* The image's check is about requests, and a worker's container takes none. */
	const struct strings none = { 0 };
	const struct strings *ready = is_worker(in) ? &none : &image->ready;
	const char *user = ready->n && image->ready_user ? image->ready_user : image->user;
	const char *post = json_get_text(contract_commands(self_of(in)), "post_start", NULL);
	size_t n = 0;
	const char **argv;

	*out = (struct init_check){ .env = lower_env(arena, image, user, post ? env : NULL,
						     false) };
	(void)lower_user(image, user, &out->uid, &out->gid);
	if (!post || !*post) {
		if (ready->n)
			out->argv = plain_command(arena, ready);
		return;
	}
	argv = arena_array(arena, ready->n + 8, sizeof(*argv));
	argv[n++] = "/bin/sh";
	argv[n++] = "-c";
	argv[n++] = "post=$1; shift; [ $# -eq 0 ] || \"$@\" || exit 1; cd /app; " LOWER_ENVIRONMENT
		    "eval \"$post\"";
	argv[n++] = "sh";
	argv[n++] = post;
	if (ready->n)
		memcpy(argv + n, ready->items, ready->n * sizeof(*argv));
	out->argv = argv;
	out->timeout_ms = 60000;
}

static void add_job(struct arena *arena, const struct lower_input *in, const char *name,
		    const struct json_t *cron, const char *const *env, struct init_cron *out)
{
	const struct json_t *commands = json_get(cron, "commands");
	const struct json_t *environment = json_get(self_of(in), "environment");
	const char *schedule = json_get_text(cron, "spec", NULL); /* operations have none */
	const char *stop = json_get_text(commands, "stop", NULL);
	const char *job =
		arena_printf(arena, "%s/%s/%s", json_get_text(environment, "project_id", ""),
			     in->contract.container, name);
	int64_t grace = json_get_number(cron, "shutdown_timeout", SHUTDOWN_S);

	*out = (struct init_cron){
		.schedule = schedule,
		.hash = cron_hash(job),
		.stop = stop ? arena_printf(arena, "%s%s", LOWER_ENVIRONMENT, stop) : NULL,
	};
	if (schedule && !strcmp(json_get_text(environment, "type", ""), "production"))
		out->jitter_s = JITTER_S;
	out->process = (struct init_process){
		.name = name,
		.folder = "/app",
		.argv = lower_hook(arena, json_get_text(commands, "start", "")),
		.env = env,
		.grace_ms = (uint32_t)(grace ? grace : SHUTDOWN_S) * 1000,
		.timeout_ms = (uint32_t)json_get_number(cron, "timeout", 86400) * 1000,
	};
	(void)lower_user(in->image, in->image->user, &out->process.uid, &out->process.gid);
}

static void add_jobs(struct arena *arena, const struct lower_input *in, const struct json_t *env,
		     struct init_spec *out)
{
	static const char *const keys[] = { "crons", "operations" };
	const char *const *vars = lower_env(arena, in->image, in->image->user, env, false);
	ARENA_LIST(struct init_cron) list = { 0 };

	for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
		const struct json_t *all = json_path(self_of(in), "app", keys[k], NULL);
		const char **names;
		size_t n;

		names = json_keys(arena, all, &n);
		for (size_t i = 0; i < n; i++)
			add_job(arena, in, names[i], json_get(all, names[i]), vars,
				arena_push(arena, &list));
	}
	out->zone = json_text(json_path(self_of(in), "app", "timezone", NULL), NULL);
	out->crons = list.items;
	out->n_crons = list.n;
}

static bool takes_part(struct arena *arena, const struct lower_input *in,
		       const struct image_process *p)
{
	const struct json_t *at = json_get(self_of(in), "app");
	char *keys = p->with ? arena_printf(arena, "%s", p->with) : NULL, *key;

	while (at && (key = strsep(&keys, ".")))
		at = json_get(at, key);
	return (!p->with || at) && (!p->web || !is_worker(in));
}

void lower_init(struct arena *arena, const struct lower_input *in, const struct json_t *env,
		struct init_spec *out)
{
	const struct image_description *image = in->image;
	struct init_process *list = arena_array(arena, image->n_processes + 2, sizeof(*list));
	size_t n = 0;

	if (image->configure)
		add_task(arena, image, "configure", &list[n++]);
	if (image->boot)
		add_task(arena, image, "boot", &list[n++]);
	for (size_t i = 0; i < image->n_processes; i++)
		if (takes_part(arena, in, &image->processes[i]))
			add_process(arena, in, &image->processes[i], env, &list[n++]);
	*out = (struct init_spec){ .processes = list, .n = n, .log_folder = "/var/log" };
	make_check(arena, in, env, &out->ready);
	add_jobs(arena, in, env, out);
}
