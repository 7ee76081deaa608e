#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/json.h"
#include "base/text.h"
#include "manifests/parts.h"
#include "manifests/scalar.h"
#include "manifests/schema.h"
#include "manifests/tree.h"

#define LATER(key_, ...)                       \
	{                                      \
		key_, FIELD_LATER, __VA_ARGS__ \
	}

static const char *const sizes[] = { "AUTO", "XS", "S", "M", "L", "XL", "2XL", "4XL", NULL };

static void read_relationships(struct problems *p, const struct node *n, void *out)
{
	struct app *a = out;

	relationships_read(p, n, &a->relationships, &a->n_relationships);
}

/* Without outer slashes; NULL with a problem when it isn't below the root. */
static const char *inner_path(struct problems *p, const char *path, struct place at)
{
	size_t len;

	path += strspn(path, "/");
	len = strlen(path);
	while (len && path[len - 1] == '/')
		len--;
	path = arena_strndup(p->arena, path, len);
	for (const char *s = path; *s;) {
		size_t part = strcspn(s, "/");

		if (!part || (part == 1 && *s == '.') || (part == 2 && !strncmp(s, "..", 2))) {
			(void)problem_add(p, PROBLEM_ERROR, "E0209", at,
					  "\"%s\" must be a path without \".\", \"..\" and \"//\"",
					  path);
			return NULL;
		}
		s += part + (s[part] == '/');
	}
	return path;
}

struct mount_text {
	struct mount *mount;
	bool has_source;
};

static void read_source(struct problems *p, const struct node *n, void *out)
{
	static const char *const words[] = { "local", "tmp", "temporary", NULL };
	static const char *const later[] = { "service", "instance", "storage" };
	struct mount_text *t = out;

	t->has_source = true;
	for (size_t i = 0; i < ARRAY_SIZE(later); i++)
		if (n->kind == NODE_SCALAR && !strcmp(n->text, later[i])) {
			(void)problem_add(p, PROBLEM_ERROR, "E0204", n->at,
					  "mounts with source \"%s\" are not supported yet",
					  later[i]);
			return;
		}
	t->mount->source = read_choice(p, n, words) == 0 ? MOUNT_LOCAL : MOUNT_TMP;
}

static void read_source_path(struct problems *p, const struct node *n, void *out)
{
	struct mount_text *t = out;
	const char *text = n->kind == NODE_SCALAR ? n->text : read_text(p, n);

	if (text)
		t->mount->source_path = inner_path(p, text, n->at);
}

/* Before there were objects: "shared:files/FOLDER", on the app's disk. */
static void read_old_mount(struct problems *p, const struct node *n, struct mount *mount)
{
	static const char prefix[] = "shared:files";
	const char *rest = n->text + strlen(prefix);

	if (!text_starts(n->text, prefix) || (*rest && *rest != '/')) {
		wrong_type(p, n, "a map")->hint = "such as {source: local, source_path: files}";
		return;
	}
	mount->source = MOUNT_LOCAL;
	mount->source_path = inner_path(p, rest, n->at);
}

static void read_mount(struct problems *p, const struct node *n, struct mount *mount)
{
	static const struct field fields[] = {
		{ "source", FIELD_CALL, .call = read_source },
		{ "source_path", FIELD_CALL, .call = read_source_path },
		LATER("service"),
	};
	struct mount_text t = { .mount = mount };

	mount->source_path = mount->path;
	if (n->kind == NODE_SCALAR && !node_is_null(n)) {
		read_old_mount(p, n, mount);
		return;
	}
	if (!fields_read(p, n, fields, ARRAY_SIZE(fields), &t))
		return;
	if (!t.has_source)
		problem_add(p, PROBLEM_ERROR, "E0202", n->key_at, "\"source\" is missing in \"%s\"",
			    n->key)
			->hint = "source: local, or source: tmp";
}

static void read_mounts(struct problems *p, const struct node *n, void *out)
{
	struct app *a = out;

	a->mounts = arena_array(p->arena, n->n + 1, sizeof(*a->mounts));
	for (const struct node *m = map_members(p, n); m; m = m->next) {
		struct mount *mount = &a->mounts[a->n_mounts];
		size_t errors = p->errors;

		if (*m->key == '.' && !strchr("./", m->key[1])) {
			problem_add(p, PROBLEM_WARNING, "W0210", m->key_at,
				    "the mount \"%s\" is ignored, as its name starts with \".\"",
				    m->key)
				->hint = arena_printf(p->arena, "write \"/%s\"", m->key);
			continue;
		}
		*mount =
			(struct mount){ .path = inner_path(p, m->key, m->key_at), .at = m->key_at };
		if (mount->path && !*mount->path)
			(void)problem_add(p, PROBLEM_ERROR, "E0209", m->key_at,
					  "the app's root can't be a mount");
		read_mount(p, m, mount);
		if (p->errors == errors)
			a->n_mounts++;
	}
}

static bool good_variable(struct problems *p, const char *prefix, const struct node *n)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
	bool env = !strcmp(prefix, "env");

	if (*n->key &&
	    (!env ||
	     ((*n->key < '0' || *n->key > '9') && strspn(n->key, letters) == strlen(n->key))))
		return true;
	problem_add(p, PROBLEM_ERROR, "E0207", n->key_at, "\"%s\" can't be the name of a variable",
		    n->key)
		->hint = env ? "letters, digits and \"_\"" : NULL;
	return false;
}

static void read_variables(struct problems *p, const struct node *n, void *out)
{
	struct app *a = out;
	struct json_t *all = json_put(a->document, "variables", json_new_map());
	size_t count = 0;

	for (const struct node *prefix = n->child; prefix; prefix = prefix->next)
		count += prefix->n;
	a->variables = arena_array(p->arena, count + 1, sizeof(*a->variables));
	for (const struct node *prefix = map_members(p, n); prefix; prefix = prefix->next) {
		struct json_t *map;

		if (prefix->kind != NODE_MAP && !node_is_null(prefix)) {
			wrong_type(p, prefix, "a map")->hint =
				"variables have a prefix: env, php or one of your own";
			continue;
		}
		map = json_put(all, prefix->key, json_new_map());
		for (const struct node *m = prefix->child; m; m = m->next) {
			if (!good_variable(p, prefix->key, m))
				continue;
			a->variables[a->n_variables++] = (struct variable){
				.prefix = prefix->key,
				.name = m->key,
				.value = json_put(map, m->key, node_json(m)),
				.at = m->key_at,
			};
		}
	}
}

static void read_hooks(struct problems *p, const struct node *n, void *out)
{
	static const struct field fields[] = {
		{ "build", FIELD_TEXT, .offset = offsetof(struct app, build) },
		{ "deploy", FIELD_TEXT, .offset = offsetof(struct app, deploy) },
		{ "post_deploy", FIELD_TEXT, .offset = offsetof(struct app, post_deploy) },
		{ "clone", FIELD_TEXT, .offset = offsetof(struct app, clone) },
	};

	(void)fields_read(p, n, fields, ARRAY_SIZE(fields), out);
}

static void read_flavor(struct problems *p, const struct node *n, void *out)
{
	const char *flavor = read_text(p, n);

	(void)out;
	if (flavor && strcmp(flavor, "none") != 0)
		problem_add(p, PROBLEM_ERROR, "E0204", n->at,
			    "build flavor \"%s\" is not supported yet", flavor)
			->hint = "flavor: none, and its commands in hooks.build";
}

static void read_build(struct problems *p, const struct node *n, void *out)
{
	static const struct field fields[] = {
		{ "flavor", FIELD_CALL, .call = read_flavor },
		LATER("caches"),
	};

	(void)fields_read(p, n, fields, ARRAY_SIZE(fields), out);
}

static void read_commands(struct problems *p, const struct node *n, void *out)
{
	static const struct field fields[] = {
		{ "pre_start", FIELD_TEXT, .offset = offsetof(struct app, pre_start) },
		{ "start", FIELD_TEXT, .offset = offsetof(struct app, start) },
		{ "post_start", FIELD_TEXT, .offset = offsetof(struct app, post_start) },
	};

	(void)fields_read(p, n, fields, ARRAY_SIZE(fields), out);
}

static void read_locations(struct problems *p, const struct node *n, void *out)
{
	struct app *a = out;

	a->locations = json_put(json_get(a->document, "web"), "locations", locations_read(p, n));
}

struct upstream {
	const char *socket_family, *protocol;
};

static void read_upstream(struct problems *p, const struct node *n, void *out)
{
	static const char *const families[] = { "tcp", "unix", NULL };
	static const char *const protocols[] = { "http", "fastcgi", NULL };
	static const struct field fields[] = {
		{ "socket_family", FIELD_CHOICE, .offset = offsetof(struct upstream, socket_family),
		  .choices = families },
		{ "protocol", FIELD_CHOICE, .offset = offsetof(struct upstream, protocol),
		  .choices = protocols },
	};
	const struct app *a = out;
	struct upstream u = { 0 };
	struct json_t *map;

	(void)fields_read(p, n, fields, ARRAY_SIZE(fields), &u);
	map = json_put(json_get(a->document, "web"), "upstream", json_new_map());
	json_put_text(map, "socket_family", u.socket_family);
	json_put_text(map, "protocol", u.protocol);
}

#define FLAT "write it in web.locations"
#define SPLIT "write it outside of web, for the whole app"

static void read_web(struct problems *p, const struct node *n, void *out)
{
	static const struct field fields[] = {
		{ "commands", FIELD_CALL, .call = read_commands },
		{ "locations", FIELD_CALL, .call = read_locations },
		{ "upstream", FIELD_CALL, .call = read_upstream },
		LATER("document_root", .hint = FLAT),
		LATER("passthru", .hint = FLAT),
		LATER("index_files", .hint = FLAT),
		LATER("whitelist", .hint = FLAT),
		LATER("blacklist", .hint = FLAT),
		LATER("expires", .hint = FLAT),
		LATER("move_to_root"),
		LATER("size", .hint = SPLIT),
		LATER("disk", .hint = SPLIT),
		LATER("mounts", .hint = SPLIT),
		LATER("relationships", .hint = SPLIT),
		LATER("variables", .hint = SPLIT),
		LATER("access"),
		LATER("firewall"),
		LATER("timezone"),
		LATER("resources"),
		LATER("additional_hosts"),
	};

	(void)fields_read(p, n, fields, ARRAY_SIZE(fields), out);
}

#define IN_HOOK "install what is needed in hooks.build"

static const struct field fields[] = {
	{ "name", FIELD_TEXT, .required = true, .offset = offsetof(struct app, name) },
	{ "type", FIELD_RAW, .required = true, .offset = offsetof(struct app, type) },
	{ "size", FIELD_CHOICE, .offset = offsetof(struct app, size), .choices = sizes },
	{ "disk", FIELD_NUMBER, .offset = offsetof(struct app, disk), .min = 128, .max = 16777216 },
	{ "relationships", FIELD_CALL, .call = read_relationships },
	{ "mounts", FIELD_CALL, .call = read_mounts },
	{ "variables", FIELD_CALL, .call = read_variables },
	{ "hooks", FIELD_CALL, .call = read_hooks },
	{ "web", FIELD_CALL, .call = read_web },
	{ "build", FIELD_CALL, .call = read_build },
	LATER("stack"),
	LATER("resources"),
	LATER("container_profile"),
	LATER("workers"),
	LATER("crons"),
	LATER("dependencies", .hint = IN_HOOK),
	LATER("runtime"),
	LATER("access"),
	LATER("firewall"),
	LATER("timezone"),
	LATER("source"),
	LATER("operations"),
	LATER("additional_hosts"),
	LATER("preflight"),
	LATER("move_to_root"),
	LATER("toolstack"),
	LATER("authorizations"),
	LATER("egress"),
	LATER("image"),
};

void app_read(struct problems *p, const struct node *root, struct app *out)
{
	const struct node *name = tree_get(root, "name");

	*out = (struct app){
		.size = "AUTO",
		.root = "",
		.document = json_new_map(),
		.node = root,
		.at = name ? name->at : root->at,
	};
	json_put(out->document, "variables", json_new_map());
	json_put(out->document, "web", json_new_map());
	(void)fields_read(p, root, fields, ARRAY_SIZE(fields), out);
	if (out->name)
		(void)check_name(p, out->name, "an app", out->at);
}
