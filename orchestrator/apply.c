#include "orchestrator/apply.h"

#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "orchestrator/activate.h"
#include "orchestrator/desired.h"
#include "orchestrator/record.h"

#define ENDING_MS 1000 /* for requests that are under way while another container is published */

static bool fresh(const struct action *a)
{
	return a->kind == ACTION_CREATE ||
		(a->kind == ACTION_CHANGE && (a->effects & EFFECT_RECREATE));
}

static int save(const struct applier *p, struct error *err)
{
	return p->backend->save(p->backend->ctx, p->record, err);
}

static void tell(const struct applier *p, const char *what, const char *name, const char *detail,
		 uint64_t since)
{
	p->backend->event(p->backend->ctx, what, name, detail,
			  p->backend->now_ms(p->backend->ctx) - since);
}

/* Not before everything else went well: who goes back finds the data where it was. */
static int discard_left(const struct applier *p, struct error *err)
{
	const struct backend *b = p->backend;

	for (size_t i = 0; i < p->plan->n; i++) {
		const struct action *a = &p->plan->actions[i];
		bool removed = a->kind == ACTION_REMOVE;
		uint64_t since = b->now_ms(b->ctx);

		if (!removed && !a->data)
			continue;
		if (a->data && b->discard(b->ctx, a->container, err) < 0)
			return fail_in(err, "%s", a->container);
		if (removed)
			json_drop(json_get(p->record, "containers"), a->container);
		else
			json_drop(record_entry(p->record, a->container), "leaves");
		if (save(p, err) < 0)
			return -1;
		tell(p, removed ? "remove" : "disk", a->container,
		     a->data ? "data to the trash" : "", since);
	}
	return 0;
}

/* Stops what is removed, and the old of what is recreated. */
static int make_room(const struct applier *p, struct error *err)
{
	const struct backend *b = p->backend;

	for (size_t i = 0; i < p->plan->n; i++) {
		const struct action *a = &p->plan->actions[i];

		if (a->kind != ACTION_REMOVE && (a->kind != ACTION_CHANGE || !fresh(a)))
			continue;
		if (b->stop(b->ctx, a->container, err) < 0)
			return fail_in(err, "%s", a->container);
		json_put_flag(record_entry(p->record, a->container), "made", false);
		if (save(p, err) < 0)
			return -1;
	}
	return 0;
}

/* Before anything is made: which containers are going to be. */
static int record_new(const struct applier *p, size_t *n, struct error *err)
{
	*n = 0;
	for (size_t i = 0; i < p->plan->n; i++) {
		const struct action *a = &p->plan->actions[i];
		struct json_t *entry;

		if (!fresh(a))
			continue;
		entry = record_entry(p->record, a->container);
		json_put_flag(entry, "made", false);
		json_put_flag(entry, "active", false);
		json_drop(entry, "changing");
		if (a->data)
			json_put_flag(entry, "leaves", true);
		json_put(entry, "document", json_copy_deep(a->wanted));
		json_put_number(entry, "generation", json_get_number(p->record, "generation", 0));
		(*n)++;
	}
	return *n ? save(p, err) : 0;
}

/* All are created before the first is released: their children set themselves up side by side. */
static int make_new(const struct applier *p, size_t *n, struct error *err)
{
	const struct backend *b = p->backend;

	if (record_new(p, n, err) < 0)
		return -1;
	if (*n == 0)
		return 0;
	for (size_t i = 0; i < p->plan->n; i++) {
		const struct action *a = &p->plan->actions[i];

		if (fresh(a) &&
		    b->create(b->ctx, a->container, a->wanted,
			      record_entry(p->record, a->container), err) < 0)
			return fail_in(err, "%s", a->container);
	}
	if (save(p, err) < 0)
		return -1;
	for (size_t i = 0; i < p->plan->n; i++) {
		const struct action *a = &p->plan->actions[i];

		if (!fresh(a))
			continue;
		if (b->release(b->ctx, a->container, err) < 0)
			return fail_in(err, "%s", a->container);
		json_put_flag(record_entry(p->record, a->container), "made", true);
	}
	return save(p, err);
}

static bool changes(const struct action *a)
{
	return a->kind == ACTION_CHANGE && !fresh(a) && a->effects;
}

/* From here on what runs may be other than the record's document; going back has to undo it. */
static int record_changes(const struct applier *p, struct error *err)
{
	bool any = false;

	for (size_t i = 0; i < p->plan->n; i++) {
		const struct action *a = &p->plan->actions[i];

		if (a->kind == ACTION_NETWORK)
			json_put_flag(p->record, "network_changing", true);
		if (changes(a))
			json_put_number(record_entry(p->record, a->container), "changing",
					a->effects);
		any |= a->kind == ACTION_NETWORK || changes(a);
	}
	return any ? save(p, err) : 0;
}

static int change_running(const struct applier *p, struct error *err)
{
	const struct backend *b = p->backend;

	for (size_t i = 0; i < p->plan->n; i++) {
		const struct action *a = &p->plan->actions[i];

		if (!changes(a) || !(a->effects & (EFFECT_LIVE | EFFECT_SWAP)))
			continue;
		if (b->change(b->ctx, a->container, a->wanted, a->effects, err) < 0)
			return fail_in(err, "%s", a->container);
	}
	return 0;
}

static int set_rules(const struct applier *p, const struct json_t *desired, bool published,
		     struct error *err)
{
	const struct backend *b = p->backend;

	if (b->rules(b->ctx, desired, published, err) < 0)
		return fail_in(err, "network");
	return 0;
}

/* Where another container is to be published, and the one that was goes on: what is wanted, with that one still. NULL: it isn't so. */
static struct json_t *as_published(const struct applier *p)
{
	const struct json_t *was = json_path(p->record, "network", "publish", NULL);
	const struct json_t *wanted = json_path(p->desired, "network", "publish", NULL);
	const char *to = json_get_text(was, "to", "");
	struct json_t *copy;

	if (!strcmp(to, json_get_text(wanted, "to", to)) ||
	    !json_path(p->desired, "containers", to, NULL))
		return NULL;
	copy = json_copy_deep(p->desired);
	json_put(json_get(copy, "network"), "publish", json_copy_deep(was));
	return copy;
}

/* New connections go to what is published now; what is under way with the one before has a moment to end. */
static int publish_another(const struct applier *p, struct json_t *meanwhile, struct error *err)
{
	const struct backend *b = p->backend;
	struct json_t *network = json_get(meanwhile, "network");
	uint64_t until = b->now_ms(b->ctx) + ENDING_MS, now;

	json_put(network, "ending", json_copy_deep(json_get(network, "publish")));
	json_put(network, "publish",
		 json_copy_deep(json_path(p->desired, "network", "publish", NULL)));
	if (set_rules(p, meanwhile, true, err) < 0)
		return -1;
	while ((now = b->now_ms(b->ctx)) < until)
		if (b->wait(b->ctx, (unsigned)(until - now), err) < 0)
			return -1;
	return 0;
}

/* Is its commit, or without git its code, another than the one whose hooks ran last? */
static bool wants_deploy_hook(const struct applier *p, const struct json_t *wanted,
			      const struct json_t *entry)
{
	const char *commit = json_get_text(p->desired, "commit", "");
	const char *code = json_text(json_path(wanted, "code", "image", NULL), "");

	return strcmp(commit, json_get_text(entry, "deployed_commit", "-")) != 0 ||
		strcmp(code, json_get_text(entry, "deployed_code", "-")) != 0;
}

static int run_hooks(const struct applier *p, const char *which, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const struct json_t *containers = json_get(p->desired, "containers");
	const struct backend *b = p->backend;
	bool deploy = !strcmp(which, "deploy");
	const char **order;
	size_t n;

	order = desired_order(&arena, p->desired, &n);
	for (size_t i = 0; p->options->hooks && i < n; i++) {
		const struct json_t *wanted = json_get(containers, order[i]);
		struct json_t *entry = record_entry(p->record, order[i]);
		uint64_t since = b->now_ms(b->ctx);

		if (!json_text(json_path(wanted, "app", "hooks", which, NULL), NULL))
			continue;
		if (deploy && !wants_deploy_hook(p, wanted, entry))
			continue;
		if (b->hook(b->ctx, order[i], which, err) < 0)
			return fail_in(err, "%s: %s hook", order[i], which);
		tell(p, "hook", order[i], which, since);
		if (!deploy)
			continue;
		json_put_text(entry, "deployed_commit", json_get_text(p->desired, "commit", ""));
		json_put_text(entry, "deployed_code",
			      json_text(json_path(wanted, "code", "image", NULL), ""));
		if (save(p, err) < 0)
			return -1;
	}
	return 0;
}

/* Until now the record's network was the old one, so that a crash plans it again. */
static int finish(const struct applier *p, struct error *err)
{
	json_put(p->record, "network", json_copy_deep(json_get(p->desired, "network")));
	json_put_text(p->record, "commit", json_get_text(p->desired, "commit", ""));
	json_drop(p->record, "network_changing");
	return save(p, err);
}

int apply(const struct plan *plan, const struct json_t *desired, struct json_t *record,
	  const struct backend *backend, const struct apply_options *options, struct error *err)
{
	const struct applier p = { plan, desired, record, backend, options };
	/* What was published stays reachable while others change; a new group opens when it is ready. */
	bool published = json_path(record, "network", "publish", NULL) != NULL;
	AUTO(json) struct json_t *meanwhile = published ? as_published(&p) : NULL;
	AUTO(arena) struct arena arena = { 0 };
	size_t n;

	if (make_room(&p, err) < 0)
		return -1;
	if (backend->network(backend->ctx, desired, err) < 0)
		return fail_in(err, "network");
	if (make_new(&p, &n, err) < 0 || record_changes(&p, err) < 0 ||
	    set_rules(&p, meanwhile ? meanwhile : desired, published, err) < 0)
		return -1;
	if (n)
		tell(&p, "group", "", arena_printf(&arena, "%zu running", n), options->since_ms);
	if (change_running(&p, err) < 0 || activate_all(&p, err) < 0 ||
	    run_hooks(&p, "deploy", err) < 0)
		return -1;
	if (meanwhile && publish_another(&p, meanwhile, err) < 0)
		return -1;
	if ((!published || meanwhile) && set_rules(&p, desired, true, err) < 0)
		return -1;
	if (finish(&p, err) < 0 || run_hooks(&p, "post_deploy", err) < 0)
		return -1;
	return discard_left(&p, err);
}
