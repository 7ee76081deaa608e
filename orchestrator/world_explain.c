/*
 * world_explain.c - why a container isn't ready: what was asked of it, what it answered, what it wrote
 */
#include <string.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "manifests/recipe.h"
#include "orchestrator/container_log.h"
#include "orchestrator/contract.h"
#include "orchestrator/world.h"
#include "runtime/init.h"

#define LOG_LINES 20
#define CHECK_BYTES 160 /* of a check that is a script */

/* As lower_init() makes it: a worker has no use for the image's check. */
static void add_check(struct text *t, const struct image_description *image,
		      const struct json_t *container, const char *answer)
{
	const char *post = json_get_text(contract_commands(container), "post_start", "");
	bool worker = json_path(container, "app", "worker", NULL);
	AUTO(text) struct text all = { 0 };

	for (size_t i = 0; !worker && i < image->ready.n; i++)
		text_printf(&all, "%s%s", i ? " " : "", image->ready.items[i]);
	if (*post)
		text_printf(&all, "%s%s", all.size ? " && " : "", post);
	for (size_t i = 0; i < all.size; i++)
		if ((unsigned char)all.data[i] < ' ')
			all.data[i] = ' ';
	if (all.size)
		text_printf(t, "its check \"%.*s%s\": %s", CHECK_BYTES, all.data,
			    all.size > CHECK_BYTES ? "..." : "", answer);
}

/* Without a check the processes themselves are what has to run. */
static void add_processes(struct text *t, const struct init_status *status)
{
	text_add(t, "not all of its processes run:");
	for (size_t i = 0; i < status->n; i++)
		if (!status->processes[i].pid)
			text_printf(t, " %s (ended %u times, exit %d)", status->processes[i].name,
				    status->processes[i].restarts, status->processes[i].last_exit);
}

static void explain_state(struct world *w, struct live *l, struct text *t)
{
	AUTO(arena) struct arena arena = { 0 };
	const struct json_t *container = json_path(w->desired, "containers", l->name, NULL);
	struct error ignored;
	const struct image_description *image =
		world_image(w, json_get_text(container, "base", ""), &ignored);
	struct init_status status;

	if (!image || init_status_read(&arena, &l->c, &status, &ignored) < 0 ||
	    status.state != INIT_STARTING)
		return;
	for (size_t i = 0; i < status.n; i++) {
		if (status.processes[i].pid)
			continue;
		add_processes(t, &status);
		return;
	}
	add_check(t, image, container, *status.why ? status.why : "no answer so far");
}

/* Of this attempt: from what orch-init was told last on; of a new container, from its start on. */
static size_t first_line(const char *const *lines, size_t n)
{
	for (size_t i = n; i-- > 0;) {
		if (!text_starts(lines[i], "init "))
			continue;
		if (strstr(lines[i], "Z told to "))
			return i;
		if (i + 1 < n && text_ends(lines[i], "Z ends"))
			return i + 1;
	}
	return 0;
}

void world_explain(void *ctx, const char *name, struct text *out)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(text) struct text t = { 0 };
	struct world *w = ctx;
	struct live *l = world_find(w, name);
	const char **lines;
	size_t n;

	if (l && container_alive(&l->c))
		explain_state(w, l, &t);
	text_add(out, text_get(&t));
	if (!w->event)
		return;
	if (t.size)
		w->event(w->event_ctx, "not ready", name, text_get(&t), 0);
	container_log_tail(&arena, world_log(&arena, w, name), LOG_LINES, &lines, &n);
	for (size_t i = first_line(lines, n); i < n; i++)
		w->event(w->event_ctx, "log", name, arena_printf(&arena, "%s/%s", name, lines[i]),
			 0);
}
