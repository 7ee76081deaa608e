#include <stddef.h>
#include <string.h>
#include <sys/random.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "orchestrator/db.h"
#include "orchestrator/state.h"

#define FIRST_IDS 0x70000000u
#define LAST_RANGE 4093 /* below 0x7ffe0000, systemd's foreign range */

int state_id_range(struct state *s, const char *id, const char *container, uint32_t *first,
		   struct error *err)
{
	static const char find[] = "SELECT number FROM id_ranges WHERE id = ? AND container = ?";
	/* The lowest free number: 0, or one behind a taken one. */
	static const char take[] = "INSERT INTO id_ranges(number, id, container) SELECT min(n), ?, "
				   "? FROM (SELECT 0 AS n"
				   " UNION ALL SELECT number + 1 FROM id_ranges) WHERE n NOT IN"
				   " (SELECT number FROM id_ranges)";
	int64_t number = db_one(s, db_prepare(s, err, find, "tt", id, container), err);

	if (number == -1) {
		if (db_finish(s, db_prepare(s, err, take, "tt", id, container), err) < 0)
			return -1;
		number = db_one(s, db_prepare(s, err, find, "tt", id, container), err);
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

int state_set_entropy(struct state *s, const char *project_id, const char *entropy,
		      struct error *err)
{
	return db_finish(s,
			 db_prepare(s, err,
				    "INSERT OR IGNORE INTO projects(id, entropy) VALUES(?, ?)",
				    "tt", project_id, entropy),
			 err);
}

int state_entropy(struct state *s, struct arena *arena, const char *project_id, const char **out,
		  struct error *err)
{
	/* RFC 4648, section 6: 32 bytes make 51 digits and one bit. */
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	unsigned char random[52];
	char text[sizeof(random) + sizeof("====")];
	AUTO(statement) struct sqlite3_stmt *stmt = NULL;

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return fail_errno(err, "getrandom");
	for (size_t i = 0; i < sizeof(random); i++)
		text[i] = alphabet[random[i] & 31];
	text[sizeof(random) - 1] = alphabet[random[sizeof(random) - 1] & 16];
	memcpy(text + sizeof(random), "====", sizeof("===="));
	if (state_set_entropy(s, project_id, text, err) < 0)
		return -1;
	stmt = db_prepare(s, err, "SELECT entropy FROM projects WHERE id = ?", "t", project_id);
	if (!stmt || db_step(s, stmt, err) < 0)
		return -1;
	*out = db_text(arena, stmt, 0);
	return 0;
}
