/*
 * cmd_rollback.c - an earlier generation again, and if asked for the data as it was then
 *
 * It becomes a new generation, so that history only grows and every snapshot has one meaning. A second rollback undoes the first.
 */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "orchestrator/commands.h"
#include "orchestrator/desired.h"
#include "orchestrator/group.h"
#include "orchestrator/lineage.h"
#include "orchestrator/look.h"
#include "orchestrator/plan.h"
#include "orchestrator/progress.h"
#include "orchestrator/record.h"
#include "orchestrator/rollout.h"
#include "orchestrator/session.h"

struct rollback {
	struct session *s;
	struct progress progress;
	struct json_t *desired, *record; /* owned */
	struct plan plan;
	struct generation to;
	const char *data; /* the snapshot that takes the place of the volumes; NULL: they stay */
	uint64_t since;
	int lock;
};

/* The last one before the present one that was reached. */
static int find_previous(struct session *s, int64_t *out, struct error *err)
{
	struct generation *list;
	size_t n;

	if (state_list_generations(s->state, &s->arena, s->env.id, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (list[i].number >= s->env.generation || strcmp(list[i].result, "ok") != 0)
			continue;
		*out = list[i].number;
		return 0;
	}
	return fail(err, ERROR_ABSENT, "%s has no generation before %lld; see them: orch history",
		    s->env.name, (long long)s->env.generation);
}

static int choose(struct rollback *b, const char *text, struct error *err)
{
	struct session *s = b->s;
	uint64_t number = 0;
	int64_t wanted = 0;
	int r;

	if (!text) {
		if (find_previous(s, &wanted, err) < 0)
			return -1;
	} else if (text_to_u64(text, INT64_MAX, &number) < 0 || !number) {
		return fail(err, ERROR_INPUT, "\"%s\" is no generation; see them: orch history",
			    text);
	} else {
		wanted = (int64_t)number;
	}
	if (wanted == s->env.generation)
		return fail(err, ERROR_INPUT, "%s is at generation %lld already", s->env.name,
			    (long long)wanted);
	r = state_find_generation(s->state, &s->arena, s->env.id, wanted, &b->to, err);
	if (r < 0)
		return -1;
	if (r == STATE_ABSENT)
		return fail(err, ERROR_ABSENT, "%s has no generation %lld; see them: orch history",
			    s->env.name, (long long)wanted);
	if (strcmp(b->to.result, "ok") != 0)
		return fail(err, ERROR_CONFLICT,
			    "generation %lld of %s was never reached; see them: orch history",
			    (long long)wanted, s->env.name);
	return 0;
}

static int prepare(struct rollback *b, const char *text, struct error *err)
{
	struct session *s = b->s;
	struct plan_view view = { .alive = look_alive };
	AUTO(json) struct json_t *document = NULL;

	if (s->env.paused)
		return fail(err, ERROR_CONFLICT, "%s is paused; first: orch resume -e %s",
			    s->env.name, s->env.name);
	if (choose(b, text, err) < 0)
		return -1;
	if (s->options->with_data && lineage_left(s, &s->env, b->to.number, &b->data, err) < 0)
		return -1;
	document = session_document(s, b->to.number, err);
	if (!document || rollout_check_images(s, document, err) < 0)
		return -1;
	b->desired = desired_remake(document, &s->env);
	b->record = record_load(&s->host, s->env.id, err);
	if (!b->record)
		return -1;
	view.ctx = b->record;
	plan_make(&s->arena, b->desired, b->record, &view, &b->plan);
	return 0;
}

static void print_plan(const struct rollback *b)
{
	const struct session *s = b->s;

	if (s->options->json) {
		session_print("orch.plan/1", "plan", plan_json(&b->plan));
		return;
	}
	printf("Rollback of \"%s\": generation %lld -> %lld again\n", s->env.name,
	       (long long)s->env.generation, (long long)b->to.number);
	plan_print(&b->plan, stdout);
	if (b->data)
		printf("  ! data         restore   all volumes from %s; the present ones are "
		       "kept\n",
		       b->data);
	printf("Nothing was changed.\n");
}

static int go(struct rollback *b, struct error *err)
{
	struct session *s = b->s;
	const char *summary =
		arena_printf(&s->arena, "rollback to %lld%s: %s", (long long)b->to.number,
			     b->data ? " with data" : "", plan_summary(&s->arena, &b->plan));
	struct generation g = {
		.commit = b->to.commit,
		.subject = b->to.subject,
		.summary = summary,
		.causes = rollout_causes(&s->arena, &b->plan),
		.document = json_print(&s->arena, b->desired, FORM_CANONICAL),
	};
	const char *kept;

	if (b->data) {
		if (rollout_keep(s, &b->progress, "before-rollback-", &kept, err) < 0)
			return -1;
		s->env.restoring = b->data;
		s->env.fallback = kept;
	}
	if (rollout_remember(s, &b->progress, &g, err) < 0)
		return -1;
	if (!b->progress.json && !b->progress.quiet)
		fprintf(stderr, "%s -> generation %lld, which is %lld again\n", s->env.name,
			(long long)g.number, (long long)b->to.number);
	if (rollout_converge(s, &b->progress, err) < 0)
		return -1;
	rollout_end(s, &b->progress, "ready", b->since);
	return 0;
}

static int run(struct rollback *b, const char *text, struct error *err)
{
	struct session *s = b->s;
	bool dry = s->options->dry_run;

	if (session_environment(s, err) < 0 ||
	    (!dry &&
	     (session_need_state(s, "rollback", err) < 0 || rollout_lock(s, &b->lock, err) < 0 ||
	      session_environment(s, err) < 0)) ||
	    prepare(b, text, err) < 0)
		return -1;
	if (!dry)
		return go(b, err);
	print_plan(b);
	return 0;
}

int cmd_rollback(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	struct rollback b = {
		.s = &s, .progress = progress_of(ctx), .since = clock_ms(), .lock = -1
	};
	int r;

	if (session_open(&s, ctx, err) < 0)
		return -1;
	r = run(&b, argc ? argv[0] : NULL, err);
	json_free(b.desired);
	json_free(b.record);
	auto_fd(&b.lock);
	return r;
}
