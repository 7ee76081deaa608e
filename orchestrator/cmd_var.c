/*
 * cmd_var.c - var set, get, ls, rm: variables beside the manifest
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "base/table.h"
#include "base/text.h"
#include "orchestrator/commands.h"
#include "orchestrator/request.h"
#include "orchestrator/say.h"
#include "orchestrator/secrets.h"
#include "orchestrator/session.h"
#include "orchestrator/var_value.h"
#include "orchestrator/variables.h"

/* Whose variables are meant. */
struct scope {
	const char *owner, *app, *project_id, *shown;
	bool exists; /* it was deployed once */
};

/* An environment may have variables before it is first deployed: where its project is at hand, its machine name is known. */
static int find_environment(struct session *s, struct error *err)
{
	if (session_environment(s, err) == 0)
		return 0;
	if (err->kind != ERROR_ABSENT || !s->project.folder || !s->env.id)
		return -1;
	return 0;
}

/* What can be part of a container's name; that there is such an app may come with the next deploy. */
static int check_app(struct session *s, const char *app, struct error *err)
{
	AUTO(json) struct json_t *document = NULL;

	if (strspn(app, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(app))
		return fail(err, ERROR_INPUT, "--app %s: no name of an app", app);
	if (!s->exists || !s->env.generation)
		return 0;
	document = session_document(s, 0, err);
	if (!document)
		return -1;
	if (!s->options->quiet &&
	    strcmp(json_get_text(json_path(document, "containers", app, NULL), "kind", ""),
		   "app") != 0)
		fprintf(stderr,
			"no app of what is deployed in %s is called %s: it counts once "
			"there is one\n",
			s->env.name, app);
	return 0;
}

static int find_scope(struct session *s, struct scope *out, struct error *err)
{
	const char *app = s->options->app ? s->options->app : "";

	if (find_environment(s, err) < 0 || (*app && check_app(s, app, err) < 0))
		return -1;
	*out = (struct scope){
		.owner = s->options->for_project ? s->env.project_id : s->env.id,
		.app = app,
		.project_id = s->env.project_id,
		.shown = arena_printf(&s->arena, "%s%s %s",
				      *app ? arena_printf(&s->arena, "app %s of ", app) : "",
				      s->options->for_project ? "project" : "environment",
				      s->options->for_project ? s->env.project : s->env.name),
		.exists = s->options->for_project || s->exists,
	};
	return 0;
}

static int find_own(struct session *s, const struct scope *scope, const char *name, struct var *out,
		    struct error *err)
{
	struct var *list;
	size_t n;

	if (state_list_variables(s->state, &s->arena, scope->owner, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(list[i].name, name) != 0 || strcmp(list[i].app, scope->app) != 0)
			continue;
		*out = list[i];
		return 0;
	}
	return STATE_ABSENT;
}

/* What was said now stands above what was said before: what is sensitive stays so. */
static int apply_flags(const struct options *o, struct var *v, struct error *err)
{
	v->sensitive |= o->sensitive;
	v->json = o->json;
	if (o->inherit || o->no_inherit)
		v->inherit = !o->no_inherit;
	if (o->no_build)
		v->build = false;
	if (o->no_runtime)
		v->runtime = false;
	if (o->as)
		v->file = !strcmp(o->as, "file");
	if (v->file)
		v->build = false;
	if (v->file && (!text_starts(v->name, "env:") || v->json))
		return fail(err, ERROR_INPUT, "--as file is for plain variables of the process: %s",
			    v->name);
	if (!v->build && !v->runtime)
		return fail(err, ERROR_INPUT, "%s would be seen neither by builds nor at run time",
			    v->name);
	return 0;
}

static int set_one(struct session *s, const char *name, const char *value, struct error *err)
{
	struct var v = { .inherit = true, .build = true, .runtime = true };
	char digest[SHA256_HEX];
	struct scope scope;
	struct var old;
	int r;

	if (find_scope(s, &scope, err) < 0)
		return -1;
	r = find_own(s, &scope, name, &old, err);
	if (r < 0)
		return -1;
	if (r == 0)
		v = old;
	v.owner = scope.owner;
	v.app = scope.app;
	v.name = name;
	v.value = value;
	v.made = (int64_t)time(NULL);
	if (apply_flags(s->options, &v, err) < 0)
		return -1;
	if (v.sensitive) {
		if (secrets_put(&s->host, s->state, scope.project_id, value, digest, err) < 0)
			return -1;
		v.value = digest;
	}
	if (state_set_variable(s->state, &v, err) < 0)
		return -1;
	if (!s->options->quiet)
		fprintf(stderr, "%s is set for %s; it counts from the next orch deploy on\n", name,
			scope.shown);
	return 0;
}

/* options are the session's. */
static int var_set(struct session *s, struct options *options, int argc, const char **argv,
		   struct error *err)
{
	AUTO(json) struct json_t *json = NULL;
	const char *name = NULL, *value = "", *at;

	if (variable_name(&s->arena, argv[1], &name, err) < 0 ||
	    var_value_read(&s->arena, options->file, argc == 3 ? argv[2] : NULL, &value, err) < 0)
		return -1;
	if (options->json) {
		json = json_parse(name, value, strlen(value), err);
		if (!json) {
			err->kind = ERROR_INPUT;
			return -1;
		}
	}
	if (!options->environments)
		return set_one(s, name, value, err);
	for (at = options->environments; *at; at += strcspn(at, "\n"), at += *at == '\n') {
		options->environment = arena_strndup(&s->arena, at, strcspn(at, "\n"));
		if (set_one(s, name, value, err) < 0)
			return -1;
	}
	return 0;
}

/* --project: its own only. */
static int load_project(struct session *s, const struct scope *scope, struct var **list, size_t *n,
			struct error *err)
{
	struct variable_level level = { .from = "project" };
	struct var *own;

	if (state_list_variables(s->state, &s->arena, scope->owner, &own, &level.n, err) < 0)
		return -1;
	level.list = own;
	*list = variables_merge(&s->arena, scope->app, &level, 1, n);
	return 0;
}

/* What counts for the app that is named. Without one: `all` there are, or what counts for apps that have none of their own. */
static int load(struct session *s, bool all, struct var **list, size_t *n, struct error *err)
{
	struct scope scope;

	if (find_scope(s, &scope, err) < 0)
		return -1;
	if (all && !*scope.app)
		scope.app = NULL;
	return s->options->for_project ? load_project(s, &scope, list, n, err)
				       : request_variables(s, scope.app, list, n, err);
}

static struct json_t *variable_json(struct arena *arena, const struct var *v, const char *value)
{
	struct json_t *map = json_new_map();

	json_put_text(map, "name", v->name);
	json_put_text(map, "app", *v->app ? v->app : NULL);
	json_put_text(map, "value", value);
	json_put_text(map, "from", v->from);
	json_put_flag(map, "sensitive", v->sensitive);
	json_put_flag(map, "is_json", v->json);
	json_put_flag(map, "inherit", v->inherit);
	json_put_flag(map, "build", v->build);
	json_put_flag(map, "runtime", v->runtime);
	json_put_text(map, "as", v->file ? "file" : "variable");
	json_put_text(map, "set", say_when(arena, v->made, true));
	return map;
}

static int var_ls(struct session *s, struct error *err)
{
	AUTO(json) struct json_t *all = json_new_list();
	AUTO(table) struct table table = { 0 };
	struct var *list;
	size_t n;

	if (load(s, true, &list, &n, err) < 0)
		return -1;
	table_row(&table, "NAME", "APP", "FROM", "SEEN BY", "INHERITED", "SET", "VALUE", NULL);
	for (size_t i = 0; i < n; i++) {
		const struct var *v = &list[i];
		const char *short_name = text_starts(v->name, "env:") ? v->name + 4 : v->name;

		json_add(all, variable_json(&s->arena, v, v->sensitive ? NULL : v->value));
		table_row(&table, short_name, *v->app ? v->app : "all", v->from,
			  v->build && v->runtime ? "builds, app"
				  : v->build	 ? "builds"
						 : "app",
			  v->inherit ? "yes" : "no", say_when(&s->arena, v->made, false),
			  v->sensitive ? (v->file ? "(sensitive, in a file)" : "(sensitive)")
				       : v->value,
			  NULL);
	}
	if (s->options->json)
		session_print("orch.var/1", "variables", TAKE_PTR(all));
	else
		table_print(&table, stdout);
	return 0;
}

static int var_get(struct session *s, const char **argv, struct error *err)
{
	const struct var *found = NULL;
	struct var *list;
	const char *name, *value;
	size_t n;

	if (variable_name(&s->arena, argv[1], &name, err) < 0 || load(s, false, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i].name, name))
			found = &list[i];
	if (!found)
		return fail(err, ERROR_ABSENT, "no variable %s; see them: orch var ls", name);
	value = found->value;
	if (found->sensitive && !s->options->reveal) {
		if (!s->options->json)
			return fail(err, ERROR_PERMISSION,
				    "%s is sensitive; to see it, as root: orch var get %s --reveal",
				    name, argv[1]);
		value = NULL;
	} else if (found->sensitive) {
		if (host_need_root("--reveal", err) < 0)
			return -1;
		value = secrets_get(&s->arena, &s->host, s->state, s->env.project_id, found->value,
				    err);
		if (!value)
			return -1;
	}
	if (s->options->json)
		session_print("orch.var/1", "variable", variable_json(&s->arena, found, value));
	else
		printf("%s\n", value);
	return 0;
}

static int var_rm(struct session *s, const char **argv, struct error *err)
{
	struct var old;
	struct scope scope;
	const char *name;
	int r;

	if (variable_name(&s->arena, argv[1], &name, err) < 0 || find_scope(s, &scope, err) < 0)
		return -1;
	r = find_own(s, &scope, name, &old, err);
	if (r < 0)
		return -1;
	if (r == STATE_ABSENT)
		return fail(err, ERROR_ABSENT,
			    "%s has no variable %s of its own; see them: orch var ls", scope.shown,
			    name);
	if (state_remove_variable(s->state, scope.owner, scope.app, name, err) < 0 ||
	    state_drop_secrets(s->state, err) < 0)
		return -1;
	if (!s->options->quiet)
		fprintf(stderr, "%s is removed from %s; it counts from the next orch deploy on\n",
			name, scope.shown);
	return 0;
}

int cmd_var(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	struct options options = *(const struct options *)ctx;
	const char *verb = argv[0];
	bool changes = !strcmp(verb, "set") || !strcmp(verb, "rm");
	int want = !strcmp(verb, "ls") ? 1 : 2;

	if (!changes && strcmp(verb, "get") != 0 && strcmp(verb, "ls") != 0)
		return fail(err, ERROR_INPUT, "orch var set, get, ls or rm: there is no \"%s\"",
			    verb);
	if (argc < want || argc > (strcmp(verb, "set") ? want : 3))
		return fail(err, ERROR_INPUT, "usage: orch var %s; see orch var --help",
			    !strcmp(verb, "set")	   ? "set NAME VALUE"
				    : !strcmp(verb, "ls")  ? "ls"
				    : !strcmp(verb, "get") ? "get NAME"
							   : "rm NAME");
	if (session_open(&s, &options, err) < 0)
		return -1;
	if (changes && session_need_state(&s, "var", err) < 0)
		return -1;
	if (!s.state)
		return fail(err, ERROR_ABSENT, "nothing was set or deployed here yet");
	if (!strcmp(verb, "set"))
		return var_set(&s, &options, argc, argv, err);
	if (!strcmp(verb, "rm"))
		return var_rm(&s, argv, err);
	return !strcmp(verb, "ls") ? var_ls(&s, err) : var_get(&s, argv, err);
}
