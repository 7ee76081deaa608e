#include "orchestrator/throwaway.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "orchestrator/destroy.h"
#include "orchestrator/moment.h"
#include "orchestrator/record.h"
#include "orchestrator/session.h"

static const char *folder_of(struct arena *arena, const struct host *h)
{
	return arena_printf(arena, "%s/throwaway", h->state);
}

/* One who ended it between open and lock has removed the file that was locked. */
static bool is_there(const char *path, int lock)
{
	struct stat file, name;

	return fstat(lock, &file) == 0 && stat(path, &name) == 0 && file.st_ino == name.st_ino;
}

static int hold(struct session *s, int *lock, struct error *err)
{
	const char *folder = folder_of(&s->arena, &s->host);
	const char *path = arena_printf(&s->arena, "%s/%s", folder, s->env.id);
	int r;

	if (file_make_dirs(folder, 0700, err) < 0)
		return -1;
	do {
		auto_fd(lock);
		r = file_lock(path, false, lock, err);
		if (r != 0)
			return r < 0 ? -1
				     : fail(err, ERROR_CONFLICT, "%s is in use by another orch run",
					    s->env.name);
	} while (!is_there(path, *lock));
	return 0;
}

static int let_go(struct session *s, int *lock, struct error *err)
{
	const char *path =
		arena_printf(&s->arena, "%s/%s", folder_of(&s->arena, &s->host), s->env.id);

	if (unlink(path) < 0 && errno != ENOENT)
		return fail_errno(err, "remove %s", path);
	auto_fd(lock);
	return 0;
}

int throwaway_begin(struct session *s, unsigned long expires, int *lock, struct error *err)
{
	struct error ignored;

	if (session_project(s, err) < 0 || hold(s, lock, err) < 0)
		return -1;
	/* Again, now that nobody else makes or ends it. */
	if (session_project(s, err) < 0)
		return -1;
	if (s->exists) {
		fail(err, ERROR_CONFLICT,
		     "environment \"%s\" exists; --rm removes what it makes: another -e, or no "
		     "--rm",
		     s->env.name);
		(void)let_go(s, lock, &ignored);
		return -1;
	}
	s->env.made = (int64_t)time(NULL);
	s->env.expires = s->env.made + (int64_t)expires;
	s->env.type = "development";
	return state_save(s->state, &s->env, err);
}

int throwaway_clone(struct session *s, const char *from, struct error *err)
{
	AUTO(session) struct session parent = SESSION_NONE;
	struct options options = *s->options;
	struct moment m;

	options.environment = from;
	if (session_open(&parent, &options, err) < 0 || session_environment(&parent, err) < 0)
		return fail_in(err, "--from %s", from);
	s->env.parent = arena_strdup(&s->arena, parent.env.id);
	s->env.access = arena_strdup(&s->arena, parent.env.access ? parent.env.access : "");
	s->env.cloned = true;
	if (state_save(s->state, &s->env, err) < 0 ||
	    moment_take(&s->host, &parent.env, s->env.id, false, &m, err) < 0)
		return fail_in(err, "--from %s", from);
	return 0;
}

int throwaway_end(struct session *s, int *lock, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	struct environment env;
	int r = state_find(s->state, &arena, s->env.id, &env, err);
	size_t kept;

	if (r < 0 || (r == 0 && destroy_environment(s, s->options->purge, &kept, err) < 0))
		return -1;
	return let_go(s, lock, err);
}

static int end_one(const struct options *options, const char *path, const char *id,
		   struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	AUTO(fd) int lock = -1;
	int r = file_lock(path, false, &lock, err);

	if (r != 0 || !is_there(path, lock))
		return r < 0 ? -1 : 0;
	if (session_open(&s, options, err) < 0 || session_need_state(&s, "orch", err) < 0)
		return -1;
	r = state_find(s.state, &s.arena, id, &s.env, err);
	if (r < 0)
		return -1;
	if (r == STATE_ABSENT)
		s.env.id = id;
	else
		log_info("%s: its orch run was killed; removing it", s.env.name);
	return throwaway_end(&s, &lock, err);
}

void throwaway_sweep(const struct options *options)
{
	AUTO(session) struct session s = SESSION_NONE;
	const struct options own = { .root = options->root, .quiet = true, .purge = true };
	const char *folder;
	const char **names;
	struct error err;
	size_t n;

	if (host_open(&s.arena, options->root ? options->root : getenv("ORCH_ROOT"), &s.host,
		      &err) < 0)
		return;
	folder = folder_of(&s.arena, &s.host);
	if (file_list(&s.arena, folder, &names, &n, &err) != 0)
		return;
	for (size_t i = 0; i < n; i++)
		if (end_one(&own, arena_printf(&s.arena, "%s/%s", folder, names[i]), names[i],
			    &err) < 0)
			log_warn("%s: %s", names[i], err.text);
}
