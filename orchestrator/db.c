#include "orchestrator/db.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "orchestrator/state.h"

struct state {
	sqlite3 *db;
};

/* What each version of the schema adds to the one before it; never changed once released. */
static const char *const migrations[] = {
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
	" STRICT, WITHOUT ROWID;",

	"ALTER TABLE environments ADD COLUMN parent TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE environments ADD COLUMN expires INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE environments ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE environments ADD COLUMN deleting INTEGER NOT NULL DEFAULT 0;",

	"ALTER TABLE environments ADD COLUMN cloned INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE environments ADD COLUMN restoring TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE environments ADD COLUMN fallback TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE generations ADD COLUMN causes TEXT NOT NULL DEFAULT '';",

	"ALTER TABLE environments ADD COLUMN title TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE environments ADD COLUMN branched INTEGER NOT NULL DEFAULT 0;"
	/* owner: of a project's, its id; of an environment's, its machine name. */
	"CREATE TABLE IF NOT EXISTS variables(owner TEXT NOT NULL, name TEXT NOT NULL,"
	" value TEXT NOT NULL, sensitive INTEGER NOT NULL, json INTEGER NOT NULL,"
	" file INTEGER NOT NULL, inherit INTEGER NOT NULL, build INTEGER NOT NULL,"
	" runtime INTEGER NOT NULL, made INTEGER NOT NULL, PRIMARY KEY(owner, name))"
	" STRICT, WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS secrets(project_id TEXT NOT NULL, digest TEXT NOT NULL,"
	" sealed TEXT NOT NULL, PRIMARY KEY(project_id, digest)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS events(id TEXT NOT NULL, number INTEGER NOT NULL,"
	" made_ms INTEGER NOT NULL, what TEXT NOT NULL, container TEXT NOT NULL,"
	" detail TEXT NOT NULL, ms INTEGER NOT NULL, PRIMARY KEY(id, number))"
	" STRICT, WITHOUT ROWID;"
	"CREATE TRIGGER IF NOT EXISTS events_bound AFTER INSERT ON events BEGIN"
	" DELETE FROM events WHERE id = NEW.id AND number <= NEW.number - 1000; END;",

	"ALTER TABLE environments ADD COLUMN idle INTEGER NOT NULL DEFAULT 0;",

	"ALTER TABLE environments ADD COLUMN keep INTEGER NOT NULL DEFAULT 0;",

	("ALTER TABLE environments ADD COLUMN domains TEXT NOT NULL DEFAULT '';"
	 "ALTER TABLE environments ADD COLUMN access TEXT NOT NULL DEFAULT '';"),
};

static int fail_db(const struct state *s, struct error *err)
{
	return fail(err, ERROR_SYSTEM, "state.db: %s", sqlite3_errmsg(s->db));
}

static int run(struct state *s, const char *sql, struct error *err)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail_db(s, err);
}

static int migrate_from(struct state *s, size_t version, struct error *err)
{
	char mark[64];

	for (; version < ARRAY_SIZE(migrations); version++) {
		snprintf(mark, sizeof(mark), "PRAGMA user_version = %zu;", version + 1);
		if (run(s, migrations[version], err) < 0 || run(s, mark, err) < 0)
			return -1;
	}
	return run(s, "COMMIT", err);
}

/* Looked at again inside the transaction: two commands may be the first ones. */
static int migrate(struct state *s, struct error *err)
{
	int64_t version = db_one(s, db_prepare(s, err, "PRAGMA user_version", ""), err);

	if (version < 0)
		return -1;
	if (version > (int64_t)ARRAY_SIZE(migrations))
		return fail(err, ERROR_HOST,
			    "state.db is of a newer orch (version %lld, this one knows %zu)",
			    (long long)version, ARRAY_SIZE(migrations));
	if (version == (int64_t)ARRAY_SIZE(migrations))
		return 0;
	if (run(s, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	version = db_one(s, db_prepare(s, err, "PRAGMA user_version", ""), err);
	if (version < 0 || migrate_from(s, (size_t)version, err) < 0) {
		(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
		return -1;
	}
	return 0;
}

int db_open(const char *path, bool make, struct state **out, struct error *err)
{
	int flags = make ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READWRITE;
	struct state *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	if (sqlite3_open_v2(path, &s->db, flags, NULL) != SQLITE_OK) {
		fail(err, ERROR_SYSTEM, "open %s: %s", path,
		     s->db ? sqlite3_errmsg(s->db) : "no memory");
		goto undo;
	}
	sqlite3_busy_timeout(s->db, 10000);
	if (run(s, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;", err) < 0 ||
	    migrate(s, err) < 0)
		goto undo;
	(void)chmod(path, 0600);
	*out = s;
	return 0;
undo:
	state_close(s);
	return -1;
}

void state_close(struct state *s)
{
	if (!s)
		return;
	sqlite3_close(s->db);
	free(s);
}

sqlite3_stmt *db_prepare(struct state *s, struct error *err, const char *sql, const char *kinds,
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

void db_release(sqlite3_stmt *stmt)
{
	sqlite3_finalize(stmt);
}

int db_step(struct state *s, sqlite3_stmt *stmt, struct error *err)
{
	switch (sqlite3_step(stmt)) {
	case SQLITE_ROW:
		return DB_ROW;
	case SQLITE_DONE:
		return 0;
	default:
		return fail_db(s, err);
	}
}

int db_finish(struct state *s, sqlite3_stmt *stmt, struct error *err)
{
	AUTO(statement) sqlite3_stmt *own = stmt;

	return !own || db_step(s, own, err) < 0 ? -1 : 0;
}

int db_all(struct state *s, const char *const *statements, size_t n, const char *argument,
	   struct error *err)
{
	if (run(s, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const char *sql = statements[i];

		if (db_finish(s, db_prepare(s, err, sql, strchr(sql, '?') ? "t" : "", argument),
			      err) < 0) {
			(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
			return -1;
		}
	}
	return run(s, "COMMIT", err);
}

int64_t db_one(struct state *s, sqlite3_stmt *stmt, struct error *err)
{
	AUTO(statement) sqlite3_stmt *own = stmt;
	int r = own ? db_step(s, own, err) : -1;

	return r < 0 ? -2 : r == DB_ROW ? sqlite3_column_int64(own, 0) : -1;
}

char *db_text(struct arena *arena, sqlite3_stmt *stmt, int i)
{
	const unsigned char *text = sqlite3_column_text(stmt, i);

	return arena_strdup(arena, text ? (const char *)text : "");
}

int64_t db_number(sqlite3_stmt *stmt, int i)
{
	return sqlite3_column_int64(stmt, i);
}
