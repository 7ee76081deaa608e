/*
 * state_vars.c - variables, and the sealed texts of sensitive ones
 *
 * The name of one that is for an app is APP/PREFIX:NAME there: neither an app's name nor a prefix has a slash.
 */
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "orchestrator/db.h"
#include "orchestrator/state.h"
#include "orchestrator/variables.h"

#define VARIABLE_COLUMNS "owner, name, value, sensitive, json, file, inherit, build, runtime, made"

static const char *key_of(struct arena *arena, const char *app, const char *name)
{
	return *app ? arena_printf(arena, "%s/%s", app, name) : name;
}

static void split_key(struct arena *arena, const char *key, struct var *v)
{
	size_t len = strcspn(key, "/:");

	v->app = key[len] == '/' ? arena_strndup(arena, key, len) : "";
	v->name = key[len] == '/' ? key + len + 1 : key;
}

int state_set_variable(struct state *s, const struct var *v, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };

	return db_finish(s,
			 db_prepare(s, err,
				    "INSERT OR REPLACE INTO variables(" VARIABLE_COLUMNS
				    ") VALUES(?,?,?,?,?,?,?,?,?,?)",
				    "tttiiiiiii", v->owner, key_of(&arena, v->app, v->name),
				    v->value, (int64_t)v->sensitive, (int64_t)v->json,
				    (int64_t)v->file, (int64_t)v->inherit, (int64_t)v->build,
				    (int64_t)v->runtime, v->made),
			 err);
}

int state_remove_variable(struct state *s, const char *owner, const char *app, const char *name,
			  struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };

	return db_finish(s,
			 db_prepare(s, err, "DELETE FROM variables WHERE owner = ? AND name = ?",
				    "tt", owner, key_of(&arena, app, name)),
			 err);
}

int state_list_variables(struct state *s, struct arena *arena, const char *owner, struct var **out,
			 size_t *n, struct error *err)
{
	AUTO(statement)
	struct sqlite3_stmt *stmt = db_prepare(
		s, err, "SELECT " VARIABLE_COLUMNS " FROM variables WHERE owner = ? ORDER BY name",
		"t", owner);
	ARENA_LIST(struct var) list = { 0 };
	int r = -1;

	while (stmt && (r = db_step(s, stmt, err)) == DB_ROW) {
		struct var *v = arena_push(arena, &list);

		*v = (struct var){
			.owner = db_text(arena, stmt, 0),
			.value = db_text(arena, stmt, 2),
			.sensitive = db_number(stmt, 3),
			.json = db_number(stmt, 4),
			.file = db_number(stmt, 5),
			.inherit = db_number(stmt, 6),
			.build = db_number(stmt, 7),
			.runtime = db_number(stmt, 8),
			.made = db_number(stmt, 9),
		};
		split_key(arena, db_text(arena, stmt, 1), v);
	}
	*out = list.items;
	*n = list.n;
	return r;
}

int state_add_secret(struct state *s, const char *project_id, const char *digest,
		     const char *sealed, struct error *err)
{
	return db_finish(s,
			 db_prepare(s, err,
				    "INSERT OR REPLACE INTO secrets(project_id, digest, sealed)"
				    " VALUES(?,?,?)",
				    "ttt", project_id, digest, sealed),
			 err);
}

int state_find_secret(struct state *s, struct arena *arena, const char *project_id,
		      const char *digest, const char **sealed, struct error *err)
{
	AUTO(statement)
	struct sqlite3_stmt *stmt =
		db_prepare(s, err, "SELECT sealed FROM secrets WHERE project_id = ? AND digest = ?",
			   "tt", project_id, digest);
	int r = stmt ? db_step(s, stmt, err) : -1;

	if (r != DB_ROW)
		return r < 0 ? -1 : STATE_ABSENT;
	*sealed = db_text(arena, stmt, 0);
	return 0;
}

int state_drop_secrets(struct state *s, struct error *err)
{
	static const char sql[] =
		"DELETE FROM secrets WHERE digest NOT IN"
		" (SELECT value FROM variables WHERE sensitive) AND NOT EXISTS"
		" (SELECT 1 FROM generations WHERE instr(document, secrets.digest) > 0)";

	return db_finish(s, db_prepare(s, err, sql, ""), err);
}
