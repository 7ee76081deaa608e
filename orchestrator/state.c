#include "orchestrator/state.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "orchestrator/host.h"

#define FIRST_IDS 0x70000000u
#define LAST_RANGE 4093 /* below 0x7ffe0000, systemd's foreign range */

struct state {
	sqlite3 *db;
};

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS environments(id TEXT PRIMARY KEY, project TEXT NOT NULL,"
	" project_id TEXT NOT NULL, folder TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL,"
	" wanted INTEGER NOT NULL, generation INTEGER NOT NULL, good INTEGER NOT NULL,"
	" uplink INTEGER NOT NULL, publish_address TEXT NOT NULL, publish_port INTEGER NOT NULL,"
	" made INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS generations(id TEXT NOT NULL, number INTEGER NOT NULL,"
	" made INTEGER NOT NULL, commit_id TEXT NOT NULL, subject TEXT NOT NULL,"
	" result TEXT NOT NULL, summary TEXT NOT NULL, document TEXT NOT NULL,"
	" PRIMARY KEY(id, number)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS id_ranges(number INTEGER PRIMARY KEY, id TEXT NOT NULL,"
	" container TEXT NOT NULL, UNIQUE(id, container)) STRICT;"
	"CREATE TABLE IF NOT EXISTS projects(id TEXT PRIMARY KEY, entropy TEXT NOT NULL)"
	" STRICT, WITHOUT ROWID;"
	"PRAGMA user_version = 1;";

static void auto_statement(sqlite3_stmt **stmt)
{
	sqlite3_finalize(*stmt);
}

static int fail_db(const struct state *s, struct error *err)
{
	return fail(err, ERROR_SYSTEM, "state.db: %s", sqlite3_errmsg(s->db));
}

static int open_db(struct state *s, const char *path, bool read_only, struct error *err)
{
	int flags = read_only ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;

	if (sqlite3_open_v2(path, &s->db, flags, NULL) != SQLITE_OK)
		return fail(err, ERROR_SYSTEM, "open %s: %s", path,
			    s->db ? sqlite3_errmsg(s->db) : "no memory");
	sqlite3_busy_timeout(s->db, 10000);
	if (sqlite3_exec(s->db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;", NULL, NULL,
			 NULL) != SQLITE_OK ||
	    sqlite3_exec(s->db, schema, NULL, NULL, NULL) != SQLITE_OK)
		return fail_db(s, err);
	(void)chmod(path, 0600);
	return 0;
}

int state_open(const struct host *h, bool read_only, struct state **out, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *path = arena_printf(&arena, "%s/state.db", h->state);
	struct state *s;

	if (read_only && !file_exists(path))
		return STATE_ABSENT;
	s = calloc(1, sizeof(*s));
	if (!s)
		abort();
	if (open_db(s, path, read_only, err) < 0) {
		state_close(s);
		return -1;
	}
	*out = s;
	return 0;
}

void state_close(struct state *s)
{
	if (!s)
		return;
	sqlite3_close(s->db);
	free(s);
}

/*
 * Prepare and bind: each letter of kinds names an argument: 't' const char *, 'i' int64_t.
 */
static sqlite3_stmt *prepare(struct state *s, struct error *err, const char *sql, const char *kinds,
			     ...)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL);
	va_list ap;

	va_start(ap, kinds);
	for (int i = 1; rc == SQLITE_OK && kinds[i - 1]; i++) {
		if (kinds[i - 1] == 't')
			rc = sqlite3_bind_text(stmt, i, va_arg(ap, const char *), -1,
					       SQLITE_TRANSIENT);
		else
			rc = sqlite3_bind_int64(stmt, i, va_arg(ap, int64_t));
	}
	va_end(ap);
	if (rc == SQLITE_OK)
		return stmt;
	fail_db(s, err);
	sqlite3_finalize(stmt);
	return NULL;
}

/* A statement without rows. */
static int finish(struct state *s, sqlite3_stmt *stmt, struct error *err)
{
	int rc;

	if (!stmt)
		return -1;
	rc = sqlite3_step(stmt);
	if (rc != SQLITE_DONE && rc != SQLITE_ROW)
		fail_db(s, err);
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? 0 : -1;
}

static char *column(struct arena *arena, sqlite3_stmt *stmt, int i)
{
	const unsigned char *text = sqlite3_column_text(stmt, i);

	return arena_strdup(arena, text ? (const char *)text : "");
}

#define ENVIRONMENT_COLUMNS                                                              \
	"id, project, project_id, folder, name, type, wanted, generation, good, uplink," \
	" publish_address, publish_port, made"

static void read_environment(struct arena *arena, sqlite3_stmt *stmt, struct environment *e)
{
	e->id = column(arena, stmt, 0);
	e->project = column(arena, stmt, 1);
	e->project_id = column(arena, stmt, 2);
	e->folder = column(arena, stmt, 3);
	e->name = column(arena, stmt, 4);
	e->type = column(arena, stmt, 5);
	e->wanted = sqlite3_column_int(stmt, 6);
	e->generation = sqlite3_column_int64(stmt, 7);
	e->good = sqlite3_column_int64(stmt, 8);
	e->uplink = (uint32_t)sqlite3_column_int64(stmt, 9);
	e->publish_address = column(arena, stmt, 10);
	e->publish_port = (uint16_t)sqlite3_column_int(stmt, 11);
	e->made = sqlite3_column_int64(stmt, 12);
}

int state_find(struct state *s, struct arena *arena, const char *id, struct environment *out,
	       struct error *err)
{
	AUTO(statement)
	sqlite3_stmt *stmt = prepare(
		s, err, "SELECT " ENVIRONMENT_COLUMNS " FROM environments WHERE id = ?", "t", id);

	if (!stmt)
		return -1;
	switch (sqlite3_step(stmt)) {
	case SQLITE_ROW:
		read_environment(arena, stmt, out);
		return 0;
	case SQLITE_DONE:
		return STATE_ABSENT;
	default:
		return fail_db(s, err);
	}
}

int state_list(struct state *s, struct arena *arena, struct environment **out, size_t *n,
	       struct error *err)
{
	AUTO(statement)
	sqlite3_stmt *stmt = prepare(
		s, err, "SELECT " ENVIRONMENT_COLUMNS " FROM environments ORDER BY project, name",
		"");
	ARENA_LIST(struct environment) list = { 0 };
	int rc;

	if (!stmt)
		return -1;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
		read_environment(arena, stmt, arena_push(arena, &list));
	if (rc != SQLITE_DONE)
		return fail_db(s, err);
	*out = list.items;
	*n = list.n;
	return 0;
}

int state_save(struct state *s, const struct environment *e, struct error *err)
{
	return finish(s,
		      prepare(s, err,
			      "INSERT OR REPLACE INTO environments(" ENVIRONMENT_COLUMNS
			      ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)",
			      "ttttttiiiitii", e->id, e->project, e->project_id, e->folder, e->name,
			      e->type, (int64_t)e->wanted, e->generation, e->good,
			      (int64_t)e->uplink, e->publish_address, (int64_t)e->publish_port,
			      e->made),
		      err);
}

int state_remove(struct state *s, const char *id, struct error *err)
{
	static const char *const statements[] = {
		"BEGIN IMMEDIATE",
		"DELETE FROM generations WHERE id = ?",
		"DELETE FROM id_ranges WHERE id = ?",
		"DELETE FROM environments WHERE id = ?",
		"COMMIT",
	};

	for (size_t i = 0; i < ARRAY_SIZE(statements); i++) {
		const char *sql = statements[i];

		if (finish(s, prepare(s, err, sql, strchr(sql, '?') ? "t" : "", id), err) < 0) {
			(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
			return -1;
		}
	}
	return 0;
}

int state_add_generation(struct state *s, const char *id, const struct generation *g,
			 struct error *err)
{
	return finish(
		s,
		prepare(s, err,
			"INSERT OR REPLACE INTO generations(id, number, made, commit_id, subject,"
			" result, summary, document) VALUES(?,?,?,?,?,?,?,?)",
			"tiittttt", id, g->number, g->made, g->commit, g->subject, g->result,
			g->summary, g->document),
		err);
}

#define GENERATION_COLUMNS "number, made, commit_id, subject, result, summary"

static void read_generation(struct arena *arena, sqlite3_stmt *stmt, struct generation *g)
{
	g->number = sqlite3_column_int64(stmt, 0);
	g->made = sqlite3_column_int64(stmt, 1);
	g->commit = column(arena, stmt, 2);
	g->subject = column(arena, stmt, 3);
	g->result = column(arena, stmt, 4);
	g->summary = column(arena, stmt, 5);
}

int state_find_generation(struct state *s, struct arena *arena, const char *id, int64_t number,
			  struct generation *out, struct error *err)
{
	AUTO(statement)
	sqlite3_stmt *stmt = prepare(s, err,
				     "SELECT " GENERATION_COLUMNS ", document FROM generations"
				     " WHERE id = ? AND number = ?",
				     "ti", id, number);

	if (!stmt)
		return -1;
	switch (sqlite3_step(stmt)) {
	case SQLITE_ROW:
		read_generation(arena, stmt, out);
		out->document = column(arena, stmt, 6);
		return 0;
	case SQLITE_DONE:
		return STATE_ABSENT;
	default:
		return fail_db(s, err);
	}
}

int state_set_result(struct state *s, const char *id, int64_t number, const char *result,
		     struct error *err)
{
	return finish(s,
		      prepare(s, err,
			      "UPDATE generations SET result = ? WHERE id = ? AND number = ?",
			      "tti", result, id, number),
		      err);
}

int state_list_generations(struct state *s, struct arena *arena, const char *id,
			   struct generation **out, size_t *n, struct error *err)
{
	AUTO(statement)
	sqlite3_stmt *stmt = prepare(s, err,
				     "SELECT " GENERATION_COLUMNS " FROM generations WHERE id = ?"
				     " ORDER BY number DESC",
				     "t", id);
	ARENA_LIST(struct generation) list = { 0 };
	int rc;

	if (!stmt)
		return -1;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
		read_generation(arena, stmt, arena_push(arena, &list));
	if (rc != SQLITE_DONE)
		return fail_db(s, err);
	*out = list.items;
	*n = list.n;
	return 0;
}

/* The one number that a query gives, or -1 when it gives none. */
static int64_t one_number(struct state *s, struct error *err, sqlite3_stmt *taken)
{
	AUTO(statement) sqlite3_stmt *stmt = taken;

	if (!stmt)
		return -2;
	switch (sqlite3_step(stmt)) {
	case SQLITE_ROW:
		return sqlite3_column_int64(stmt, 0);
	case SQLITE_DONE:
		return -1;
	default:
		fail_db(s, err);
		return -2;
	}
}

int state_id_range(struct state *s, const char *id, const char *container, uint32_t *first,
		   struct error *err)
{
	static const char find[] = "SELECT number FROM id_ranges WHERE id = ? AND container = ?";
	/* The lowest free number: 0, or one behind a taken one. */
	static const char take[] = "INSERT INTO id_ranges(number, id, container) SELECT min(n), ?, "
				   "? FROM (SELECT 0 AS n"
				   " UNION ALL SELECT number + 1 FROM id_ranges) WHERE n NOT IN"
				   " (SELECT number FROM id_ranges)";
	int64_t number = one_number(s, err, prepare(s, err, find, "tt", id, container));

	if (number == -1) {
		if (finish(s, prepare(s, err, take, "tt", id, container), err) < 0)
			return -1;
		number = one_number(s, err, prepare(s, err, find, "tt", id, container));
	}
	if (number < 0)
		return -1;
	if (number > LAST_RANGE)
		return fail(err, ERROR_HOST,
			    "all %d ranges of user ids are taken: destroy an environment",
			    LAST_RANGE + 1);
	*first = FIRST_IDS + (uint32_t)number * 65536u;
	return 0;
}

int state_entropy(struct state *s, struct arena *arena, const char *project_id, const char **out,
		  struct error *err)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
	unsigned char random[52];
	char text[sizeof(random) + 1];
	AUTO(statement) sqlite3_stmt *stmt = NULL;

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return fail_errno(err, "getrandom");
	for (size_t i = 0; i < sizeof(random); i++)
		text[i] = alphabet[random[i] & 31];
	text[sizeof(random)] = '\0';
	if (finish(s,
		   prepare(s, err, "INSERT OR IGNORE INTO projects(id, entropy) VALUES(?, ?)", "tt",
			   project_id, text),
		   err) < 0)
		return -1;
	stmt = prepare(s, err, "SELECT entropy FROM projects WHERE id = ?", "t", project_id);
	if (!stmt)
		return -1;
	if (sqlite3_step(stmt) != SQLITE_ROW)
		return fail_db(s, err);
	*out = column(arena, stmt, 0);
	return 0;
}
