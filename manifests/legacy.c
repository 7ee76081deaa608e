/* Spellings of old. Each becomes the modern one before it is read, and a warning says which that is. */
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/text.h"
#include "manifests/rows.h"
#include "manifests/scalar.h"
#include "manifests/schema.h"
#include "manifests/tree.h"

static struct problem *old(struct problems *p, const struct node *n, const char *what)
{
	return problem_add(p, PROBLEM_WARNING, "W0211", node_place(n), "%s is a spelling of old",
			   what);
}

static struct node *named(struct arena *arena, const char *key, const char *text,
			  const struct node *from)
{
	struct node *n = node_scalar(arena, text, false, from);

	n->key = key;
	n->key_at = n->at;
	return n;
}

/* "service:endpoint": most manifests have it, so only a note says that there is a newer one. */
const struct node *fix_relationship(struct problems *p, const struct node *n)
{
	const char *text, *colon;
	struct node *map, *service, *endpoint;

	if (n->kind == NODE_MAP || node_is_null(n))
		return n;
	text = read_text(p, n);
	if (!text)
		return NULL;
	colon = strchr(text, ':');
	if (!colon || colon == text || !colon[1]) {
		wrong_value(p, n, "%s must be written \"service:endpoint\"", node_label(p, n))
			->hint = "or leave it empty, when it is named like the service";
		return NULL;
	}
	map = node_new(p->arena, NODE_MAP, n);
	service = named(p->arena, "service", arena_strndup(p->arena, text, (size_t)(colon - text)),
			n);
	endpoint = named(p->arena, "endpoint", arena_strdup(p->arena, colon + 1), n);
	if (n->at.width >= strlen(text)) {
		service->at.column += !n->plain; /* the quote */
		service->at.width = (unsigned)(colon - text);
	}
	node_append(map, service);
	node_append(map, endpoint);
	problem_add(p, PROBLEM_NOTE, "N0206", n->at, "\"%s\" can be written as a map", n->key)
		->hint = arena_printf(p->arena, "{service: %s, endpoint: %s}", service->text,
				      endpoint->text);
	return map;
}

/* Before there were maps: "shared:files/FOLDER", on the app's disk. */
const struct node *fix_mount(struct problems *p, const struct node *n)
{
	static const char prefix[] = "shared:files";
	struct node *map;
	const char *rest;

	if (n->kind != NODE_SCALAR || node_is_null(n))
		return n;
	rest = n->text + strlen(prefix);
	if (!text_starts(n->text, prefix) || (*rest && *rest != '/')) {
		wrong_type(p, n, "a map")->hint = "such as {source: local, source_path: files}";
		return NULL;
	}
	rest = inner_path(p, rest, n->at);
	if (!rest)
		return NULL;
	map = node_new(p->arena, NODE_MAP, n);
	node_append(map, named(p->arena, "source", "local", n));
	node_append(map, named(p->arena, "source_path", rest, n));
	old(p, n, arena_printf(p->arena, "\"%s\"", n->text))->hint =
		arena_printf(p->arena, "{source: local, source_path: \"%s\"}", rest);
	return map;
}

/* All members but those of old. */
static struct node *without(struct problems *p, const struct node *n, const char *const *keys)
{
	struct node *map = node_new(p->arena, NODE_MAP, n);

	for (const struct node *m = n->child; m; m = m->next) {
		size_t i = 0;

		while (keys[i] && strcmp(keys[i], m->key) != 0)
			i++;
		if (!keys[i])
			node_append(map, node_as(p->arena, m, m->key));
	}
	return map;
}

/* cmd: COMMAND */
const struct node *fix_cron(struct problems *p, const struct node *n)
{
	static const char *const keys[] = { "cmd", NULL };
	const struct node *cmd = tree_get(n, "cmd");
	struct node *map, *commands;

	if (!cmd || node_is_null(cmd))
		return n;
	if (tree_get(n, "commands")) {
		(void)problem_add(p, PROBLEM_ERROR, "E0211", cmd->key_at,
				  "\"cmd\" is there, and \"commands\", too");
		return without(p, n, keys);
	}
	old(p, cmd, "\"cmd\"")->hint = "commands: {start: ...}";
	map = without(p, n, keys);
	commands = node_new(p->arena, NODE_MAP, cmd);
	commands->key = "commands";
	node_append(commands, node_as(p->arena, cmd, "start"));
	node_append(map, commands);
	return map;
}

/* toolstack: "php:drupal" */
const struct node *fix_app(struct problems *p, const struct node *n)
{
	static const char *const keys[] = { "toolstack", NULL };
	const struct node *toolstack = tree_get(n, "toolstack");
	const char *text = toolstack ? read_raw(p, toolstack) : NULL;
	const char *colon = text ? strchr(text, ':') : NULL;
	struct node *map, *build;

	if (!text || n->kind != NODE_MAP)
		return n;
	map = without(p, n, keys);
	old(p, toolstack, "\"toolstack\"")->hint =
		"type: RUNTIME:VERSION, and build: {flavor: ...}";
	if (!tree_get(n, "type"))
		node_append(map,
			    named(p->arena, "type",
				  arena_strndup(p->arena, text, strcspn(text, ":")), toolstack));
	if (!colon || tree_get(n, "build"))
		return map;
	build = node_new(p->arena, NODE_MAP, toolstack);
	build->key = "build";
	node_append(build, named(p->arena, "flavor", arena_strdup(p->arena, colon + 1), toolstack));
	node_append(map, build);
	return map;
}

static void add_rules(struct problems *p, struct node *rules, const struct node *list,
		      const char *allow)
{
	if (!list)
		return;
	for (const struct node *m = list_members(p, list); m; m = m->next) {
		const char *pattern = read_text(p, m);
		struct node *rule, *flag;

		/* As a key it would be one with a dot in front. */
		if (pattern && *pattern == '.')
			pattern = arena_printf(p->arena, "(?:%s)", pattern);
		if (!pattern || tree_get(rules, pattern))
			continue;
		rule = node_new(p->arena, NODE_MAP, m);
		rule->key = pattern;
		rule->key_at = m->at;
		flag = named(p->arena, "allow", allow, m);
		flag->plain = true;
		node_append(rule, flag);
		node_append(rules, rule);
	}
}

/* Keys of web that became location "/", as long as there are no locations. */
const struct node *fix_web(struct problems *p, const struct node *n)
{
	static const char *const keys[] = { "document_root", "passthru",  "index_files", "expires",
					    "whitelist",     "blacklist", NULL };
	static const char *const modern[] = { "root", "passthru", "index", "expires" };
	struct node *map, *locations, *root, *rules, *flag;
	const struct node *first = NULL;

	for (size_t i = 0; keys[i]; i++)
		if (tree_get(n, keys[i]) && (!first || !first->key))
			first = tree_get(n, keys[i]);
	if (!first)
		return n;
	old(p, first, arena_printf(p->arena, "\"%s\" in \"web\"", first->key))->hint =
		"write web.locations: {\"/\": {root, passthru, index, expires, allow, rules}}";
	map = without(p, n, keys);
	if (tree_get(n, "locations")) {
		(void)problem_add(p, PROBLEM_ERROR, "E0211", first->key_at,
				  "\"%s\" is there, and \"locations\", too", first->key);
		return map;
	}
	locations = node_new(p->arena, NODE_MAP, first);
	locations->key = "locations";
	root = node_new(p->arena, NODE_MAP, first);
	root->key = "/";
	for (size_t i = 0; i < ARRAY_SIZE(modern); i++)
		if (tree_get(n, keys[i]))
			node_append(root, node_as(p->arena, tree_get(n, keys[i]), modern[i]));
	rules = node_new(p->arena, NODE_MAP, first);
	rules->key = "rules";
	add_rules(p, rules, tree_get(n, "blacklist"), "false");
	add_rules(p, rules, tree_get(n, "whitelist"), "true");
	if (tree_get(n, "whitelist")) {
		flag = named(p->arena, "allow", "false", tree_get(n, "whitelist"));
		flag->plain = true;
		node_append(root, flag);
	}
	node_append(root, rules);
	node_append(locations, root);
	node_append(map, locations);
	return map;
}
