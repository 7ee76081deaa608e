#include <fcntl.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "manifests/discover.h"
#include "manifests/files.h"
#include "manifests/parts.h"
#include "manifests/recipe.h"
#include "manifests/scalar.h"
#include "manifests/schema.h"
#include "manifests/tree.h"

struct loader {
	struct problems *problems;
	const struct files *files;
	struct manifest m;
	size_t room;
	struct node *services, *routes; /* maps of all files together; NULL: none */
	bool broken;			/* a file can't be read: what it defines looks undefined */
	bool found;
};

/* The file's tree, resolved; NULL when there is none, or it can't be read. base: for includes. */
static struct node *read_tree(struct loader *l, const char *path, const char *base, bool *found,
			      struct error *err)
{
	struct node *root;
	char *text;
	size_t size;
	int r = l->files->read(l->files->ctx, l->problems->arena, path, &text, &size, err);

	*found = r != FILE_ABSENT;
	if (r == FILE_ABSENT)
		return NULL;
	if (r < 0) {
		(void)problem_add(l->problems, PROBLEM_ERROR, "E0102",
				  (struct place){ .file = path }, "%s", err->text);
		l->broken = true;
		return NULL;
	}
	root = tree_parse(l->problems, path, text, size);
	if (root && base == NULL)
		base = tree_text(tree_get(root, "source"), "root",
				 files_folder(l->problems->arena, path));
	if (!root || !files_resolve(l->problems, l->files, root, base))
		l->broken = true;
	return root;
}

/* deploy takes the code from there. */
static void check_root(struct loader *l, const struct app *a, struct error *err)
{
	const struct node *n = tree_path(a->node, "source", "root", NULL);
	char *text;
	size_t size;

	if (n && n->at.file && *a->root &&
	    l->files->read(l->files->ctx, l->problems->arena, a->root, &text, &size, err) ==
		    FILE_ABSENT)
		(void)problem_add(l->problems, PROBLEM_WARNING, "W0214", n->at,
				  "there is no folder \"%s\" in the project", a->root);
}

static void add_app(struct loader *l, const struct node *tree, const char *root)
{
	struct error ignored;

	struct app *all;

	l->found = true;
	if (l->m.n_apps == l->room) {
		l->room = l->room ? 2 * l->room : 8;
		all = arena_array(l->problems->arena, l->room, sizeof(*all));
		if (l->m.n_apps)
			memcpy(all, l->m.apps, l->m.n_apps * sizeof(*all));
		l->m.apps = all;
	}
	app_read(l->problems, tree, root, &l->m.apps[l->m.n_apps]);
	check_root(l, &l->m.apps[l->m.n_apps++], &ignored);
}

static void app_file(struct loader *l, const char *path, struct error *err)
{
	bool found;
	struct node *tree = read_tree(l, path, NULL, &found, err);

	l->found |= found;
	if (tree)
		add_app(l, tree, files_folder(l->problems->arena, path));
}

/* In a map of apps the key is the name. */
static const struct node *named(struct loader *l, const struct node *n)
{
	struct node *copy, *name;
	const struct node *given = tree_get(n, "name");

	if (!n->key || n->kind != NODE_MAP)
		return n;
	if (given && given->kind == NODE_SCALAR && strcmp(given->text, n->key) != 0)
		(void)problem_add(l->problems, PROBLEM_ERROR, "E0213", given->at,
				  "\"name\" is \"%s\", and the app's key \"%s\"", given->text,
				  n->key);
	if (given)
		return n;
	copy = node_new(l->problems->arena, NODE_MAP, n);
	name = node_scalar(l->problems->arena, n->key, false, n);
	name->at = n->key_at;
	name->key = "name";
	node_append(copy, name);
	for (const struct node *m = n->child; m; m = m->next)
		node_append(copy, node_as(l->problems->arena, m, m->key));
	return copy;
}

static void load_apps(struct loader *l, const struct node *tree)
{
	if (tree->kind == NODE_SCALAR && !node_is_null(tree))
		(void)wrong_type(l->problems, tree, "a map or a list of apps");
	for (const struct node *m = tree->child; m; m = m->next)
		add_app(l, named(l, m), "");
}

static void add_members(struct loader *l, struct node **all, const struct node *tree)
{
	if (!tree)
		return;
	if (!*all) {
		*all = node_new(l->problems->arena, tree->kind, tree);
		(*all)->text = tree->text;
		(*all)->plain = tree->plain;
	}
	for (const struct node *m = tree->kind == NODE_MAP ? tree->child : NULL; m; m = m->next) {
		const struct node *twin = tree_get(*all, m->key);
		struct problem *problem;

		(*all)->kind = NODE_MAP;
		if (!twin) {
			node_append(*all, node_as(l->problems->arena, m, m->key));
			continue;
		}
		problem = problem_add(l->problems, PROBLEM_ERROR, "E0205", m->key_at,
				      "\"%s\" is given twice", m->key);
		problem->note_at = twin->key_at;
		problem->note = "first given here";
	}
}

/* Two spellings of one file's name: the first that is there; both is a problem. */
static struct node *either(struct loader *l, const char *a, const char *b, struct error *err)
{
	bool found, twice;
	struct node *first = read_tree(l, a, "", &found, err), *second;

	second = read_tree(l, b, "", &twice, err);
	if (!found)
		return second;
	if (twice)
		(void)problem_add(l->problems, PROBLEM_ERROR, "E0107", (struct place){ .file = b },
				  "there is %s, too: keep one of them", a);
	return first;
}

static void load_nested(struct loader *l, int folder, struct error *err)
{
	size_t n;
	const char **list = discover_apps(l->problems->arena, folder, &n);

	for (size_t i = 0; i < n; i++)
		app_file(l, list[i], err);
}

static void root_app(struct loader *l, struct error *err)
{
	static const char *const names[] = { "app.yaml", ".platform.app.yaml" };
	bool found[2];
	struct node *trees[2];

	for (size_t i = 0; i < 2; i++)
		trees[i] = read_tree(l, names[i], NULL, &found[i], err);
	if (found[0] && found[1])
		(void)problem_add(l->problems, PROBLEM_ERROR, "E0107",
				  (struct place){ .file = names[1] },
				  "there is app.yaml, too: keep one of them");
	l->found |= found[0] || found[1];
	if (trees[found[0] ? 0 : 1])
		add_app(l, trees[found[0] ? 0 : 1], "");
}

/* One file with everything: the form of the vendor's other product, and what orch config prints. */
static void load_whole(struct loader *l, const char *path, struct error *err)
{
	bool found;
	struct node *tree = read_tree(l, path, "", &found, err);

	for (const struct node *m = tree ? map_members(l->problems, tree) : NULL; m; m = m->next)
		if (!strcmp(m->key, "applications"))
			load_apps(l, m);
		else if (!strcmp(m->key, "services"))
			add_members(l, &l->services, m);
		else if (!strcmp(m->key, "routes"))
			add_members(l, &l->routes, m);
		else
			problem_add(l->problems, PROBLEM_ERROR, "E0203", m->key_at,
				    "unknown key \"%s\"", m->key)
				->hint = "there are applications, services and routes";
}

static void load_all(struct loader *l, int folder, struct error *err)
{
	size_t n;
	const char **whole = discover_whole(l->problems->arena, folder, &n);
	bool found;
	struct node *apps;

	root_app(l, err);
	apps = read_tree(l, ".platform/applications.yaml", "", &found, err);
	l->found |= found;
	if (apps)
		load_apps(l, apps);
	for (size_t i = 0; i < n; i++)
		load_whole(l, whole[i], err);
	load_nested(l, folder, err);
	add_members(l, &l->services, either(l, "services.yaml", ".platform/services.yaml", err));
	add_members(l, &l->routes, either(l, "routes.yaml", ".platform/routes.yaml", err));
}

static bool is_empty(const struct node *n)
{
	return node_is_null(n) || (n->kind == NODE_MAP && !n->child);
}

int manifest_load_files(const struct files *files, int folder, const struct catalog *types,
			struct problems *problems, struct manifest *out, struct error *err)
{
	struct loader l = { .problems = problems, .files = files };

	load_all(&l, folder, err);
	if (!l.found && !problems->errors)
		return fail(err, ERROR_ABSENT, "no app.yaml or .platform.app.yaml");
	if (l.services)
		services_read(problems, l.services, &l.m);
	if (l.routes && !is_empty(l.routes))
		routes_read(problems, l.routes, &l.m);
	else
		routes_default(problems, &l.m);
	if (!l.broken)
		manifest_check(problems, types, &l.m);
	documents_make(&l.m);
	*out = l.m;
	return 0;
}

int manifest_load(const char *folder, const struct catalog *types, struct problems *problems,
		  struct manifest *out, struct error *err)
{
	AUTO(fd) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct files files = files_of(&fd);

	if (fd < 0)
		return fail_errno(err, "%s", folder);
	return manifest_load_files(&files, fd, types, problems, out, err) < 0
		? fail_in(err, "%s", folder)
		: 0;
}

void manifest_clear(struct manifest *m)
{
	for (size_t i = 0; i < m->n_apps; i++) {
		json_free(m->apps[i].document);
		for (size_t k = 0; k < m->apps[i].n_workers; k++)
			json_free(m->apps[i].workers[k].document);
	}
	for (size_t i = 0; i < m->n_services; i++)
		json_free(m->services[i].document);
	for (size_t i = 0; i < m->n_routes; i++)
		json_free(m->routes[i].document);
	*m = (struct manifest){ 0 };
}
