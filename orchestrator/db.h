/*
 * db.h - state.db as state*.c use it: the only user of SQLite
 *
 * WAL mode with synchronous=NORMAL: after a power cut the last transactions may be gone, but never half of one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct error;
struct sqlite3_stmt;
struct state;

/* The file, made and brought up to this version's schema. A newer version's is refused. */
int db_open(const char *path, bool make, struct state **out, struct error *err);

/* Bind as prepared: each letter of kinds names an argument, 't' const char * and 'i' int64_t. NULL on failure. */
struct sqlite3_stmt *db_prepare(struct state *s, struct error *err, const char *sql,
				const char *kinds, ...);
void db_release(struct sqlite3_stmt *stmt);
static inline void auto_statement(struct sqlite3_stmt **stmt)
{
	db_release(*stmt);
}

#define DB_ROW 1
/* DB_ROW, or 0 when there are no more. */
int db_step(struct state *s, struct sqlite3_stmt *stmt, struct error *err);
/* Run one without rows, and release it. NULL is the failure that db_prepare reported. */
int db_finish(struct state *s, struct sqlite3_stmt *stmt, struct error *err);
/* Several as one transaction; each may have one '?', which is argument. */
int db_all(struct state *s, const char *const *statements, size_t n, const char *argument,
	   struct error *err);
/* The one number that it gives; -1 when it gives none, -2 on failure. Releases it. */
int64_t db_one(struct state *s, struct sqlite3_stmt *stmt, struct error *err);

/* Columns of the row. NULL is "". */
char *db_text(struct arena *arena, struct sqlite3_stmt *stmt, int i);
int64_t db_number(struct sqlite3_stmt *stmt, int i);
