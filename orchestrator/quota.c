#include "orchestrator/quota.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "orchestrator/container_log.h"
#include "orchestrator/host.h"
#include "orchestrator/record.h"
#include "runtime/pool.h"
#include "runtime/volume.h"

#define MB 1000000 /* of "disk" in manifests */
#define SOON_MS 1000
#define LATER_MS 5000
#define EFFORT 20		      /* at most one part in so many of the time */
#define ROOM_LOW (UINT64_C(16) << 20) /* of the pool: what a database asks for at once */

enum level { LEVEL_FINE, LEVEL_NEAR, LEVEL_FULL };

struct looking {
	struct arena arena;
	const struct host *h;
	const char *environment;
	struct pool_space space;
	struct json_t *before, *now; /* as in quota.json; owned */
	bool soon;
};

/* Of the processor, not of the clock: on a busy disk looking takes long, and is needed most. */
static uint64_t effort_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t quota_disk(const struct json_t *document)
{
	int64_t disk = json_get_number(document, "disk", 0);

	return disk > 0 ? (uint64_t)disk * MB : 0;
}

static const char *path_of(struct arena *arena, const struct host *h, const char *environment)
{
	return record_path(arena, h, environment, "quota.json");
}

static struct json_t *load(struct arena *arena, const struct host *h, const char *environment)
{
	struct error ignored;
	char *text;
	size_t size;

	if (file_read(arena, AT_FDCWD, path_of(arena, h, environment), 1 << 20, &text, &size,
		      &ignored) != 0)
		return NULL;
	return json_parse("quota.json", text, size, &ignored);
}

static int save(struct looking *l, struct error *err)
{
	const char *path = path_of(&l->arena, l->h, l->environment);
	const char *text;

	if (json_same(l->before, l->now) || (!l->before && !json_count(l->now)))
		return 0;
	if (!json_count(l->now))
		return unlink(path) < 0 && errno != ENOENT ? fail_errno(err, "remove %s", path) : 0;
	text = json_print(&l->arena, l->now, FORM_COMPACT);
	return file_write(AT_FDCWD, path, text, strlen(text), 0644, false, err);
}

static void log_line(struct looking *l, const char *container, const char *line)
{
	container_log_note(
		arena_printf(&l->arena, "%s/%s/%s", l->h->log, l->environment, container), "quota",
		line);
}

static enum level level_of(uint64_t used, uint64_t limit)
{
	return used >= limit / 50 * 49	 ? LEVEL_FULL
		: used >= limit / 10 * 9 ? LEVEL_NEAR
					 : LEVEL_FINE;
}

/* Which of the two it is that has no room for the container, and the way out; NULL: there is room. */
static const char *no_room(const struct looking *l)
{
	if (l->space.free >= ROOM_LOW)
		return NULL;
	return l->space.held
		? "the disk below the pool is full; make room on it"
		: "the pool is full; remove what isn't needed (orch df), or: orch pool "
		  "grow SIZE";
}

static const char *word(struct looking *l, const char *container, uint64_t used, uint64_t limit,
			enum level level)
{
	const char *pool = no_room(l);

	if (pool)
		return pool;
	return arena_printf(&l->arena, "volume %s is %s (%llu MB of %llu MB)", container,
			    level == LEVEL_FULL ? "full" : "nearly full",
			    (unsigned long long)(used / MB), (unsigned long long)(limit / MB));
}

static int look_at(struct looking *l, const char *container, const struct json_t *document,
		   struct error *err)
{
	const char *name = arena_printf(&l->arena, "%s/%s", l->environment, container);
	uint64_t limit = quota_disk(document), used = 0;
	const struct json_t *before = json_get(l->before, container);
	const char *app =
		!strcmp(json_get_text(document, "kind", ""), "service") ? "services" : "app";
	enum level level;
	struct json_t *said;
	const char *why;

	if (!limit || !volume_exists(l->h->pool, name))
		return 0;
	if (volume_tend(l->h->pool, name, limit, &used, err) < 0)
		return -1;
	level = no_room(l) ? LEVEL_FULL : level_of(used, limit);
	l->soon |= used >= limit / 2;
	if (level == LEVEL_FINE)
		return 0;
	why = word(l, container, used, limit, level);
	said = json_put(l->now, container, json_new_map());
	json_put_number(said, "level", level);
	json_put_text(said, "why", why);
	if (level > json_get_number(before, "level", LEVEL_FINE))
		log_line(l, container,
			 no_room(l)
				 ? arena_printf(&l->arena, "quota: %s", why)
				 : arena_printf(&l->arena, "quota: %s: raise \"disk\" in %s.yaml",
						why, app));
	return 0;
}

static int look_all(struct looking *l, struct error *err)
{
	AUTO(json) struct json_t *record = record_load(l->h, l->environment, err);
	const struct json_t *containers = json_get(record, "containers");
	const char **names;
	size_t n;

	if (!record)
		return -1;
	names = json_keys(&l->arena, containers, &n);
	for (size_t i = 0; i < n; i++)
		if (look_at(l, names[i], json_path(containers, names[i], "document", NULL), err) <
		    0)
			return -1;
	return save(l, err);
}

int quota_look(const struct host *h, const char *environment, uint64_t *next_ms, struct error *err)
{
	struct looking l = { .h = h, .environment = environment };
	uint64_t since = effort_ms(), took;
	int r = -1;

	*next_ms = LATER_MS;
	if (!pool_mounted(h->pool))
		return 0;
	if (pool_guard(h->pool, err) == 0 && pool_room(h->pool, &l.space, err) == 0) {
		l.before = load(&l.arena, h, environment);
		l.now = json_new_map();
		r = look_all(&l, err);
		json_free(l.before);
		json_free(l.now);
	}
	arena_clear(&l.arena);
	took = effort_ms() - since;
	if (l.soon || l.space.held || l.space.tight)
		*next_ms = SOON_MS;
	if (*next_ms < took * EFFORT)
		*next_ms = took * EFFORT;
	return r;
}

const char *quota_why(struct arena *arena, const struct host *h, const char *environment,
		      const char *container)
{
	AUTO(json) struct json_t *all = load(arena, h, environment);
	const char *why = json_get_text(json_get(all, container), "why", NULL);

	return why ? arena_strdup(arena, why) : NULL;
}
