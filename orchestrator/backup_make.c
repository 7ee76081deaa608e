#include "orchestrator/backup_make.h"

#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"
#include "base/text.h"
#include "images/store.h"
#include "orchestrator/backup_secrets.h"
#include "orchestrator/backup_store.h"
#include "orchestrator/backup_vars.h"
#include "orchestrator/group.h"
#include "orchestrator/moment.h"
#include "orchestrator/progress.h"
#include "orchestrator/session.h"
#include "orchestrator/tarball.h"
#include "orchestrator/trash.h"
#include "runtime/volume.h"

#define TAG "backup" /* of the snapshot that is packed; one at a time */

struct making {
	struct session *s;
	struct progress progress;
	struct backup b;
	const char *snapshot; /* folder in the pool; NULL: there is no pool */
	const char *stamp;    /* machine name and time: the id but for its hash */
	const char *beside;   /* the folder that is written */
	uint64_t bytes;
};

static void tell(struct making *m, const char *what, const char *name, uint64_t bytes,
		 uint64_t since)
{
	char size[32];

	progress_tell(&m->progress, what, name, bytes ? text_bytes(size, bytes) : "",
		      clock_ms() - since);
}

static int take_snapshot(struct making *m, struct error *err)
{
	struct session *s = m->s;
	struct moment moment;

	if (group_remove(&s->host, m->snapshot, err) < 0)
		return -1;
	if (!file_exists(arena_printf(&s->arena, "%s/%s", s->host.pool, s->env.id))) {
		m->snapshot = NULL;
		return 0;
	}
	if (s->options->live)
		return group_copy(&s->host, s->env.id, m->snapshot, true, NULL, NULL, err);
	return moment_take(&s->host, &s->env, m->snapshot, true, &moment, err);
}

static int read_state(struct making *m, struct error *err)
{
	struct session *s = m->s;
	struct environment *e = &s->env;
	struct generation g;
	int r = state_find(s->state, &s->arena, e->id, e, err);

	if (r == STATE_ABSENT || (r == 0 && !e->generation))
		return fail(err, ERROR_ABSENT, "%s was never deployed: orch deploy", e->name);
	if (r < 0 ||
	    state_find_generation(s->state, &s->arena, e->id, e->good ? e->good : e->generation, &g,
				  err) != 0)
		return -1;
	m->b.machine_name = e->id;
	m->b.name = e->name;
	m->b.type = e->type;
	m->b.project = e->project;
	m->b.project_id = e->project_id;
	m->b.folder = e->folder;
	m->b.generation = g.number;
	m->b.commit = g.commit;
	m->b.subject = g.subject;
	m->b.made = (int64_t)time(NULL);
	m->b.document = m->b.json = json_parse("generation", g.document, strlen(g.document), err);
	if (!m->b.document ||
	    state_entropy(s->state, &s->arena, e->project_id, &m->b.entropy, err) < 0)
		return -1;
	return backup_collect_vars(s, &m->b, err);
}

/* Generation and data belong together: nobody deploys in between. */
static int take_moment(struct making *m, struct error *err)
{
	struct session *s = m->s;
	AUTO(fd) int lock = -1;
	uint64_t since = clock_ms();
	int r = session_lock(s, &lock, err);

	if (r != 0)
		return r < 0 ? -1
			     : fail(err, ERROR_CONFLICT,
				    "another command is at work on %s; wait for it: orch status",
				    s->env.name);
	if (read_state(m, err) < 0)
		return -1;
	m->snapshot = group_snapshot_name(&s->arena, s->env.id, TAG);
	r = trash_open(&s->host, err);
	if (r == TRASH_ABSENT)
		m->snapshot = NULL;
	if (r < 0 || (m->snapshot && take_snapshot(m, err) < 0))
		return -1;
	tell(m, "snapshot", "", 0, since);
	return 0;
}

/* What it takes on disk, holes left out; a file with several names counts once. */
static int count_used(struct making *m, const char *folder, uint64_t *out, struct error *err)
{
	char *const paths[] = { arena_strdup(&m->s->arena, folder), NULL };
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, NULL);
	const FTSENT *e;
	uint64_t blocks = 0;

	if (!fts)
		return fail_errno(err, "read %s", folder);
	while ((e = fts_read(fts)))
		if (e->fts_info == FTS_F)
			blocks += (uint64_t)e->fts_statp->st_blocks / e->fts_statp->st_nlink;
	fts_close(fts);
	*out = blocks * 512;
	return 0;
}

static int digest_file(const char *path, char hex[SHA256_HEX], uint64_t *bytes, struct error *err)
{
	AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail_errno(err, "open %s", path);
	*bytes = (uint64_t)st.st_size;
	return sha256_of_fd(fd, hex, err);
}

static int add_volume(struct making *m, const char *container, struct backup_volume *v,
		      struct error *err)
{
	struct arena *arena = &m->s->arena;
	const struct json_t *containers = json_get(m->b.document, "containers");
	const char *folder =
		arena_printf(arena, "%s/%s/%s", m->s->host.pool, m->snapshot, container);
	char *hex = arena_alloc(arena, SHA256_HEX);
	uint64_t since = clock_ms();
	const char *path;
	struct stat st;

	if (stat(folder, &st) < 0)
		return fail_errno(err, "stat %s", folder);
	*v = (struct backup_volume){
		.container = container,
		.file = arena_printf(arena, "volume-%s.tar.zst", container),
		.sha256 = hex,
		.limit = (uint64_t)json_get_number(json_get(containers, container), "disk", 0) *
			1000000,
		.uid = st.st_uid,
		.gid = st.st_gid,
	};
	path = arena_printf(arena, "%s/%s", m->beside, v->file);
	if (tarball_pack(folder, path, true, err) < 0 ||
	    digest_file(path, hex, &v->bytes, err) < 0 || count_used(m, folder, &v->used, err) < 0)
		return fail_in(err, "volume of %s", container);
	m->bytes += v->bytes;
	tell(m, "pack", container, v->bytes, since);
	return 0;
}

static int add_volumes(struct making *m, struct error *err)
{
	struct session *s = m->s;
	const char **names;
	size_t n;

	if (!m->snapshot)
		return 0;
	if (volume_list(&s->arena, s->host.pool, m->snapshot, &names, &n, err) < 0)
		return -1;
	m->b.volumes = arena_array(&s->arena, n + 1, sizeof(*m->b.volumes));
	for (size_t i = 0; i < n; i++, m->b.n_volumes++)
		if (add_volume(m, names[i], &m->b.volumes[i], err) < 0)
			return -1;
	return 0;
}

static int add_image(struct making *m, const struct store_image *list, size_t n, const char *digest,
		     struct error *err)
{
	struct session *s = m->s;
	struct backup_image *image = &m->b.images[m->b.n_images];
	uint64_t since = clock_ms();

	for (size_t i = 0; i < m->b.n_images; i++)
		if (!strcmp(m->b.images[i].digest, digest))
			return 0;
	*image = (struct backup_image){ .digest = digest, .names = json_new_map() };
	m->b.n_images++;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(list[i].digest, digest) != 0)
			continue;
		image->bytes = list[i].bytes;
		for (size_t k = 0; k < list[i].n_names; k++) {
			struct json_t *facts;

			if (store_find(s->host.images, list[i].names[k], &facts, err) == 0)
				json_put(image->names, list[i].names[k], facts);
		}
	}
	if (s->options->no_images)
		return 0;
	image->file = arena_printf(&s->arena, "image-%s.sqfs", digest);
	if (tarball_copy(store_path(&s->arena, s->host.images, digest),
			 arena_printf(&s->arena, "%s/%s", m->beside, image->file), err) < 0)
		return fail_in(err, "image %.12s", digest);
	m->bytes += image->bytes;
	tell(m, "image", arena_printf(&s->arena, "%.12s", digest), image->bytes, since);
	return 0;
}

static int add_images(struct making *m, struct error *err)
{
	const struct json_t *containers = json_get(m->b.document, "containers");
	struct store_image *list;
	const char **names;
	size_t n, n_list;

	if (store_list(&m->s->arena, m->s->host.images, &list, &n_list, err) < 0)
		return -1;
	names = json_keys(&m->s->arena, containers, &n);
	m->b.images = arena_array(&m->s->arena, 2 * n + 1, sizeof(*m->b.images));
	for (size_t i = 0; i < n; i++) {
		const char *base = json_text(json_path(containers, names[i], "base", NULL), NULL);
		const char *code =
			json_text(json_path(containers, names[i], "code", "image", NULL), NULL);

		if ((base && add_image(m, list, n_list, base, err) < 0) ||
		    (code && add_image(m, list, n_list, code, err) < 0))
			return -1;
	}
	return 0;
}

/* Two of the same second have different ones. */
static const char *make_id(struct making *m)
{
	const char *all =
		arena_printf(&m->s->arena, "%s %llu", m->stamp, (unsigned long long)clock_ms());

	for (size_t i = 0; i < m->b.n_volumes; i++)
		all = arena_printf(&m->s->arena, "%s %s", all, m->b.volumes[i].sha256);
	return arena_printf(&m->s->arena, "%s-%s", m->stamp, project_hash(&m->s->arena, all, 6));
}

static int write_manifest(struct making *m, struct error *err)
{
	const char *text = backup_print(&m->s->arena, &m->b);

	if (file_write(AT_FDCWD, arena_printf(&m->s->arena, "%s/" BACKUP_MANIFEST, m->beside), text,
		       strlen(text), 0600, true, err) < 0)
		return -1;
	return backup_sync(m->beside, err);
}

/* Where it is to be at last. A folder that is there, or ends in '/', is where it is put into; all else is a file. */
static int put(struct making *m, const char *folder, struct backup_made *out, struct error *err)
{
	struct arena *arena = &m->s->arena;
	const char *to = m->s->options->to;

	out->id = m->b.id;
	out->bytes = m->bytes;
	out->volumes = (unsigned)m->b.n_volumes;
	if (to && strcmp(folder, to) != 0) {
		out->path = to;
		return backup_export(m->beside, to, err) < 0
			? -1
			: file_remove(AT_FDCWD, m->beside, err);
	}
	out->path = arena_printf(arena, "%s/%s", folder, m->b.id);
	if (rename(m->beside, out->path) < 0)
		return fail_errno(err, "rename %s", m->beside);
	return backup_sync(folder, err);
}

/* Of this environment, by whoever was interrupted. */
static int remove_unfinished(struct making *m, const char *folder, struct error *err)
{
	struct arena *arena = &m->s->arena;
	const char *prefix = arena_printf(arena, "%s-", m->s->env.id);
	const char **names;
	size_t n = 0;

	if (file_list(arena, folder, &names, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (text_starts(names[i], prefix) && text_ends(names[i], "~") &&
		    file_remove(AT_FDCWD, arena_printf(arena, "%s/%s", folder, names[i]), err) < 0)
			return -1;
	return 0;
}

static const char *folder_for(struct making *m)
{
	const char *to = m->s->options->to;
	struct stat st;

	if (to && (text_ends(to, "/") || (stat(to, &st) == 0 && S_ISDIR(st.st_mode))))
		return to;
	return backup_path(&m->s->arena, &m->s->host, "");
}

static int make(struct making *m, struct backup_made *out, struct error *err)
{
	struct session *s = m->s;
	const char *folder = folder_for(m);
	time_t now = time(NULL);
	char stamp[32];
	struct tm tm;

	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
	m->stamp = arena_printf(&s->arena, "%s-%s", s->env.id, stamp);
	m->beside = arena_printf(&s->arena, "%s/%s~", folder, m->stamp);
	if (file_make_dirs(folder, 0700, err) < 0 || remove_unfinished(m, folder, err) < 0 ||
	    take_moment(m, err) < 0 || backup_seal(s, &m->b, err) < 0)
		return -1;
	if (mkdir(m->beside, 0700) < 0)
		return fail_errno(err, "make %s", m->beside);
	if (add_volumes(m, err) < 0 || add_images(m, err) < 0)
		return -1;
	m->b.id = make_id(m);
	return write_manifest(m, err) < 0 ? -1 : put(m, folder, out, err);
}

int backup_make(struct session *s, struct backup_made *out, struct error *err)
{
	struct making m = { .s = s, .progress = progress_of(s->options) };
	const char *lock_path =
		backup_path(&s->arena, &s->host, arena_printf(&s->arena, "%s.lock", s->env.id));
	AUTO(fd) int lock = -1;
	struct error ignored;
	int r;

	if (file_make_dirs(backup_path(&s->arena, &s->host, ""), 0700, err) < 0)
		return -1;
	r = file_lock(lock_path, false, &lock, err);
	if (r != 0)
		return r < 0 ? -1
			     : fail(err, ERROR_CONFLICT, "a backup of %s is being made already",
				    s->env.name);
	/* Lines of JSON are for commands that stream. */
	m.progress.quiet |= m.progress.json;
	m.progress.json = false;
	r = make(&m, out, err);
	if (r < 0 && m.beside)
		(void)file_remove(AT_FDCWD, m.beside, &ignored);
	if (m.snapshot && group_remove(&s->host, m.snapshot, r < 0 ? &ignored : err) < 0)
		r = -1;
	for (size_t i = 0; i < m.b.n_images; i++)
		json_free(m.b.images[i].names);
	json_free(m.b.variables);
	json_free(m.b.secrets);
	json_free(m.b.sealed);
	backup_close(&m.b);
	return r;
}
