/*
 * supervise_doze.c - to become orch-doze (runtime/doze.c), and to be what it became
 */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/log.h"
#include "orchestrator/record.h"
#include "orchestrator/supervisor.h"
#include "runtime/cgroup.h"

/* As in runtime/doze.c. */
enum { DOZE_LOCK = 3, DOZE_CONTROL, DOZE_PACKETS, DOZE_OTHERS };

/* Some are descriptors of others' numbers: all of them out of the way first. */
static void arrange(const struct supervisor *s, int packets)
{
	const struct world *w = &s->world;
	int from[DOZE_OTHERS + 250], n = 0;

	from[n++] = s->lock;
	from[n++] = s->listen_fd;
	from[n++] = packets;
	for (size_t i = 0; i < w->n && n < 250; i++)
		if (w->lives[i].c.pidfd >= 0)
			from[n++] = w->lives[i].c.pidfd;
	for (int i = 0; i < n; i++)
		from[i] = fcntl(from[i], F_DUPFD_CLOEXEC, DOZE_OTHERS + 256);
	for (int i = 0; i < n; i++)
		(void)dup2(from[i], DOZE_LOCK + i);
}

void doze(const struct supervisor *s, int packets)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *program = arena_printf(
		&arena, "%.*s/orch-doze", (int)(strrchr(s->h->init, '/') - s->h->init), s->h->init);
	char self[PATH_MAX] = "", *gone;
	size_t n = 0;

	/* Without it, or without somebody to become again, it sleeps as well: in more memory. */
	if (access(program, X_OK) < 0 || readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return;
	/* Replaced by an upgrade: the new one. */
	gone = strstr(self, " (deleted)");
	if (gone)
		*gone = '\0';
	if (access(self, X_OK) < 0)
		return;
	for (size_t i = 0; i < s->world.n; i++)
		n += s->world.lives[i].c.pidfd >= 0;
	const char *const argv[] = {
		"orch-doze",
		cgroup_freezer(&arena, arena_printf(&arena, "%s/%s", s->h->cgroups, s->id)),
		arena_printf(&arena, "%zu", n),
		self,
		"orch",
		"supervise",
		s->id,
		"--resume",
		*s->h->root ? "--root" : NULL,
		s->h->root,
		NULL
	};
	arrange(s, packets);
	execv(program, (char *const *)(uintptr_t)argv);
	log_warn("%s: %s", program, strerror(errno));
	_exit(1);
}

bool doze_take_over(struct supervisor *s, int *lock, int *packets)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *path = record_path(&arena, s->h, s->id, "supervisor.lock");
	struct stat file, name;

	if (fstat(DOZE_LOCK, &file) < 0 || stat(path, &name) < 0 || file.st_ino != name.st_ino ||
	    fcntl(DOZE_CONTROL, F_GETFD) < 0 || fcntl(DOZE_PACKETS, F_GETFD) < 0)
		return false;
	for (int fd = DOZE_LOCK; fd < DOZE_OTHERS; fd++)
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	*lock = DOZE_LOCK;
	*packets = DOZE_PACKETS;
	s->listen_fd = DOZE_CONTROL;
	return true;
}
