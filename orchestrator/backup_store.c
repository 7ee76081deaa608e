#include "orchestrator/backup_store.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"
#include "base/text.h"
#include "orchestrator/backup_secrets.h"
#include "orchestrator/session.h"
#include "orchestrator/tarball.h"

#define UNPACKED "unpacked~"

char *backup_path(struct arena *arena, const struct host *h, const char *name)
{
	return arena_printf(arena, "%s/backups%s%s", h->state, *name ? "/" : "", name);
}

/* FILE_ABSENT: it isn't there. */
static int load(struct arena *arena, const char *folder, struct backup *b, struct error *err)
{
	const char *path = arena_printf(arena, "%s/" BACKUP_MANIFEST, folder);
	char *text;
	size_t size;
	int r = file_read(arena, AT_FDCWD, path, BACKUP_MAX_BYTES, &text, &size, err);

	return r != 0 ? r : backup_parse(arena, path, text, size, b, err);
}

/* A tar that is cut short still gives what is before the cut: the verdict is that of the parts. */
static int unpack(struct session *s, const char *file, struct backup_place *p, struct error *err)
{
	const char *folder = backup_path(&s->arena, &s->host, UNPACKED);
	const char *lock = backup_path(&s->arena, &s->host, "unpacked.lock");
	struct error broken = { 0 };
	int r;

	if (file_make_dirs(backup_path(&s->arena, &s->host, ""), 0700, err) < 0 ||
	    file_lock(lock, true, &p->lock, err) < 0 || file_remove(AT_FDCWD, folder, err) < 0)
		return -1;
	p->unpacked = p->folder = folder;
	if (mkdir(folder, 0700) < 0)
		return fail_errno(err, "make %s", folder);
	if (tarball_unpack(file, folder, false, false, &broken) == 0)
		return 0;
	r = load(&s->arena, folder, &p->b, err);
	backup_close(&p->b);
	if (r == FILE_ABSENT)
		return fail(err, ERROR_SYSTEM, "%s is no backup, or damaged: %s", file,
			    broken.text);
	return r;
}

static int locate(struct session *s, const char *what, struct backup_place *p, struct error *err)
{
	const char *own = backup_path(&s->arena, &s->host, what);
	struct stat st;

	p->shown = what;
	if (!strchr(what, '/') && *what != '.' && !text_ends(what, "~") && stat(own, &st) == 0 &&
	    S_ISDIR(st.st_mode)) {
		p->folder = own;
		return 0;
	}
	if (stat(what, &st) < 0)
		return fail(err, ERROR_ABSENT,
			    "no backup \"%s\", nor a file; see them: orch backup ls", what);
	if (S_ISDIR(st.st_mode)) {
		p->folder = what;
		return 0;
	}
	return unpack(s, what, p, err);
}

int backup_open(struct session *s, const char *what, struct backup_place *p, struct error *err)
{
	int r = locate(s, what, p, err);

	if (r == 0)
		r = load(&s->arena, p->folder, &p->b, err);
	return r == FILE_ABSENT
		? fail(err, ERROR_SYSTEM, "%s is no backup, or damaged: it has no " BACKUP_MANIFEST,
		       what)
		: r;
}

void backup_place_close(struct backup_place *p)
{
	struct error ignored;

	backup_close(&p->b);
	if (p->unpacked)
		(void)file_remove(AT_FDCWD, p->unpacked, &ignored);
	p->unpacked = NULL;
	auto_fd(&p->lock);
}

/* NULL when it is as it should be. What is there is somebody else's: no link, no pipe is opened. */
static const char *look_at(struct arena *arena, const char *folder, const char *file,
			   uint64_t bytes, const char *sha256)
{
	const char *path = arena_printf(arena, "%s/%s", folder, file);
	AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	char hex[SHA256_HEX];
	struct error err;
	struct stat st;

	if (fd < 0)
		return errno == ENOENT ? "it is missing" : strerror(errno);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return "it is no file";
	if ((uint64_t)st.st_size != bytes)
		return arena_printf(arena, "it has %llu bytes instead of %llu",
				    (unsigned long long)st.st_size, (unsigned long long)bytes);
	if (sha256_of_fd(fd, hex, &err) < 0)
		return arena_strdup(arena, err.text);
	return strcmp(hex, sha256) != 0 ? "its content is not what was written" : NULL;
}

struct verdict {
	struct arena arena;
	const struct backup_place *p;
	backup_part *told;
	void *ctx;
	bool broken;
	struct error *err;
};

static void verify_one(struct verdict *v, const char *file, uint64_t bytes, const char *sha256,
		       const char *what)
{
	const char *problem = look_at(&v->arena, v->p->folder, file, bytes, sha256);

	if (v->told)
		v->told(v->ctx, file, bytes, problem);
	if (!problem || v->broken)
		return;
	v->broken = true;
	fail(v->err, ERROR_SYSTEM, "backup %s is damaged: %s, %s: %s", v->p->shown, what, file,
	     problem);
}

int backup_verify(const struct backup_place *p, backup_part *told, void *ctx, struct error *err)
{
	struct verdict v = { .p = p, .told = told, .ctx = ctx, .err = err };

	for (size_t i = 0; i < p->b.n_volumes; i++) {
		const struct backup_volume *volume = &p->b.volumes[i];

		verify_one(&v, volume->file, volume->bytes, volume->sha256,
			   arena_printf(&v.arena, "the volume of %s", volume->container));
	}
	for (size_t i = 0; i < p->b.n_images; i++) {
		const struct backup_image *image = &p->b.images[i];

		if (image->file)
			verify_one(&v, image->file, image->bytes, image->digest, "an image");
	}
	arena_clear(&v.arena);
	return v.broken ? -1 : 0;
}

int backup_list(struct arena *arena, const struct host *h, struct backup_listed **out, size_t *n,
		struct error *err)
{
	ARENA_LIST(struct backup_listed) list = { 0 };
	const char **names;
	size_t n_names = 0;

	if (file_list(arena, backup_path(arena, h, ""), &names, &n_names, err) < 0)
		return -1;
	for (size_t i = 0; i < n_names; i++) {
		struct backup_listed l = { .id = names[i] };
		struct error problem;
		int r;

		if (text_ends(names[i], "~") || text_ends(names[i], ".lock"))
			continue;
		r = load(arena, backup_path(arena, h, names[i]), &l.b, &problem);
		if (r != 0)
			l.problem = r < 0 ? arena_strdup(arena, problem.text)
					  : "it has no " BACKUP_MANIFEST;
		l.secrets = r == 0 ? backup_secrets_by(&l.b) : "";
		for (size_t k = 0; k < l.b.n_volumes; k++)
			l.bytes += l.b.volumes[k].bytes;
		for (size_t k = 0; k < l.b.n_images; k++)
			l.bytes += l.b.images[k].file ? l.b.images[k].bytes : 0;
		json_free(l.b.json);
		l.b.json = l.b.document = l.b.secrets = l.b.sealed = NULL;
		*arena_push(arena, &list) = l;
	}
	*out = list.items;
	*n = list.n;
	return 0;
}

int backup_sync(const char *folder, struct error *err)
{
	AUTO(fd) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? fail_errno(err, "sync %s", folder) : 0;
}

int backup_export(const char *folder, const char *file, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *beside = arena_printf(&arena, "%s~", file);
	const char *slash = strrchr(file, '/');
	const char *above = !slash ? "." : arena_strndup(&arena, file, (size_t)(slash - file) + 1);

	if (tarball_pack(folder, beside, false, err) < 0) {
		(void)unlink(beside);
		return -1;
	}
	if (rename(beside, file) < 0)
		return fail_errno(err, "rename %s", beside);
	return backup_sync(above, err);
}

int backup_remove(struct session *s, const char *id, struct error *err)
{
	const char *folder = backup_path(&s->arena, &s->host, id);
	const char *beside = arena_printf(&s->arena, "%s~", folder);

	if (strchr(id, '/') || *id == '.' || text_ends(id, "~") || !file_exists(folder))
		return fail(err, ERROR_ABSENT, "no backup \"%s\"; see them: orch backup ls", id);
	/* From its first moment on it is none any more. */
	if (file_remove(AT_FDCWD, beside, err) < 0)
		return -1;
	if (rename(folder, beside) < 0)
		return fail_errno(err, "rename %s", folder);
	return file_remove(AT_FDCWD, beside, err);
}
