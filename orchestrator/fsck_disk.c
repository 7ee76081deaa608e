/*
 * fsck_disk.c - what is on disk: volumes, images, logs, builds, backups
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "images/store.h"
#include "orchestrator/backup_store.h"
#include "orchestrator/build_box.h"
#include "orchestrator/fsck.h"
#include "orchestrator/group.h"
#include "orchestrator/session.h"
#include "orchestrator/trash.h"
#include "runtime/volume.h"

static int remove_unfinished(struct session *s, const char *folder, struct error *err)
{
	return group_remove(&s->host, folder, err);
}

/* Data is never deleted, whoever's it was. */
static int throw_away(struct session *s, const char *folder, struct error *err)
{
	size_t n = 0;

	return trash_put_all(&s->host, folder, (int64_t)time(NULL), &n, err);
}

/* "environment/container" */
static int throw_away_one(struct session *s, const char *volume, struct error *err)
{
	const char *slash = strchr(volume, '/');
	const char *folder = arena_strndup(&s->arena, volume, (size_t)(slash - volume));

	return trash_put(&s->host, folder, slash + 1, (int64_t)time(NULL), err);
}

static int remove_file(struct session *s, const char *path, struct error *err)
{
	(void)s;
	return file_remove(AT_FDCWD, path, err);
}

/* "environment.app", of a build */
static int remove_build(struct session *s, const char *name, struct error *err)
{
	const char *dot = strchr(name, '.');

	s->env.id = arena_strndup(&s->arena, name, (size_t)(dot - name));
	if (box_remove(s, dot + 1, err) < 0)
		return -1;
	return file_remove(AT_FDCWD, arena_printf(&s->arena, "%s/%s", s->host.scratch, name), err);
}

static int check_volumes(struct fsck *f, const struct environment *e, struct error *err)
{
	struct session *s = f->s;
	AUTO(json) struct json_t *document = NULL;
	const struct json_t *containers;
	const char **names;
	size_t n;

	/* Until what is wanted was reached, dropped ones may still have theirs. */
	if (e->deleting || !e->generation || e->good != e->generation)
		return 0;
	s->env = *e;
	document = session_document(s, 0, err);
	if (!document || volume_list(&s->arena, s->host.pool, e->id, &names, &n, err) < 0)
		return -1;
	containers = json_get(document, "containers");
	for (size_t i = 0; i < n; i++) {
		const char *volume = arena_printf(&s->arena, "%s/%s", e->id, names[i]);

		if (!json_get_number(json_get(containers, names[i]), "disk", 0))
			fsck_found(f, "leak", arena_printf(&s->arena, "pool/%s", volume),
				   "no container of the environment has it", throw_away_one, volume,
				   NULL);
	}
	names = json_keys(&s->arena, containers, &n);
	for (size_t i = 0; i < n; i++) {
		const char *volume = arena_printf(&s->arena, "%s/%s", e->id, names[i]);

		if (json_get_number(json_get(containers, names[i]), "disk", 0) &&
		    !volume_exists(s->host.pool, volume))
			fsck_found(f, "missing", arena_printf(&s->arena, "pool/%s", volume),
				   "the container's data", NULL, NULL,
				   "orch trash ls, orch backup ls; without them it starts empty");
	}
	return 0;
}

static void check_folder(struct fsck *f, const char *name)
{
	struct session *s = f->s;
	const char *id = arena_strndup(&s->arena, name, strcspn(name, "@~"));
	const char *object = arena_printf(&s->arena, "pool/%s", name);
	bool known = fsck_is_known(f, id);

	if (known && !fsck_find(f, id))
		return; /* somebody is at work on it */
	if (text_ends(name, "~"))
		fsck_found(f, "leak", object, "it was never finished", remove_unfinished, name,
			   NULL);
	else if (!known)
		fsck_found(f, "leak", object, "data of an environment that isn't there", throw_away,
			   name, NULL);
}

static int check_pool(struct fsck *f, struct error *err)
{
	struct session *s = f->s;
	const char **names;
	size_t n = 0;
	int r = trash_open(&s->host, err);

	if (r != 0)
		return r < 0 ? -1 : 0;
	for (size_t i = 0; i < f->n; i++)
		if (check_volumes(f, &f->all[i], err) < 0)
			return -1;
	if (file_list(&s->arena, s->host.pool, &names, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const char *id = arena_strndup(&s->arena, names[i], strcspn(names[i], "@~"));

		if (project_is_environment(id))
			check_folder(f, names[i]);
	}
	return 0;
}

static void check_image(struct fsck *f, const struct environment *e, const char *container,
			const char *digest)
{
	struct session *s = f->s;

	if (digest && !store_has(s->host.images, digest))
		fsck_found(f, "missing", arena_printf(&s->arena, "image %.12s", digest),
			   arena_printf(&s->arena, "%s of %s is made of it", container, e->id),
			   NULL, NULL, "orch deploy, or orch backup restore");
}

static int check_images(struct fsck *f, struct error *err)
{
	struct session *s = f->s;

	for (size_t i = 0; i < f->n; i++) {
		AUTO(json) struct json_t *document = NULL;
		const struct json_t *containers;
		const char **names;
		size_t n;

		if (f->all[i].deleting || !f->all[i].generation)
			continue;
		s->env = f->all[i];
		document = session_document(s, 0, err);
		if (!document)
			return -1;
		containers = json_get(document, "containers");
		names = json_keys(&s->arena, containers, &n);
		for (size_t k = 0; k < n; k++) {
			const struct json_t *c = json_get(containers, names[k]);

			check_image(f, &f->all[i], names[k], json_get_text(c, "base", NULL));
			check_image(f, &f->all[i], names[k],
				    json_text(json_path(c, "code", "image", NULL), NULL));
		}
	}
	return 0;
}

static int check_logs(struct fsck *f, struct error *err)
{
	struct session *s = f->s;
	const char **names;
	size_t n = 0;

	if (file_list(&s->arena, s->host.log, &names, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const char *path = arena_printf(&s->arena, "%s/%s", s->host.log, names[i]);

		if (project_is_environment(names[i]) && !fsck_is_known(f, names[i]))
			fsck_found(f, "leak", path, "of an environment that isn't there",
				   remove_file, path, NULL);
	}
	return 0;
}

static int check_builds(struct fsck *f, struct error *err)
{
	struct session *s = f->s;
	const char **names;
	size_t n = 0;

	if (file_list(&s->arena, s->host.scratch, &names, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const char *id = arena_strndup(&s->arena, names[i], strcspn(names[i], "."));

		if (strchr(names[i], '.') && project_is_environment(id) &&
		    (fsck_find(f, id) || !fsck_is_known(f, id)))
			fsck_found(f, "leak",
				   arena_printf(&s->arena, "%s/%s", s->host.scratch, names[i]),
				   "of a build that was killed", remove_build, names[i], NULL);
	}
	return 0;
}

/* The lock of who makes one is "<environment>.lock", of who unpacks one "unpacked.lock": gone is that of a killed one. */
static bool is_at_work(struct session *s, const char *name)
{
	const char **names;
	struct error ignored;
	bool busy = false;
	size_t n = 0;

	if (file_list(&s->arena, backup_path(&s->arena, &s->host, ""), &names, &n, &ignored) != 0)
		return true;
	for (size_t i = 0; i < n && !busy; i++) {
		size_t len = strlen(names[i]) - (text_ends(names[i], ".lock") ? 5 : 0);
		AUTO(fd) int lock = -1;

		if (!text_ends(names[i], ".lock") || strncmp(names[i], name, len) != 0)
			continue;
		busy = file_lock(backup_path(&s->arena, &s->host, names[i]), false, &lock,
				 &ignored) != 0;
	}
	return busy;
}

static int check_backups(struct fsck *f, struct error *err)
{
	struct session *s = f->s;
	const char **names;
	size_t n = 0;

	if (file_list(&s->arena, backup_path(&s->arena, &s->host, ""), &names, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const char *path = backup_path(&s->arena, &s->host, names[i]);

		if (text_ends(names[i], "~") && !is_at_work(s, names[i]))
			fsck_found(f, "leak", path, "a backup that was never finished", remove_file,
				   path, NULL);
	}
	return 0;
}

int fsck_disk(struct fsck *f, struct error *err)
{
	if (check_pool(f, err) < 0 || check_images(f, err) < 0 || check_logs(f, err) < 0 ||
	    check_builds(f, err) < 0)
		return -1;
	return check_backups(f, err);
}
