#include "orchestrator/lower.h"

#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/json.h"
#include "base/text.h"
#include "manifests/recipe.h"
#include "orchestrator/routes.h"

int lower_user(const struct image_description *image, const char *name, uint32_t *uid,
	       uint32_t *gid)
{
	for (size_t i = 0; i < image->n_users; i++) {
		if (strcmp(image->users[i].name, name) != 0)
			continue;
		*uid = image->users[i].uid;
		*gid = image->users[i].gid;
		return 0;
	}
	if (strcmp(name, "root") != 0)
		return -1;
	*uid = *gid = 0;
	return 0;
}

static const struct json_t *self_of(const struct lower_input *in)
{
	return json_path(in->contract.desired, "containers", in->contract.container, NULL);
}

static const struct image_user *user_of(const struct image_description *image, const char *name)
{
	for (size_t i = 0; i < image->n_users; i++)
		if (!strcmp(image->users[i].name, name))
			return &image->users[i];
	return NULL;
}

struct list {
	struct arena *arena;
	ARENA_LIST(const char *) items;
	bool steady, facts; /* leave out what changes without a restart, or all else */
};

static int add_pair(const char *name, struct json_t *value, void *ctx)
{
	struct list *l = ctx;
	bool fact = !strcmp(name, "PLATFORM_TREE_ID") || !strcmp(name, "PLATFORM_APPLICATION") ||
		!strcmp(name, "PLATFORM_DOCUMENT_ROOT");

	if (fact ? l->steady : l->facts)
		return 0;
	*arena_push(l->arena, &l->items) =
		arena_printf(l->arena, "%s=%s", name, json_text(value, ""));
	return 0;
}

const char *const *lower_env(struct arena *arena, const struct image_description *image,
			     const char *user, const struct json_t *more, bool steady)
{
	const struct image_user *u = user_of(image, user);
	struct list l = { .arena = arena, .steady = steady };

	*arena_push(arena, &l.items) = arena_printf(
		arena, "PATH=%s",
		image->path ? image->path
			    : "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin");
	*arena_push(arena, &l.items) = "LANG=C.UTF-8";
	*arena_push(arena, &l.items) = arena_printf(arena, "USER=%s", user);
	*arena_push(arena, &l.items) = arena_printf(arena, "HOME=%s", u && u->home ? u->home : "/");
	*arena_push(arena, &l.items) =
		arena_printf(arena, "SHELL=%s", u && u->shell ? u->shell : "/bin/sh");
	for (size_t i = 0; i < image->environment.n; i++)
		*arena_push(arena, &l.items) = image->environment.items[i];
	(void)json_each(more, add_pair, &l);
	*arena_push(arena, &l.items) = NULL;
	return l.items.items;
}

const char *const *lower_facts(struct arena *arena, const struct json_t *env)
{
	struct list l = { .arena = arena, .facts = true };

	(void)json_each(env, add_pair, &l);
	*arena_push(arena, &l.items) = NULL;
	return l.items.items;
}

const char *const *lower_hook(struct arena *arena, const char *script)
{
	const char **argv = arena_array(arena, 6, sizeof(*argv));

	argv[0] = "/bin/sh";
	argv[1] = "-c";
	argv[2] = LOWER_ENVIRONMENT "eval \"$1\"";
	argv[3] = "sh";
	argv[4] = script;
	return argv;
}

const char *const *lower_command(struct arena *arena, const char *const *argv)
{
	size_t n = 0, given = 0;
	const char **all;

	while (argv[given])
		given++;
	all = arena_array(arena, given + 5, sizeof(*all));
	all[n++] = "/bin/sh";
	all[n++] = "-c";
	all[n++] = LOWER_ENVIRONMENT "exec \"$@\"";
	all[n++] = "sh";
	memcpy(all + n, argv, given * sizeof(*all));
	return all;
}

const char *const *lower_script(struct arena *arena, const char *script)
{
	const char **argv = arena_array(arena, 5, sizeof(*argv));

	argv[0] = "/bin/sh";
	argv[1] = "-c";
	argv[2] = script;
	return argv;
}

const char *const *lower_build_env(struct arena *arena, const struct image_description *image,
				   const struct json_t *vars)
{
	return lower_env(arena, image, image->user, vars, false);
}

/* What the hooks read on their standard input. */
static const char *make_config(struct arena *arena, const struct lower_input *in,
			       const struct json_t *env)
{
	const struct json_t *self = self_of(in);
	AUTO(json) struct json_t *config = json_new_map();

	json_put_text(config, "name", in->contract.container);
	json_put_text(config, "type", json_get_text(self, "type", ""));
	json_put_text(config, "address", json_get_text(self, "address", ""));
	json_put(config, "environment", json_copy_deep(json_get(self, "environment")));
	json_put(config, "limits", json_copy_deep(json_get(self, "limits")));
	json_put_number(config, "disk", json_get_number(self, "disk", 0));
	json_put(config, "configuration",
		 json_get(self, "configuration") ? json_copy_deep(json_get(self, "configuration"))
						 : json_new_map());
	lower_php(in, json_put(config, "app", json_copy_deep(json_get(self, "app"))));
	json_put(config, "relationships", contract_relationships(&in->contract));
	json_put(config, "env", json_copy_deep(env));
	json_put(config, "rules", json_copy_deep(json_get(self, "rules")));
	json_put(config, "upstream", contract_upstream(&in->contract));
	json_put_text(config, "data", in->image->data);
	if (in->image->router)
		json_put(config, "router", routes_config(in->contract.desired));
	return json_print(arena, config, FORM_COMPACT);
}

const char *lower_build_config(struct arena *arena, const struct lower_input *in,
			       const struct json_t *env)
{
	return make_config(arena, in, env);
}

/* No secrets: every program of the container can read it. */
const char *lower_config(struct arena *arena, const struct lower_input *in)
{
	const struct json_t *self = self_of(in), *app = json_get(self, "app");
	const struct json_t *environment = json_get(self, "environment");
	const char *type = json_get_text(environment, "type", "");
	AUTO(json) struct json_t *facts = json_new_map();
	struct json_t *part =
		json_put(json_put(facts, "info", json_new_map()), "limits", json_new_map());

	json_put_number(part, "memory",
			json_number(json_path(self, "limits", "memory", NULL), 0) >> 20);
	json_put(
		part, "cpu",
		json_new_real((double)json_number(json_path(self, "limits", "cpu_milli", NULL), 0) /
			      1000));
	json_put_number(part, "disk", json_get_number(self, "disk", 0));
	json_put_text(facts, "primary_ip", json_get_text(self, "address", ""));
	json_put_text(facts, "name", in->contract.container);
	json_put_text(facts, "service", in->contract.container);
	json_put_text(facts, "hostname", in->contract.container);
	part = json_put(facts, "configuration",
			json_get(self, "configuration")
				? json_copy_deep(json_get(self, "configuration"))
				: json_new_map());
	json_put_text(json_put(part, "project_info", json_new_map()), "name",
		      json_get_text(environment, "project_id", ""));
	part = json_put(part, "environment_info", json_new_map());
	json_put_text(part, "name", json_get_text(environment, "name", ""));
	json_put_text(part, "machine_name", json_get_text(environment, "machine_name", ""));
	json_put_flag(part, "is_production", !strcmp(type, "production"));
	part = json_put(facts, "applications", json_new_list());
	if (app)
		json_put(json_add(part, json_new_map()), "configuration", json_copy_deep(app));
	return json_print(arena, facts, FORM_COMPACT);
}

static void make_names(struct arena *arena, const struct lower_input *in, struct lowered *out)
{
	const struct json_t *self = self_of(in);
	const struct json_t *links = json_get(self, "relationships");
	AUTO(text) struct text hosts = { 0 };
	AUTO(text) struct text resolv = { 0 };
	const char **names;
	char address[16];
	size_t n;

	out->hostname = arena_printf(arena, "%s\n", in->contract.container);
	text_printf(&hosts, "127.0.0.1 localhost\n%s %s\n", json_get_text(self, "address", ""),
		    in->contract.container);
	names = json_keys(arena, links, &n);
	for (size_t i = 0; i < n; i++) {
		const char *to = json_get_text(json_get(links, names[i]), "service", "");
		const struct json_t *target =
			json_path(in->contract.desired, "containers", to, NULL);

		text_printf(&hosts, "%s %s.internal\n", json_get_text(target, "address", ""),
			    names[i]);
	}
	links = json_path(self, "app", "additional_hosts", NULL);
	names = json_keys(arena, links, &n);
	for (size_t i = 0; i < n; i++)
		text_printf(&hosts, "%s %s\n", json_get_text(links, names[i], ""), names[i]);
	for (size_t i = 0; i < in->n_resolvers; i++)
		text_printf(&resolv, "nameserver %s\n", net_print(address, in->resolvers[i]));
	out->hosts = arena_strdup(arena, text_get(&hosts));
	out->resolv = arena_strdup(arena, text_get(&resolv));
}

void lower_container(struct arena *arena, const struct lower_input *in, struct lowered *out)
{
	AUTO(json)
	struct json_t *env =
		in->image->app ? contract_environment(&in->contract, 1) : json_new_map();

	*out = (struct lowered){ .user = in->image->user };
	(void)lower_user(in->image, in->image->user, &out->uid, &out->gid);
	lower_init(arena, in, env, &out->init);
	make_names(arena, in, out);
	lower_secrets(arena, in, out);
	out->config = make_config(arena, in, env);
	out->facts = lower_config(arena, in);
	out->env = lower_env(arena, in->image, in->image->user, env, false);
}

const char *lower_mount_owner(const char *container, const struct json_t *mount)
{
	const char *source = json_get_text(mount, "source", "");
	bool shared = !strcmp(source, "service") || !strcmp(source, "storage");

	return shared ? json_get_text(mount, "service", container) : container;
}

/* Those of the instance are apart, so that none has a local mount's name. */
const char *lower_mount_folder(struct arena *arena, const struct json_t *mount)
{
	bool instance = !strcmp(json_get_text(mount, "source", ""), "instance");

	return arena_printf(arena, "%s%s", instance ? ".instance/" : "",
			    json_get_text(mount, "source_path", ""));
}

void lower_limits(const struct json_t *container, struct cgroup_limits *out)
{
	const struct json_t *limits = json_get(container, "limits");

	*out = (struct cgroup_limits){
		.memory = (uint64_t)json_get_number(limits, "memory", 0),
		.cpu_milli = (uint32_t)json_get_number(limits, "cpu_milli", 0),
		.pids = (uint32_t)json_get_number(limits, "pids", 0),
	};
}
