/* The table of an app. */
#include <string.h>

#include "base/arena.h"
#include "base/cron.h"
#include "manifests/rows.h"
#include "manifests/scalar.h"
#include "manifests/schema.h"
#include "manifests/tree.h"

#define KEY_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

static struct node *name_check(struct problems *p, const struct node *n, struct node *out)
{
	return check_name(p, out->text, "an app", n->at) ? out : NULL;
}

static const char *worker_name(struct problems *p, const struct node *member)
{
	return check_name(p, member->key, "a worker", member->key_at) ? member->key : NULL;
}

static struct node *spec_check(struct problems *p, const struct node *n, struct node *out)
{
	struct cron_spec spec;
	const char *why = cron_parse(out->text, 0, &spec);

	if (!why)
		return out;
	wrong_value(p, n, "not a schedule: %s", why)->hint =
		"such as \"*/5 * * * *\", \"H 3 * * *\"";
	return NULL;
}

/* It stands in a cookie. */
static void check_debugger(struct problems *p, const struct node *n)
{
	const struct node *key = tree_get(n, "idekey");

	if (n && !node_is_null(n) && n->kind != NODE_MAP)
		(void)wrong_type(p, n, "a map");
	else if (key && !node_is_null(key) &&
		 (key->kind != NODE_SCALAR || !*key->text ||
		  key->text[strspn(key->text, KEY_CHARACTERS)]))
		wrong_value(p, key, "a debugger's key has only letters, digits, \"_\" and \"-\"")
			->hint = "such as PHPSTORM";
}

/* Extensions are names, or maps with a name. */
static struct node *runtime_check(struct problems *p, const struct node *n, struct node *out)
{
	const struct node *extensions = tree_get(n, "extensions");
	const struct node *disabled = tree_get(n, "disabled_extensions");

	for (const struct node *m = extensions ? list_members(p, extensions) : NULL; m; m = m->next)
		if (m->kind == NODE_MAP && !tree_get(m, "name"))
			(void)problem_add(p, PROBLEM_ERROR, "E0202", m->at,
					  "\"name\" is missing in an extension");
		else if (m->kind != NODE_MAP)
			(void)read_text(p, m);
	for (const struct node *m = disabled ? list_members(p, disabled) : NULL; m; m = m->next)
		(void)read_text(p, m);
	check_debugger(p, tree_get(n, "xdebug"));
	return out;
}

static struct node *stack_check(struct problems *p, const struct node *n, struct node *out)
{
	if (node_is_text(n) || n->kind != NODE_SCALAR)
		return out;
	(void)wrong_type(p, n, "a list of runtimes and packages");
	return NULL;
}

static const struct key worker_command_keys[] = {
	{ "pre_start", KEY_TEXT, .about = "before each start", .otherwise = "null" },
	{ "start", KEY_TEXT, KEY_REQUIRED, .about = "the process, in the foreground" },
	{ "post_start", KEY_TEXT, .about = "after each start", .otherwise = "null" },
	{ NULL, KEY_END },
};
static const struct key worker_keys[] = {
	{ "commands", KEY_MAP, KEY_REQUIRED, .about = "of the worker's process",
	  .keys = worker_command_keys },
	ROWS_OF_INSTANCE,
	{ NULL, KEY_END },
};
static const struct key worker_item = { NULL, KEY_MAP, .keys = worker_keys };

static const struct key start_stop_keys[] = {
	{ "start", KEY_TEXT, KEY_REQUIRED, .about = "the command" },
	{ "stop", KEY_TEXT, .about = "instead of SIGTERM", .otherwise = "null" },
	{ NULL, KEY_END },
};
static const struct key cron_keys[] = {
	{ "spec", KEY_TEXT, KEY_REQUIRED, .about = "minute hour day month weekday; H: some time",
	  .check = spec_check },
	{ "commands", KEY_MAP, .about = "start, stop", .keys = start_stop_keys },
	{ "shutdown_timeout", KEY_NUMBER, .about = "seconds from stop to SIGKILL",
	  .otherwise = "null", .max = 86400 },
	{ "timeout", KEY_NUMBER, .about = "seconds that it may take", .otherwise = "86400",
	  .min = 1, .max = 86400 },
	{ "cmd", KEY_TEXT, KEY_OLD, .about = "of old: commands.start" },
	{ NULL, KEY_END },
};
static const struct key cron_item = { NULL, KEY_MAP, .keys = cron_keys, .either = "commands cmd",
				      .fix = fix_cron };

static const struct key hook_keys[] = {
	{ "build", KEY_TEXT, .about = "while the app's image is made", .otherwise = "null" },
	{ "deploy", KEY_TEXT, .about = "before requests are let in", .otherwise = "null" },
	{ "post_deploy", KEY_TEXT, .about = "after requests are let in", .otherwise = "null" },
	/* Ours, not of the format: left out where it isn't used. */
	{ "clone", KEY_TEXT, .about = "where data was just cloned" },
	{ NULL, KEY_END },
};

static const struct key cache_keys[] = {
	{ "directory", KEY_RAW, .about = "what is kept", .otherwise = "null",
	  .check = folder_check },
	{ "watch", KEY_LIST, KEY_REQUIRED, .about = "files that it depends on",
	  .item = &text_item },
	{ "allow_stale", KEY_FLAG, .about = "an older one is better than none",
	  .otherwise = "false" },
	{ "share_between_apps", KEY_FLAG, .about = "one for all apps", .otherwise = "false" },
	{ NULL, KEY_END },
};
static const struct key cache_item = { NULL, KEY_MAP, .keys = cache_keys };
static const struct key build_keys[] = {
	{ "flavor", KEY_TEXT, .about = "what is done before hooks.build", .otherwise = "null" },
	{ "caches", KEY_NAMES, .about = "folders kept between builds", .otherwise = "{}",
	  .item = &cache_item },
	{ NULL, KEY_END },
};

#define LANGUAGE(name, about_)                                        \
	{                                                             \
		name, KEY_NAMES, .about = (about_), .item = &any_item \
	}
static const struct key dependency_keys[] = {
	LANGUAGE("php", "packages for composer"),
	LANGUAGE("python", "packages for pip2"),
	LANGUAGE("python2", "packages for pip2"),
	LANGUAGE("python3", "packages for pip3"),
	LANGUAGE("ruby", "packages for bundler"),
	LANGUAGE("nodejs", "packages for npm"),
	{ NULL, KEY_END },
};

static const struct key source_operation_keys[] = {
	{ "command", KEY_TEXT, KEY_REQUIRED, .about = "what changes the source" },
	{ NULL, KEY_END },
};
static const struct key source_operation_item = { NULL, KEY_MAP, .keys = source_operation_keys };
static const struct key source_keys[] = {
	{ "root", KEY_RAW, .about = "the app's folder in the project", .otherwise = "null",
	  .check = folder_check },
	{ "operations", KEY_NAMES, .about = "commands on a clone of the source", .otherwise = "{}",
	  .item = &source_operation_item },
	{ NULL, KEY_END },
};

static const char *const roles[] = { "viewer", "contributor", "admin", NULL };
static const struct key operation_keys[] = {
	{ "role", KEY_CHOICE, KEY_IDLE, .about = "who may run it", .otherwise = "contributor",
	  .choices = roles },
	{ "commands", KEY_MAP, KEY_REQUIRED, .about = "start, stop", .keys = start_stop_keys },
	{ "timeout", KEY_NUMBER, .about = "seconds", .otherwise = "null", .min = 1, .max = 86400 },
	{ NULL, KEY_END },
};
static const struct key operation_item = { NULL, KEY_MAP, .keys = operation_keys };

static const struct key preflight_keys[] = {
	{ "enabled", KEY_FLAG, KEY_REQUIRED, .about = "whether the rules are looked at",
	  .otherwise = "true" },
	{ "ignored_rules", KEY_LIST, .about = "those that are not", .otherwise = "[]",
	  .item = &text_item },
	{ NULL, KEY_END },
};

static const struct key app_keys[] = {
	{ "name", KEY_TEXT, KEY_REQUIRED, .about = "identity of the app in the project",
	  .check = name_check },
	{ "type", KEY_RAW, .about = "RUNTIME:VERSION" },
	{ "stack", KEY_OWN, KEY_ALSO_TEXT | KEY_ALSO_LIST | KEY_ALSO_MAP,
	  .about = "runtimes and packages, instead of a type", .check = stack_check },
	ROW_SIZE("AUTO", sizes_of_apps),
	ROW_RESOURCES("null"),
	ROW_PROFILE("null"),
	ROW_DISK("null", 128),
	ROW_RELATIONSHIPS("{}"),
	ROW_MOUNTS("{}"),
	ROW_VARIABLES("{}"),
	ROW_ACCESS("{}"),
	ROW_FIREWALL("null"),
	ROW_TIMEZONE("null"),
	ROW_HOSTS("{}"),
	{ "web", KEY_MAP, .about = "its face to HTTP", .otherwise = "{}", .keys = web_keys,
	  .fix = fix_web, .check = web_check },
	{ "workers", KEY_NAMES, .about = "more containers of the same image", .otherwise = "{}",
	  .item = &worker_item, .name_of = worker_name, .name_pattern = NAME_PATTERN },
	{ "crons", KEY_NAMES, .about = "what runs at times", .otherwise = "{}",
	  .item = &cron_item },
	{ "hooks", KEY_MAP, .about = "scripts of a deploy", .otherwise = "{}", .keys = hook_keys },
	{ "build", KEY_MAP, .about = "how the app's image is made", .otherwise = "{}",
	  .keys = build_keys },
	{ "dependencies", KEY_MAP, .about = "tools that a language's package manager installs",
	  .otherwise = "{}", .keys = dependency_keys },
	{ "runtime", KEY_NAMES, .about = "settings of the language", .otherwise = "{}",
	  .item = &any_item, .check = runtime_check },
	{ "source", KEY_MAP, .about = "where the app's code is", .otherwise = "{}",
	  .keys = source_keys },
	{ "operations", KEY_NAMES, .about = "commands to be run by name", .otherwise = "{}",
	  .item = &operation_item },
	{ "preflight", KEY_MAP, KEY_IDLE, .about = "the vendor's list of known bad versions",
	  .otherwise = "{}", .keys = preflight_keys },
	{ "move_to_root", KEY_FLAG, .about = "of old: the app's root is its document root" },
	{ "toolstack", KEY_TEXT, KEY_OLD, .about = "of old: type and flavor" },
	{ NULL, KEY_END },
};

const struct key format_app = { NULL, KEY_MAP, .keys = app_keys, .either = "type stack toolstack",
				.fix = fix_app };
