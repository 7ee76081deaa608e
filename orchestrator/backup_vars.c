#include "orchestrator/backup_vars.h"

#include <string.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "base/sha256.h"
#include "orchestrator/backup.h"
#include "orchestrator/secrets.h"
#include "orchestrator/session.h"
#include "orchestrator/variables.h"

#define SCOPE_ENVIRONMENT "environment"
#define SCOPE_PROJECT "project"

static int add_secret(struct session *s, struct json_t *secrets, const char *digest,
		      struct error *err)
{
	const char *text =
		secrets_get(&s->arena, &s->host, s->state, s->env.project_id, digest, err);

	if (!text)
		return -1;
	json_put_text(secrets, digest, text);
	return 0;
}

static int add_variables(struct session *s, struct backup *b, const char *scope, const char *owner,
			 struct error *err)
{
	struct var *list;
	size_t n;

	if (state_list_variables(s->state, &s->arena, owner, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct json_t *map = json_add(b->variables, json_new_map());

		json_put_text(map, "scope", scope);
		json_put_text(map, "app", list[i].app);
		json_put_text(map, "name", list[i].name);
		json_put_text(map, "value", list[i].value);
		json_put_flag(map, "sensitive", list[i].sensitive);
		json_put_flag(map, "json", list[i].json);
		json_put_flag(map, "file", list[i].file);
		json_put_flag(map, "inherit", list[i].inherit);
		json_put_flag(map, "build", list[i].build);
		json_put_flag(map, "runtime", list[i].runtime);
		json_put_number(map, "made", list[i].made);
		if (list[i].sensitive && add_secret(s, b->secrets, list[i].value, err) < 0)
			return fail_in(err, "variable %s", list[i].name);
	}
	return 0;
}

int backup_collect_vars(struct session *s, struct backup *b, struct error *err)
{
	const struct json_t *containers = json_get(b->document, "containers");
	const char **names;
	size_t n;

	b->variables = json_new_list();
	b->secrets = json_new_map();
	names = json_keys(&s->arena, containers, &n);
	for (size_t i = 0; i < n; i++) {
		AUTO(json)
		struct json_t *of = secrets_of(&s->host, s->state, s->env.project_id,
					       json_get(containers, names[i]), err);
		const char **digests;
		size_t n_digests;

		if (!of)
			return fail_in(err, "%s", names[i]);
		digests = json_keys(&s->arena, of, &n_digests);
		for (size_t k = 0; k < n_digests; k++)
			json_put_text(b->secrets, digests[k], json_get_text(of, digests[k], ""));
	}
	if (add_variables(s, b, SCOPE_ENVIRONMENT, s->env.id, err) < 0)
		return -1;
	return add_variables(s, b, SCOPE_PROJECT, s->env.project_id, err);
}

static bool is_owned(const struct backup *b, const char *scope, const struct var *v)
{
	for (size_t i = 0; i < json_count(b->variables); i++) {
		const struct json_t *map = json_at(b->variables, i);

		if (!strcmp(json_get_text(map, "scope", ""), scope) &&
		    !strcmp(json_get_text(map, "app", ""), v->app) &&
		    !strcmp(json_get_text(map, "name", ""), v->name))
			return true;
	}
	return false;
}

static bool has(const struct var *list, size_t n, const struct var *v)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i].name, v->name) && !strcmp(list[i].app, v->app))
			return true;
	return false;
}

/* digests: what each secret of the backup is called here. */
static int put_variable(struct session *s, const struct json_t *map, const struct json_t *digests,
			const struct var *had, size_t n_had, struct error *err)
{
	bool project = !strcmp(json_get_text(map, "scope", ""), SCOPE_PROJECT);
	struct var v = {
		.owner = project ? s->env.project_id : s->env.id,
		.app = json_get_text(map, "app", ""),
		.name = json_get_text(map, "name", ""),
		.value = json_get_text(map, "value", ""),
		.sensitive = json_get_flag(map, "sensitive", false),
		.json = json_get_flag(map, "json", false),
		.file = json_get_flag(map, "file", false),
		.inherit = json_get_flag(map, "inherit", false),
		.build = json_get_flag(map, "build", false),
		.runtime = json_get_flag(map, "runtime", false),
		.made = json_get_number(map, "made", 0),
	};

	/* What isn't in the backup is as it is here. */
	if ((project && has(had, n_had, &v)) || json_get_flag(map, "left_out", false))
		return 0;
	if (v.sensitive)
		v.value = json_get_text(digests, v.value, v.value);
	return state_set_variable(s->state, &v, err);
}

static int put_all(struct session *s, const struct backup *b, const struct json_t *digests,
		   struct error *err)
{
	struct var *own, *projects;
	size_t n_own, n_projects;

	if (state_list_variables(s->state, &s->arena, s->env.id, &own, &n_own, err) < 0 ||
	    state_list_variables(s->state, &s->arena, s->env.project_id, &projects, &n_projects,
				 err) < 0)
		return -1;
	for (size_t i = 0; i < n_own; i++)
		if (!is_owned(b, SCOPE_ENVIRONMENT, &own[i]) &&
		    state_remove_variable(s->state, s->env.id, own[i].app, own[i].name, err) < 0)
			return -1;
	for (size_t i = 0; i < json_count(b->variables); i++)
		if (put_variable(s, json_at(b->variables, i), digests, projects, n_projects, err) <
		    0)
			return -1;
	return 0;
}

/* A digest is found nowhere but where one is meant. */
static int rename_digest(struct session *s, struct json_t **document, const char *from,
			 const char *to, struct error *err)
{
	char *text = json_print(&s->arena, *document, FORM_CANONICAL), *at = text;
	struct json_t *changed;

	while ((at = strstr(at, from)))
		memcpy(at, to, SHA256_HEX - 1);
	changed = json_parse("document", text, strlen(text), err);
	if (!changed)
		return -1;
	json_free(*document);
	*document = changed;
	return 0;
}

int backup_put_vars(struct session *s, const struct backup *b, struct json_t **document,
		    struct error *err)
{
	AUTO(json) struct json_t *digests = json_new_map();
	const char **keys;
	size_t n;

	keys = json_keys(&s->arena, b->secrets, &n);
	for (size_t i = 0; i < n; i++) {
		char digest[SHA256_HEX];

		if (secrets_put(&s->host, s->state, s->env.project_id,
				json_get_text(b->secrets, keys[i], ""), digest, err) < 0)
			return -1;
		json_put_text(digests, keys[i], digest);
		if (strcmp(keys[i], digest) != 0 &&
		    rename_digest(s, document, keys[i], digest, err) < 0)
			return -1;
	}
	return put_all(s, b, digests, err);
}
