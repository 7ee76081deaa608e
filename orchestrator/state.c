#include "orchestrator/state.h"

#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "orchestrator/db.h"
#include "orchestrator/host.h"

int state_open(const struct host *h, bool read_only, struct state **out, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *path = arena_printf(&arena, "%s/state.db", h->state);

	if (read_only && !file_exists(path))
		return STATE_ABSENT;
	return db_open(path, !read_only, out, err);
}

#define COLUMNS                                                                          \
	"id, project, project_id, folder, name, type, wanted, generation, good, uplink," \
	" publish_address, publish_port, made, parent, expires, paused, deleting,"       \
	" cloned, restoring, fallback, title, branched, idle, keep, domains, access"

static void read_environment(struct arena *arena, struct sqlite3_stmt *stmt, struct environment *e)
{
	*e = (struct environment){
		.id = db_text(arena, stmt, 0),
		.project = db_text(arena, stmt, 1),
		.project_id = db_text(arena, stmt, 2),
		.folder = db_text(arena, stmt, 3),
		.name = db_text(arena, stmt, 4),
		.type = db_text(arena, stmt, 5),
		.wanted = db_number(stmt, 6),
		.generation = db_number(stmt, 7),
		.good = db_number(stmt, 8),
		.uplink = (uint32_t)db_number(stmt, 9),
		.publish_address = db_text(arena, stmt, 10),
		.publish_port = (uint16_t)db_number(stmt, 11),
		.made = db_number(stmt, 12),
		.parent = db_text(arena, stmt, 13),
		.expires = db_number(stmt, 14),
		.paused = db_number(stmt, 15),
		.deleting = db_number(stmt, 16),
		.cloned = db_number(stmt, 17),
		.restoring = db_text(arena, stmt, 18),
		.fallback = db_text(arena, stmt, 19),
		.title = db_text(arena, stmt, 20),
		.branched = db_number(stmt, 21),
		.idle = db_number(stmt, 22),
		.keep = db_number(stmt, 23),
		.domains = db_text(arena, stmt, 24),
		.access = db_text(arena, stmt, 25),
	};
}

int state_find(struct state *s, struct arena *arena, const char *id, struct environment *out,
	       struct error *err)
{
	AUTO(statement)
	struct sqlite3_stmt *stmt =
		db_prepare(s, err, "SELECT " COLUMNS " FROM environments WHERE id = ?", "t", id);
	int r = stmt ? db_step(s, stmt, err) : -1;

	if (r != DB_ROW)
		return r < 0 ? -1 : STATE_ABSENT;
	read_environment(arena, stmt, out);
	return 0;
}

int state_list(struct state *s, struct arena *arena, struct environment **out, size_t *n,
	       struct error *err)
{
	AUTO(statement)
	struct sqlite3_stmt *stmt = db_prepare(
		s, err, "SELECT " COLUMNS " FROM environments ORDER BY project, name", "");
	ARENA_LIST(struct environment) list = { 0 };
	int r = -1;

	while (stmt && (r = db_step(s, stmt, err)) == DB_ROW)
		read_environment(arena, stmt, arena_push(arena, &list));
	*out = list.items;
	*n = list.n;
	return r;
}

int state_save(struct state *s, const struct environment *e, struct error *err)
{
	return db_finish(s,
			 db_prepare(s, err,
				    "INSERT OR REPLACE INTO environments(" COLUMNS
				    ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
				    "ttttttiiiitiitiiiitttiiitt", e->id, e->project, e->project_id,
				    e->folder, e->name, e->type, (int64_t)e->wanted, e->generation,
				    e->good, (int64_t)e->uplink, e->publish_address,
				    (int64_t)e->publish_port, e->made, e->parent ? e->parent : "",
				    e->expires, (int64_t)e->paused, (int64_t)e->deleting,
				    (int64_t)e->cloned, e->restoring ? e->restoring : "",
				    e->fallback ? e->fallback : "", e->title ? e->title : "",
				    (int64_t)e->branched, e->idle, e->keep,
				    e->domains ? e->domains : "", e->access ? e->access : ""),
			 err);
}

int state_set_data(struct state *s, const char *id, bool cloned, const char *restoring,
		   const char *fallback, struct error *err)
{
	return db_finish(
		s,
		db_prepare(s, err,
			   "UPDATE environments SET cloned = ?, restoring = ?, fallback = ?"
			   " WHERE id = ?",
			   "ittt", (int64_t)cloned, restoring, fallback, id),
		err);
}

int state_set_uplink(struct state *s, const char *id, uint32_t uplink, struct error *err)
{
	return db_finish(s,
			 db_prepare(s, err, "UPDATE environments SET uplink = ? WHERE id = ?", "it",
				    (int64_t)uplink, id),
			 err);
}

int state_set_paused(struct state *s, const char *id, bool paused, struct error *err)
{
	return db_finish(s,
			 db_prepare(s, err, "UPDATE environments SET paused = ? WHERE id = ?", "it",
				    (int64_t)paused, id),
			 err);
}

int state_set_expires(struct state *s, const char *id, int64_t expires, struct error *err)
{
	return db_finish(s,
			 db_prepare(s, err, "UPDATE environments SET expires = ? WHERE id = ?",
				    "it", expires, id),
			 err);
}

int64_t state_count_expired(struct state *s, int64_t now, struct error *err)
{
	return db_one(s,
		      db_prepare(s, err,
				 "SELECT count(*) FROM environments WHERE expires > 0 AND"
				 " expires <= ? AND type <> 'production'",
				 "i", now),
		      err);
}

int state_remove(struct state *s, const char *id, struct error *err)
{
	/* Its children are its parent's from now on. */
	static const char adopt[] = "UPDATE environments SET parent = (SELECT parent FROM "
				    "environments WHERE id = ?1) WHERE parent = ?1";
	static const char *const statements[] = {
		adopt,
		"DELETE FROM generations WHERE id = ?",
		"DELETE FROM variables WHERE owner = ?",
		"DELETE FROM events WHERE id = ?",
		"DELETE FROM id_ranges WHERE id = ?",
		"DELETE FROM environments WHERE id = ?",
	};

	return db_all(s, statements, ARRAY_SIZE(statements), id, err);
}

int state_orphans(struct state *s, struct arena *arena, const char ***ids, size_t *n,
		  struct error *err)
{
	AUTO(statement)
	struct sqlite3_stmt *stmt = db_prepare(
		s, err,
		"SELECT id FROM generations UNION SELECT id FROM id_ranges EXCEPT SELECT id FROM"
		" environments ORDER BY id",
		"");
	ARENA_LIST(const char *) list = { 0 };
	int r = -1;

	while (stmt && (r = db_step(s, stmt, err)) == DB_ROW)
		*arena_push(arena, &list) = db_text(arena, stmt, 0);
	*ids = list.items;
	*n = list.n;
	return r;
}

bool environment_is_production(const struct environment *e)
{
	return !strcmp(e->type, "production");
}

const char *environment_status(const struct environment *e)
{
	if (e->deleting)
		return "deleting";
	if (!e->generation || !e->wanted)
		return "inactive";
	if (e->paused)
		return "paused";
	return e->good == e->generation ? "active" : "dirty";
}
