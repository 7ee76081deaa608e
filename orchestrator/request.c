#include "orchestrator/request.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "orchestrator/build.h"
#include "orchestrator/contract.h"
#include "orchestrator/desired.h"
#include "orchestrator/lower.h"
#include "orchestrator/routes.h"
#include "orchestrator/secrets.h"
#include "orchestrator/session.h"
#include "orchestrator/state.h"
#include "orchestrator/variables.h"

/* Differs from every digest: the plan says that there will be another image. */
#define NOT_BUILT "new"

static void tell(const struct request *q, const char *what, const char *name, const char *detail,
		 uint64_t since)
{
	if (q->tell)
		q->tell(q->ctx, what, name, detail, clock_ms() - since);
}

int request_verdict(const struct request *q, struct error *err)
{
	if (!q->problems.errors)
		return 0;
	return fail(err, ERROR_INPUT, "%zu error%s; nothing was changed", q->problems.errors,
		    q->problems.errors == 1 ? "" : "s");
}

static int load(struct session *s, struct request *q, struct error *err)
{
	q->s = s;
	q->problems.arena = &s->arena;
	q->problems.lenient = s->options->lenient;
	return session_catalog(s, &q->catalog, err) < 0 ||
			manifest_load(s->project.folder, &q->catalog, &q->problems, &q->manifest,
				      err) < 0
		? -1
		: 0;
}

int request_open(struct session *s, struct request *q, struct error *err)
{
	if (session_project(s, err) < 0)
		return -1;
	if (s->project.detached)
		return fail(
			err, ERROR_INPUT,
			"%s: no branch is checked out, so say which environment is meant: -e NAME",
			s->project.folder);
	if (load(s, q, err) < 0)
		return -1;
	(void)manifest_refuse(&q->problems);
	problems_print(&q->problems, s->options->quiet ? PROBLEM_ERROR : PROBLEM_WARNING, stderr);
	return request_verdict(q, err);
}

int request_read(struct session *s, const struct options *options, struct request *q,
		 struct error *err)
{
	const char *root = options->root ? options->root : getenv("ORCH_ROOT");

	s->options = options;
	return host_open(&s->arena, root && *root ? root : NULL, &s->host, err) < 0 ||
			project_find(&s->arena, options, &s->project.folder, err) < 0 ||
			load(s, q, err) < 0
		? -1
		: 0;
}

void request_close(struct request *q)
{
	manifest_clear(&q->manifest);
}

static const struct desired_image *find_base(const struct request *q, const char *type)
{
	for (size_t i = 0; i < q->n_bases; i++)
		if (!strcmp(q->bases[i].name, type))
			return &q->bases[i];
	return NULL;
}

/* One base image for each type, whoever uses it. */
static int add_base(struct request *q, const char *type, bool build, struct error *err)
{
	const struct recipe *recipe = catalog_find(&q->catalog, type);
	char *digest = arena_alloc(&q->s->arena, SHA256_HEX);
	uint64_t since = clock_ms();
	int r;

	if (find_base(q, type))
		return 0;
	r = bases_find(q->s, recipe, digest, err);
	if (r == BASES_ABSENT && build) {
		tell(q, "base", type, "is being built; this takes minutes once", since);
		r = bases_ensure(q->s, recipe, q->line, q->ctx, digest, err);
		if (r == 0)
			tell(q, "base", type, "built", since);
	}
	if (r < 0)
		return -1;
	q->bases[q->n_bases++] =
		(struct desired_image){ .name = type, .digest = r == 0 ? digest : NOT_BUILT };
	return 0;
}

static int add_bases(struct request *q, bool build, struct error *err)
{
	const struct manifest *m = &q->manifest;

	q->bases = arena_array(&q->s->arena, m->n_apps + m->n_services + 1, sizeof(*q->bases));
	for (size_t i = 0; i < m->n_apps; i++)
		if (add_base(q, m->apps[i].type, build, err) < 0)
			return -1;
	for (size_t i = 0; i < m->n_services; i++)
		if (add_base(q, m->services[i].type, build, err) < 0)
			return -1;
	return routes_wanted(m, &q->s->env) ? add_base(q, ROUTES_TYPE, build, err) : 0;
}

static int add_tree(struct request *q, const struct app *app, struct error *err)
{
	struct session *s = q->s;
	const char *scratch = build_scratch(s, app);
	const char *tree;

	if (project_tree(&s->arena, &s->project, app->root, s->options->worktree, scratch, &tree,
			 err) < 0)
		return -1;
	q->codes[q->n_codes++] = (struct desired_image){ .name = app->name, .tree = tree };
	return 0;
}

static int add_code(struct request *q, const struct app *app, struct desired_image *code,
		    const struct json_t *draft, const char *entropy, bool build, struct error *err)
{
	const struct recipe *recipe = catalog_find(&q->catalog, app->type);
	struct lower_input in = {
		.contract = { .desired = draft,
			      .container = app->name,
			      .entropy = entropy,
			      .image = &recipe->image },
		.image = &recipe->image,
	};
	AUTO(json) struct json_t *known_env = contract_environment(&in.contract, 0);
	AUTO(json) struct json_t *secrets = NULL;
	AUTO(json) struct json_t *env = NULL;
	struct build_spec spec = {
		.app = app,
		.recipe = recipe,
		.base = find_base(q, app->type)->digest,
		.tree = code->tree,
		.identity_env = known_env,
		.line = q->line,
		.ctx = q->ctx,
	};
	struct built *built = arena_new(&q->s->arena, struct built);
	uint64_t since = clock_ms();
	int r = build_find(q->s, &spec, built, err);

	if (r == BUILD_ABSENT && build) {
		tell(q, "build", app->name, arena_printf(&q->s->arena, "tree %.7s", code->tree),
		     since);
		secrets = secrets_of(&q->s->host, q->s->state, q->s->env.project_id,
				     json_path(draft, "containers", app->name, NULL), err);
		if (!secrets)
			return -1;
		in.contract.secrets = secrets;
		spec.env = env = contract_environment(&in.contract, 0);
		spec.config = lower_build_config(&q->s->arena, &in, env);
		r = build_make(q->s, &spec, built, err);
	}
	if (r < 0)
		return -1;
	if (build)
		tell(q, "build", app->name,
		     arena_printf(&q->s->arena, "%s %.7s (tree %.7s)",
				  built->reused ? "reused" : "made", built->digest, code->tree),
		     since);
	code->digest = r == BUILD_ABSENT && !build ? NOT_BUILT : built->digest;
	/* Where the tree was made of files; a build has removed its own. */
	return file_remove(AT_FDCWD, build_scratch(q->s, app), err);
}

static struct json_t *make_document(const struct request *q, const struct json_t *previous,
				    struct error *err)
{
	AUTO(json)
	struct json_t *variables =
		request_documents(&q->s->arena, q->variables, q->manifest.n_apps);
	const struct desired_input in = {
		.manifest = &q->manifest,
		.catalog = &q->catalog,
		.environment = &q->s->env,
		.project = &q->s->project,
		.bases = q->bases,
		.codes = q->codes,
		.n_bases = q->n_bases,
		.n_codes = q->n_codes,
		.variables = variables,
		.previous = previous,
	};

	AUTO(json) struct json_t *document = NULL;

	if (routes_wanted(&q->manifest, &q->s->env) && !catalog_find(&q->catalog, ROUTES_TYPE)) {
		fail(err, ERROR_INPUT,
		     "the catalogue has no %s, which serves routes: reinstall orch", ROUTES_TYPE);
		return NULL;
	}
	document = desired_make(&in, err);
	return !document || routes_check(document, err) < 0 ? NULL : TAKE_PTR(document);
}

static int add_variables(struct request *q, struct error *err)
{
	const char **apps = arena_array(&q->s->arena, q->manifest.n_apps + 1, sizeof(*apps));

	for (size_t i = 0; i < q->manifest.n_apps; i++)
		apps[i] = q->manifest.apps[i].name;
	return request_app_variables(q->s, apps, q->manifest.n_apps, &q->variables, err);
}

int request_images(struct request *q, bool build, const struct json_t *previous,
		   struct json_t **desired, struct error *err)
{
	const struct manifest *m = &q->manifest;
	AUTO(json) struct json_t *draft = NULL;
	const char *entropy = NULL;

	if (add_variables(q, err) < 0 || add_bases(q, build, err) < 0)
		return -1;
	q->codes = arena_array(&q->s->arena, m->n_apps, sizeof(*q->codes));
	for (size_t i = 0; i < m->n_apps; i++)
		if (add_tree(q, &m->apps[i], err) < 0)
			return -1;
	draft = make_document(q, previous, err);
	if (!draft)
		return -1;
	if (build && state_entropy(q->s->state, &q->s->arena, q->s->project.id, &entropy, err) < 0)
		return -1;
	for (size_t i = 0; i < m->n_apps; i++)
		if (add_code(q, &m->apps[i], &q->codes[i], draft, entropy, build, err) < 0)
			return -1;
	*desired = make_document(q, previous, err);
	return *desired ? 0 : -1;
}

static struct desired_image *unknown_images(struct request *q, size_t *n)
{
	const struct manifest *m = &q->manifest;
	struct desired_image *list =
		arena_array(&q->s->arena, 2 * m->n_apps + m->n_services + 1, sizeof(*list));

	for (size_t i = 0; i < m->n_apps; i++) {
		list[(*n)++] = (struct desired_image){ m->apps[i].type, "unknown" };
		list[(*n)++] = (struct desired_image){ m->apps[i].name, "unknown", "unknown" };
	}
	for (size_t i = 0; i < m->n_services; i++)
		list[(*n)++] = (struct desired_image){ m->services[i].type, "unknown" };
	list[(*n)++] = (struct desired_image){ ROUTES_TYPE, "unknown" };
	return list;
}

int request_offline(struct request *q, struct json_t **desired, struct error *err)
{
	q->bases = q->codes = unknown_images(q, &q->n_bases);
	q->n_codes = q->n_bases;
	*desired = make_document(q, NULL, err);
	return *desired ? 0 : -1;
}

static const struct node *node_of_app(const struct app *a, const char *container)
{
	if (!strcmp(a->name, container))
		return a->node;
	for (size_t i = 0; i < a->n_workers; i++)
		if (!strcmp(a->workers[i].container, container))
			return a->workers[i].node;
	return NULL;
}

static const struct node *node_of(const struct manifest *m, const char *container)
{
	for (size_t i = 0; i < m->n_apps; i++) {
		const struct node *node = node_of_app(&m->apps[i], container);

		if (node)
			return node;
	}
	for (size_t i = 0; i < m->n_services; i++)
		if (!strcmp(m->services[i].name, container))
			return m->services[i].node;
	return m->routes_node;
}

/* Whose the one that counts now is; NULL: none is there any more. */
static const char *variable_from(const struct request *q, const char *container, const char *name)
{
	const struct manifest *m = &q->manifest;

	for (size_t i = 0; q->variables && i < m->n_apps; i++) {
		if (!node_of_app(&m->apps[i], container))
			continue;
		for (size_t k = 0; k < q->variables[i].n; k++)
			if (!strcmp(q->variables[i].list[k].name, name))
				return q->variables[i].list[k].from;
	}
	return NULL;
}

const char *request_where(void *ctx, struct arena *arena, const char *container,
			  const char *const *path, size_t n)
{
	static const char *const size[] = { "size" };
	static const char *const elsewhere[] = { "base", "code",      "address", "environment",
						 "url",	 "endpoints", "kind" };
	const struct request *q = ctx;
	const struct node *node = node_of(&q->manifest, container);
	struct place at;

	if (n >= 4 && !strcmp(path[0], "variables"))
		return variable_from(q, container, arena_printf(arena, "%s:%s", path[2], path[3]));

	if (!node || !n || (node == q->manifest.routes_node && strcmp(path[0], "routes") != 0))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(elsewhere); i++)
		if (!strcmp(path[0], elsewhere[i]))
			return NULL;
	if (!strcmp(path[0], "limits"))
		at = manifest_place(node, size, 1);
	else if (n > 1 && !strcmp(path[0], "app") && !strcmp(path[1], "worker"))
		at = manifest_place(node, path + 2, n - 2);
	else if (!strcmp(path[0], "app") || !strcmp(path[0], "routes"))
		at = manifest_place(node, path + 1, n - 1);
	else
		at = manifest_place(node, path, n);
	return at.file ? arena_printf(arena, "%s:%u:%u", at.file, at.line, at.column) : NULL;
}

void request_add_places(struct request *q, struct plan *plan)
{
	for (size_t i = 0; i < plan->n; i++) {
		struct action *a = &plan->actions[i];

		for (size_t k = 0; k < a->n; k++)
			a->causes[k].where = request_where(q, &q->s->arena, a->container,
							   a->causes[k].path, a->causes[k].n);
	}
}
