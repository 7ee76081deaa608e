#include "orchestrator/activate.h"

#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "orchestrator/desired.h"
#include "orchestrator/record.h"

#define DEFAULT_TIMEOUT_MS 300000u
#define WAIT_MS 1000u
#define WHYS_MAX 700 /* bytes: what becomes of the environment is said behind it */

enum stage { STAGE_DONE, STAGE_PENDING, STAGE_STARTED };

struct item {
	const char *name;
	const struct json_t *wanted;
	const char *how;  /* NULL: nothing to be told */
	const char *what; /* the event's name */
	enum stage stage;
	uint64_t since;
};

struct run {
	const struct applier *p;
	struct item *items; /* in relationship order */
	size_t n;
	uint64_t deadline;
};

static const char *how_of(const struct action *a)
{
	if (a->kind == ACTION_CREATE || (a->effects & EFFECT_RECREATE))
		return "start";
	if (a->effects & EFFECT_RESTART)
		return "restart";
	if (a->effects & EFFECT_SWAP)
		return "swap";
	if (a->effects & EFFECT_RELOAD)
		return "reload";
	return NULL;
}

static struct item *find(const struct run *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		if (!strcmp(r->items[i].name, name))
			return &r->items[i];
	return NULL;
}

static void make_items(struct arena *arena, struct run *r)
{
	const struct json_t *containers = json_get(r->p->desired, "containers");
	const char **order = desired_order(arena, r->p->desired, &r->n);

	r->items = arena_array(arena, r->n + 1, sizeof(*r->items));
	for (size_t i = 0; i < r->n; i++)
		r->items[i] =
			(struct item){ .name = order[i], .wanted = json_get(containers, order[i]) };
	for (size_t i = 0; i < r->p->plan->n; i++) {
		const struct action *a = &r->p->plan->actions[i];
		struct item *item = find(r, a->container);

		if (!item || (a->kind != ACTION_CREATE && a->kind != ACTION_CHANGE))
			continue;
		item->how = how_of(a);
		item->what = a->kind == ACTION_CREATE ? "create" : effect_name(a->effects);
		item->stage = STAGE_PENDING;
	}
}

static bool waits(struct arena *arena, const struct run *r, const struct item *item)
{
	size_t n;
	const char **needs = desired_needs(arena, item->wanted, &n);

	for (size_t i = 0; i < n; i++) {
		const struct item *on = find(r, needs[i]);

		if (on && on->stage != STAGE_DONE)
			return true;
	}
	return false;
}

/* What was applied is recorded once it is. */
static int settle(struct run *r, struct item *item, struct error *err)
{
	const struct backend *b = r->p->backend;
	struct json_t *entry = record_entry(r->p->record, item->name);

	json_put(entry, "document", json_copy_deep(item->wanted));
	json_put_number(entry, "generation", json_get_number(r->p->record, "generation", 0));
	json_put_flag(entry, "active", true);
	json_drop(entry, "changing");
	item->stage = STAGE_DONE;
	if (b->save(b->ctx, r->p->record, err) < 0)
		return -1;
	if (item->what)
		b->event(b->ctx, item->what, item->name, "", b->now_ms(b->ctx) - item->since);
	return 0;
}

/*
 * Recorded before: one that is cut short leaves a container that has to be made anew, lest its processes
 * go on beside the next attempt's. Its time isn't counted against those that wait.
 */
static int run_clone_hook(struct run *r, const struct item *item, struct error *err)
{
	struct json_t *entry = record_entry(r->p->record, item->name);
	const struct backend *b = r->p->backend;
	uint64_t since = b->now_ms(b->ctx);

	if (!r->p->options->clone || json_get_flag(entry, "cleaned", false) ||
	    !json_text(json_path(item->wanted, "app", "hooks", "clone", NULL), NULL))
		return 0;
	json_put_flag(entry, "at_hook", true);
	if (b->save(b->ctx, r->p->record, err) < 0)
		return -1;
	if (b->hook(b->ctx, item->name, "clone", err) < 0)
		return fail_in(err, "clone hook");
	json_drop(entry, "at_hook");
	json_put_flag(entry, "cleaned", true);
	b->event(b->ctx, "hook", item->name, "clone", b->now_ms(b->ctx) - since);
	r->deadline += b->now_ms(b->ctx) - since;
	return 0;
}

static int begin(struct run *r, struct item *item, struct error *err)
{
	const struct backend *b = r->p->backend;

	item->since = b->now_ms(b->ctx);
	if (!item->how)
		return settle(r, item, err);
	if (run_clone_hook(r, item, err) < 0)
		return -1;
	if (b->activate(b->ctx, item->name, r->p->desired, r->p->record, item->how, err) < 0)
		return -1;
	item->stage = STAGE_STARTED;
	return 0;
}

static bool relates_to(struct arena *arena, const struct item *item, const char *service)
{
	const struct json_t *links = json_get(item->wanted, "relationships");
	const char **names;
	size_t n;

	names = json_keys(arena, links, &n);
	for (size_t i = 0; i < n; i++)
		if (!strcmp(json_get_text(json_get(links, names[i]), "service", ""), service))
			return true;
	return false;
}

/*
 * Whoever relates to it has to learn the new values; those that will be told something anyway
 * learn them then. Saved together with the new values, so that a crash in between forgets nobody.
 */
static void restart_dependants(struct arena *arena, struct run *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++) {
		struct item *item = &r->items[i];

		if (!relates_to(arena, item, name))
			continue;
		json_put_flag(record_entry(r->p->record, item->name), "active", false);
		if (item->stage != STAGE_DONE && item->how)
			continue;
		item->how = "restart";
		item->what = "restart";
		item->stage = STAGE_PENDING;
	}
}

static int became_ready(struct arena *arena, struct run *r, struct item *item, struct error *err)
{
	const struct backend *b = r->p->backend;
	struct json_t *entry = record_entry(r->p->record, item->name);
	AUTO(json) struct json_t *opened = b->open(b->ctx, item->name, err);
	bool changed;

	if (!opened)
		return -1;
	changed = json_get(entry, "opened") && !json_same(json_get(entry, "opened"), opened);
	json_put(entry, "opened", TAKE_PTR(opened));
	if (changed)
		restart_dependants(arena, r, item->name);
	return settle(r, item, err);
}

/* Its last words; the failure itself is in *err. */
static int fail_dead(const struct run *r, const struct item *item, struct error *err)
{
	AUTO(text) struct text ignored = { 0 };

	r->p->backend->explain(r->p->backend->ctx, item->name, &ignored);
	return fail_in(err, "%s", item->name);
}

/* One look at everything; *left counts what isn't done yet, *moved whether something got further. */
static int look(struct arena *arena, struct run *r, size_t *left, bool *moved, struct error *err)
{
	*left = 0;
	*moved = false;
	for (size_t i = 0; i < r->n; i++) {
		struct item *item = &r->items[i];
		enum stage before = item->stage;
		int ready;

		if (item->stage == STAGE_PENDING && !waits(arena, r, item) &&
		    begin(r, item, err) < 0)
			return fail_in(err, "%s", item->name);
		if (item->stage == STAGE_STARTED) {
			ready = r->p->backend->ready(r->p->backend->ctx, item->name, err);
			if (ready < 0)
				return fail_dead(r, item, err);
			if (ready && became_ready(arena, r, item, err) < 0)
				return fail_in(err, "%s", item->name);
		}
		*left += item->stage != STAGE_DONE;
		*moved |= item->stage != before;
	}
	return 0;
}

/* All of them by name; of the first few, as far as there is room for it, what they lack. */
static int fail_late(const struct run *r, struct error *err)
{
	AUTO(text) struct text names = { 0 }, whys = { 0 };
	const char *only = NULL;
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		AUTO(text) struct text why = { 0 };

		if (r->items[i].stage != STAGE_STARTED)
			continue;
		only = n++ ? NULL : r->items[i].name;
		text_printf(&names, "%s%s", names.size ? ", " : "", r->items[i].name);
		r->p->backend->explain(r->p->backend->ctx, r->items[i].name, &why);
		if (why.size && whys.size + why.size < WHYS_MAX)
			text_printf(&whys, "\n%s: %s", r->items[i].name, text_get(&why));
	}
	return fail(err, ERROR_TIMEOUT, "not ready in time: %s; see orch logs%s%s%s",
		    text_get(&names), only ? " " : "", only ? only : "", text_get(&whys));
}

int activate_all(const struct applier *p, struct error *err)
{
	const struct backend *b = p->backend;
	uint64_t timeout = p->options->timeout_ms ? p->options->timeout_ms : DEFAULT_TIMEOUT_MS;
	struct run r = { .p = p, .deadline = b->now_ms(b->ctx) + timeout };
	AUTO(arena) struct arena arena = { 0 };
	size_t left;
	bool moved;

	make_items(&arena, &r);
	for (;;) {
		AUTO(arena) struct arena pass = { 0 };

		if (look(&pass, &r, &left, &moved, err) < 0)
			return -1;
		if (!left)
			return 0;
		if (b->now_ms(b->ctx) >= r.deadline)
			return fail_late(&r, err);
		if (!moved && b->wait(b->ctx, WAIT_MS, err) < 0)
			return -1;
	}
}
