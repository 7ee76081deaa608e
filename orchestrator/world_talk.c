/*
 * world_talk.c - commands that a container answers or runs for us: `open` and the app's hooks
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "manifests/recipe.h"
#include "orchestrator/inside.h"
#include "orchestrator/lower.h"
#include "orchestrator/record.h"
#include "orchestrator/world.h"
#include "runtime/init.h"

#define OPEN_MS 30000
#define ANSWER_MAX (1u << 20)

/* What the image's description alone says of its endpoints: no credentials. */
static struct json_t *plain_endpoints(const struct json_t *wanted)
{
	return json_copy_deep(json_get(wanted, "endpoints"));
}

/* The hook may leave out what the description says. */
static int fill_in(const char *name, struct json_t *endpoint, void *ctx)
{
	const struct json_t *declared = ctx;
	const struct json_t *own = json_get(declared, name);

	if (!json_get(endpoint, "scheme") && own)
		json_put(endpoint, "scheme", json_copy_deep(json_get(own, "scheme")));
	if (!json_get(endpoint, "port") && own)
		json_put(endpoint, "port", json_copy_deep(json_get(own, "port")));
	return 0;
}

static int ask(struct world *w, const struct live *l, const struct lowered *lowered,
	       struct text *answer, struct error *err)
{
	static const char *const argv[] = { "/etc/orch/hooks/open", NULL };
	AUTO(arena) struct arena arena = { 0 };
	const struct inside_spec spec = {
		.c = &l->c,
		.cgroup = world_cgroup(&arena, w, l->name),
		.argv = argv,
		.env = lowered->env,
		.folder = "/",
		.uid = lowered->uid,
		.gid = lowered->gid,
		.input = lowered->config,
		.output = answer,
		.output_max = ANSWER_MAX,
		.timeout_ms = OPEN_MS,
	};

	return inside_run(&spec, err) < 0 ? fail_in(err, "open hook") : 0;
}

struct json_t *world_ask(void *ctx, const char *name, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(text) struct text answer = { 0 };
	struct world *w = ctx;
	const struct json_t *wanted = json_path(w->desired, "containers", name, NULL);
	const struct image_description *image =
		world_image(w, json_get_text(wanted, "base", ""), err);
	struct lowered lowered;
	struct json_t *endpoints;

	if (!image)
		return NULL;
	if (!image->open || json_path(wanted, "app", "worker", NULL))
		return plain_endpoints(wanted);
	if (world_lower(w, &arena, w->desired, NULL, name, &lowered, err) < 0 ||
	    ask(w, world_find(w, name), &lowered, &answer, err) < 0)
		return NULL;
	endpoints = json_parse("open hook", text_get(&answer), answer.size, err);
	if (json_kind_of(endpoints) != KIND_MAP) {
		if (endpoints)
			fail(err, ERROR_SYSTEM, "open hook: expected a map of endpoints");
		json_free(endpoints);
		return NULL;
	}
	(void)json_each(endpoints, fill_in, json_get(wanted, "endpoints"));
	return endpoints;
}

/* Lines of a hook go to its log, as orch-init writes those of processes. */
static void log_line(void *ctx, const char *line)
{
	struct timespec now;
	struct tm tm;
	char stamp[32];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	fprintf(ctx, "%s.%03ldZ %s\n", stamp, now.tv_nsec / 1000000, line);
}

/* Where a line goes: to the log, and to whoever waits for the hook. */
struct teller {
	struct world *w;
	const char *name;
	FILE *log;
};

static void tell_line(void *ctx, const char *line)
{
	const struct teller *t = ctx;

	log_line(t->log, line);
	if (t->w->event)
		t->w->event(t->w->event_ctx, "output", t->name, line, 0);
}

/*
 * The image's `configure` would run as the processes start. A clone hook comes before that, and its programs read
 * what it writes.
 */
static int configure(struct world *w, const struct live *l, const struct lowered *lowered,
		     struct teller *t, struct error *err)
{
	static const char *const argv[] = { "/etc/orch/hooks/configure", NULL };
	AUTO(arena) struct arena arena = { 0 };
	const struct inside_spec spec = {
		.c = &l->c,
		.cgroup = world_cgroup(&arena, w, l->name),
		.argv = argv,
		.env = lowered->env,
		.folder = "/",
		.input = lowered->config,
		.line = tell_line,
		.ctx = t,
		.timeout_ms = OPEN_MS,
	};

	return inside_run(&spec, err) < 0 ? fail_in(err, "configure hook") : 0;
}

/* What a clone hook needs around it: files in /run, as the processes are going to have them. */
static int prepare_clone(struct world *w, struct arena *arena, const struct json_t *record,
			 const char *name, struct teller *t, struct lowered *lowered,
			 struct error *err)
{
	const struct json_t *wanted = json_path(w->desired, "containers", name, NULL);
	const struct image_description *image =
		world_image(w, json_get_text(wanted, "base", ""), err);
	struct init_status status;

	if (!image || world_prepare(w, arena, w->desired, record, name, &status, lowered, err) < 0)
		return -1;
	return image->configure ? configure(w, world_find(w, name), lowered, t, err) : 0;
}

/* The folder of logs is the container's: a link or a pipe there must not lead us elsewhere. */
static FILE *open_log(struct arena *arena, struct world *w, const char *name, const char *which,
		      struct error *err)
{
	const char *path = arena_printf(arena, "%s/%s.log", world_log(arena, w, name),
					!strcmp(which, "post_deploy") ? "post-deploy" : which);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW,
		      0644);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "a");

	if (!file) {
		fail_errno(err, "open %s", path);
		auto_fd(&fd);
	}
	return file;
}

int world_hook(void *ctx, const char *name, const char *which, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(file) FILE *log = NULL;
	struct world *w = ctx;
	AUTO(json) struct json_t *record = record_load(&w->host, w->env.id, err);
	struct teller teller = { .w = w, .name = name };
	struct inside_spec spec = {
		.line = log_line, .folder = "/app", .cancelled = world_cancelled, .cancel_ctx = w
	};
	struct lowered lowered;
	const char *script;

	if (!record)
		return -1;
	log = open_log(&arena, w, name, which, err);
	if (!log)
		return -1;
	teller.log = log;
	if (!strcmp(which, "clone")
		    ? prepare_clone(w, &arena, record, name, &teller, &lowered, err) < 0
		    : world_lower(w, &arena, w->desired, record, name, &lowered, err) < 0)
		return -1;
	spec.c = &world_find(w, name)->c;
	spec.cgroup = world_cgroup(&arena, w, name);
	script = json_text(json_path(w->desired, "containers", name, "app", "hooks", which, NULL),
			   "");
	log_line(log, arena_printf(&arena, "Launching command '%s'.", script));
	spec.argv = lower_hook(&arena, script);
	spec.env = lowered.env;
	spec.uid = lowered.uid;
	spec.gid = lowered.gid;
	spec.ctx = log;
	if (!strcmp(which, "clone")) {
		spec.line = tell_line;
		spec.ctx = &teller;
	}
	return inside_run(&spec, err);
}
