/*
 * state_events.c - what happened in environments; the newest thousand of each, see the trigger in db.c
 */
#include <time.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "orchestrator/db.h"
#include "orchestrator/state.h"

int state_add_event(struct state *s, const char *id, const char *what, const char *container,
		    const char *detail, uint64_t ms, struct error *err)
{
	/* Those of an environment that was removed meanwhile are nobody's. */
	static const char sql[] =
		"INSERT INTO events(id, number, made_ms, what, container, detail, ms)"
		" SELECT ?1, coalesce((SELECT max(number) FROM events WHERE id = ?1), 0) + 1,"
		" ?2, ?3, ?4, ?5, ?6 WHERE EXISTS (SELECT 1 FROM environments WHERE id = ?1)";
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return db_finish(s,
			 db_prepare(s, err, sql, "tittti", id,
				    (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, what,
				    container, detail, (int64_t)ms),
			 err);
}

int state_list_events(struct state *s, struct arena *arena, const char *id, int64_t after,
		      int64_t last, struct event **out, size_t *n, struct error *err)
{
	static const char sql[] =
		"SELECT number, made_ms, what, container, detail, ms FROM"
		" (SELECT * FROM events WHERE id = ? AND number > ? ORDER BY number DESC LIMIT ?)"
		" ORDER BY number";
	AUTO(statement)
	struct sqlite3_stmt *stmt = db_prepare(s, err, sql, "tii", id, after, last);
	ARENA_LIST(struct event) list = { 0 };
	int r = -1;

	while (stmt && (r = db_step(s, stmt, err)) == DB_ROW)
		*arena_push(arena, &list) = (struct event){
			.number = db_number(stmt, 0),
			.made_ms = db_number(stmt, 1),
			.what = db_text(arena, stmt, 2),
			.container = db_text(arena, stmt, 3),
			.detail = db_text(arena, stmt, 4),
			.ms = db_number(stmt, 5),
		};
	*out = list.items;
	*n = list.n;
	return r;
}
