/*
 * cmd_branch.c - an environment for a git branch: a copy of another one, with its data
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "orchestrator/commands.h"
#include "orchestrator/destroy.h"
#include "orchestrator/git_branch.h"
#include "orchestrator/group.h"
#include "orchestrator/lineage.h"
#include "orchestrator/moment.h"
#include "orchestrator/progress.h"
#include "orchestrator/request.h"
#include "orchestrator/rollout.h"
#include "orchestrator/session.h"
#include "orchestrator/storage.h"
#include "orchestrator/ttl.h"
#include "orchestrator/urls.h"
#include "runtime/volume.h"

struct branch {
	struct session *s;
	struct progress progress;
	struct origin from;
	struct json_t *document; /* the child's; owned */
	bool git_made;
	uint64_t since, created_ms;
	int lock;
};

/* It becomes the session's environment, whether it is there or not. */
static int choose(struct branch *b, const char *name, struct error *err)
{
	struct session *s = b->s;
	const struct project *p = &s->project;

	if (session_project(s, err) < 0)
		return -1;
	if (origin_find(s, s->options->from, name ? p->branch : NULL, &b->from, err) < 0 ||
	    (name && session_select(s, name, err) < 0))
		return -1;
	/* Where no branch has one of the usual names, each looks like the default one. */
	if (!strcmp(s->env.type, "production") && strcmp(b->from.env.type, "production") != 0)
		return fail(err, ERROR_INPUT,
			    "\"%s\" is the default branch, whose environment has no parent: orch "
			    "deploy; a copy of it: orch branch NAME",
			    s->env.name);
	if (!strcmp(b->from.env.id, s->env.id))
		return fail(err, ERROR_INPUT, "\"%s\" can't be a copy of itself", s->env.name);
	return 0;
}

/* Until it was reached once it is only what an attempt has left. */
static int check_unused(struct branch *b, struct error *err)
{
	struct session *s = b->s;
	bool any;

	if (!s->exists)
		return 0;
	if (s->env.deleting)
		return fail(err, ERROR_CONFLICT,
			    "\"%s\" is being destroyed; finish that: orch destroy -e %s --yes",
			    s->env.name, s->env.id);
	if (s->env.generation ? !strcmp(s->env.parent, b->from.env.id) : s->env.cloned)
		return 0;
	if (rollout_has_volumes(s, s->env.id, &any, err) < 0)
		return -1;
	if (s->env.generation || any)
		return fail(
			err, ERROR_CONFLICT,
			"there is an environment \"%s\" with data of its own; replace its data: "
			"orch sync data -e %s --from %s; or remove it: orch destroy -e %s",
			s->env.name, s->env.name, b->from.env.name, s->env.name);
	return 0;
}

/* Before anything is made for it. */
static int remember(struct branch *b, struct error *err)
{
	struct session *s = b->s;
	const struct options *o = s->options;
	struct environment *e = &s->env;

	e->parent = b->from.env.id;
	e->access = b->from.env.access;
	e->type = "development";
	e->cloned = !o->no_data;
	e->wanted = false;
	e->made = (int64_t)time(NULL);
	if (o->ttl && ttl_set(e, o->ttl, err) < 0)
		return -1;
	return request_publish(s, err) < 0 || state_save(s->state, e, err) < 0 ? -1 : 0;
}

static int clone_data(struct branch *b, struct error *err)
{
	struct session *s = b->s;
	struct moment m = { 0 };
	uint64_t since = clock_ms();
	char held[32];
	bool any;

	if (rollout_has_volumes(s, b->from.env.id, &any, err) < 0)
		return -1;
	if (any && group_remove(&s->host, s->env.id, err) < 0)
		return -1;
	if (!any || s->options->no_data)
		return 0;
	if (b->from.snapshot) {
		if (group_copy(&s->host, b->from.snapshot, s->env.id, false, NULL, NULL, err) < 0)
			return -1;
		progress_tell(&b->progress, "clone", "",
			      arena_printf(&s->arena, "of %s", b->from.snapshot),
			      clock_ms() - since);
		return 0;
	}
	if (moment_take(&s->host, &b->from.env, s->env.id, false, &m, err) < 0)
		return -1;
	snprintf(held, sizeof(held), "held %.1f ms", (double)m.held_us / 1000);
	progress_tell(&b->progress, "clone", "",
		      arena_printf(&s->arena, "%zu volume%s of %s%s%s", m.volumes,
				   m.volumes == 1 ? "" : "s", b->from.env.name,
				   m.held_us ? ", " : "", m.held_us ? held : ""),
		      clock_ms() - since);
	return 0;
}

/* For orch why: of each container what it is a copy of. */
static char *copy_causes(struct branch *b)
{
	struct arena *arena = &b->s->arena;
	AUTO(json) struct json_t *list = json_new_list();
	const char **names;
	size_t n;

	names = json_keys(arena, json_get(b->document, "containers"), &n);
	for (size_t i = 0; i < n; i++) {
		struct json_t *action = json_add(list, json_new_map());

		json_put_text(action, "container", names[i]);
		json_put_text(action, "action", "create");
		json_put_text(action, "why",
			      arena_printf(arena, "copy of %s, generation %lld", b->from.env.name,
					   (long long)b->from.generation));
		json_put(action, "causes", json_new_list());
	}
	return json_print(arena, list, FORM_CANONICAL);
}

static int add_generation(struct branch *b, struct error *err)
{
	struct session *s = b->s;
	const struct origin *from = &b->from;
	struct generation g = {
		.number = 1,
		.made = (int64_t)time(NULL),
		.commit = json_get_text(b->document, "commit", ""),
		.subject = json_get_text(b->document, "subject", ""),
		.result = "",
		.summary = arena_printf(&s->arena, "copy of %s, generation %lld", from->env.name,
					(long long)from->generation),
		.causes = copy_causes(b),
		.document = json_print(&s->arena, b->document, FORM_CANONICAL),
	};

	if (state_add_generation(s->state, s->env.id, &g, err) < 0)
		return -1;
	s->env.generation = g.number;
	s->env.wanted = !s->options->no_start;
	return state_save(s->state, &s->env, err);
}

static int make(struct branch *b, struct error *err)
{
	struct session *s = b->s;

	if (check_unused(b, err) < 0)
		return -1;
	if (s->exists && s->env.generation) {
		b->document = session_document(s, 0, err);
		s->env.wanted |= !s->options->no_start;
		return b->document ? state_save(s->state, &s->env, err) : -1;
	}
	if (remember(b, err) < 0)
		return -1;
	if (s->project.git && !s->options->environment &&
	    git_branch_ensure(&s->arena, &s->project, s->env.name, &b->git_made, err) < 0)
		return -1;
	b->document = lineage_document(s, &b->from, err);
	if (!b->document)
		return -1;
	return clone_data(b, err) < 0 || add_generation(b, err) < 0 ? -1 : 0;
}

static int find_clone_hook(const char *name, struct json_t *container, void *ctx)
{
	(void)name;
	(void)ctx;
	return json_text(json_path(container, "app", "hooks", "clone", NULL), NULL) != NULL;
}

/*
 * What its clone hooks were to make fit for use can't be used. The failure in *err stands. Without such hooks it stays,
 * stopped, with its logs.
 */
static int give_up(struct branch *b, struct error *err)
{
	struct session *s = b->s;
	struct error why = *err, again;
	size_t kept;

	if (state_find(s->state, &s->arena, s->env.id, &s->env, &again) != 0 || s->env.generation)
		return -1;
	if (!s->env.cloned ||
	    !json_each(json_get(b->document, "containers"), find_clone_hook, NULL))
		return fail(err, why.kind,
			    "%s\n\"%s\" stays for a look: orch logs -e %s; again: the same "
			    "command; away with it: orch destroy -e %s",
			    why.text, s->env.name, s->env.name, s->env.name);
	if (destroy_held(s, true, &kept, &again) < 0 ||
	    (b->git_made && git_branch_remove(&s->arena, &s->project, s->env.name, &again) < 0))
		return fail(err, ERROR_BROKEN, "%s\nand it can't be removed: %s", why.text,
			    again.text);
	/* Its first line: the rest says what stays, and nothing does. */
	return fail(err, why.kind, "%.*s\n\"%s\" was removed again", (int)strcspn(why.text, "\n"),
		    why.text, s->env.name);
}

static void say_end(struct branch *b, bool started)
{
	struct session *s = b->s;
	double seconds = (double)(clock_ms() - b->since) / 1000;
	AUTO(json) struct json_t *end = NULL;

	if (b->progress.json) {
		end = json_new_map();
		json_put_text(end, "event", "end");
		json_put_text(end, "result", started ? "ready" : "created");
		json_put_text(end, "environment", s->env.name);
		json_put_text(end, "machine_name", s->env.id);
		json_put_text(end, "parent", b->from.env.name);
		json_put_number(end, "generation", s->env.generation);
		json_put_number(end, "created_ms", (int64_t)b->created_ms);
		json_put(end, "ready_ms",
			 started ? json_new_number((int64_t)(seconds * 1000)) : NULL);
		json_put_text(end, "url", started ? url_of(s, &s->env) : NULL);
		printf("%s\n", json_print(&s->arena, end, FORM_COMPACT));
		return;
	}
	if (!b->progress.quiet && started)
		fprintf(stderr, "created in %llu ms, ready in %.2fs   ",
			(unsigned long long)b->created_ms, seconds);
	else if (!b->progress.quiet)
		fprintf(stderr, "created in %llu ms; start it: orch start -e %s\n",
			(unsigned long long)b->created_ms, s->env.name);
	fflush(stderr);
	if (started)
		printf("%s\n", url_of(s, &s->env));
}

static int run(struct branch *b, const char *name, struct error *err)
{
	struct session *s = b->s;

	if (session_need_state(s, "branch", err) < 0 || choose(b, name, err) < 0 ||
	    storage_first_use(s, err) < 0 || rollout_lock(s, &b->lock, err) < 0 ||
	    session_select(s, s->env.name, err) < 0)
		return -1;
	if (s->exists && s->env.good && s->env.good == s->env.generation) {
		if (check_unused(b, err) < 0)
			return -1;
		if (!b->progress.quiet)
			fprintf(stderr,
				"\"%s\" is there already; fresh data: orch sync data -e %s\n",
				s->env.name, s->env.name);
		return 0;
	}
	if (!b->progress.json && !b->progress.quiet)
		fprintf(stderr, "%s: a copy of %s, generation %lld\n", s->env.name,
			b->from.env.name, (long long)b->from.generation);
	if (make(b, err) < 0)
		return -1;
	b->created_ms = clock_ms() - b->since;
	if (!s->options->no_start && rollout_converge(s, &b->progress, err) < 0)
		return give_up(b, err);
	say_end(b, !s->options->no_start);
	return 0;
}

int cmd_branch(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	struct branch b = {
		.s = &s, .progress = progress_of(ctx), .since = clock_ms(), .lock = -1
	};
	int r;

	if (session_open(&s, ctx, err) < 0)
		return -1;
	r = run(&b, argc ? argv[0] : NULL, err);
	json_free(b.document);
	auto_fd(&b.lock);
	return r;
}
