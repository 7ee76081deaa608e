#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "orchestrator/db.h"
#include "orchestrator/state.h"

int state_add_generation(struct state *s, const char *id, const struct generation *g,
			 struct error *err)
{
	return db_finish(
		s,
		db_prepare(
			s, err,
			"INSERT OR REPLACE INTO generations(id, number, made, commit_id, subject,"
			" result, summary, causes, document) VALUES(?,?,?,?,?,?,?,?,?)",
			"tiitttttt", id, g->number, g->made, g->commit, g->subject, g->result,
			g->summary, g->causes ? g->causes : "", g->document),
		err);
}

#define GENERATION_COLUMNS "number, made, commit_id, subject, result, summary, causes"

static void read_generation(struct arena *arena, struct sqlite3_stmt *stmt, struct generation *g)
{
	g->number = db_number(stmt, 0);
	g->made = db_number(stmt, 1);
	g->commit = db_text(arena, stmt, 2);
	g->subject = db_text(arena, stmt, 3);
	g->result = db_text(arena, stmt, 4);
	g->summary = db_text(arena, stmt, 5);
	g->causes = db_text(arena, stmt, 6);
}

int state_find_generation(struct state *s, struct arena *arena, const char *id, int64_t number,
			  struct generation *out, struct error *err)
{
	AUTO(statement)
	struct sqlite3_stmt *stmt =
		db_prepare(s, err,
			   "SELECT " GENERATION_COLUMNS ", document FROM generations"
			   " WHERE id = ? AND number = ?",
			   "ti", id, number);
	int r = stmt ? db_step(s, stmt, err) : -1;

	if (r != DB_ROW)
		return r < 0 ? -1 : STATE_ABSENT;
	read_generation(arena, stmt, out);
	out->document = db_text(arena, stmt, 7);
	return 0;
}

int state_set_result(struct state *s, const char *id, int64_t number, const char *result,
		     struct error *err)
{
	return db_finish(s,
			 db_prepare(s, err,
				    "UPDATE generations SET result = ? WHERE id = ? AND number = ?",
				    "tti", result, id, number),
			 err);
}

int state_list_generations(struct state *s, struct arena *arena, const char *id,
			   struct generation **out, size_t *n, struct error *err)
{
	AUTO(statement)
	struct sqlite3_stmt *stmt =
		db_prepare(s, err,
			   "SELECT " GENERATION_COLUMNS " FROM generations WHERE id = ?"
			   " ORDER BY number DESC",
			   "t", id);
	ARENA_LIST(struct generation) list = { 0 };
	int r = -1;

	while (stmt && (r = db_step(s, stmt, err)) == DB_ROW)
		read_generation(arena, stmt, arena_push(arena, &list));
	*out = list.items;
	*n = list.n;
	return r;
}

int64_t state_count_uses(struct state *s, const char *digest, struct error *err)
{
	return db_one(s,
		      db_prepare(s, err,
				 "SELECT count(*) FROM generations WHERE instr(document, ?) > 0",
				 "t", digest),
		      err);
}
