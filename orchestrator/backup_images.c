#include "orchestrator/backup_images.h"

#include <fcntl.h>
#include <string.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "images/store.h"
#include "orchestrator/backup_store.h"
#include "orchestrator/session.h"
#include "orchestrator/tarball.h"

/* How to come by an image, from what it is called. */
static const char *advice(struct session *s, const struct backup_image *image, const char *commit)
{
	size_t n;
	const char **keys = json_keys(&s->arena, image->names, &n);

	for (size_t i = 0; i < n; i++)
		if (text_starts(keys[i], "base-"))
			return arena_printf(&s->arena, "orch image build %s", keys[i] + 5);
	return *commit ? arena_printf(&s->arena, "orch deploy of commit %.12s builds it", commit)
		       : "orch deploy builds it";
}

int backup_check_images(struct session *s, const struct backup_place *p, struct error *err)
{
	const char *missing = "";

	for (size_t i = 0; i < p->b.n_images; i++) {
		const struct backup_image *image = &p->b.images[i];

		if (image->file || store_has(s->host.images, image->digest))
			continue;
		missing = arena_printf(&s->arena, "%s\n  %s  %s", missing, image->digest,
				       advice(s, image, p->b.commit));
	}
	if (!*missing)
		return 0;
	return fail(err, ERROR_ABSENT,
		    "backup %s was made without images, and these are not on this host:%s\n"
		    "get them, or restore --data-only into what is deployed; nothing was changed",
		    p->shown, missing);
}

static int take_name(struct session *s, const char *key, const struct json_t *facts,
		     struct error *err)
{
	AUTO(json) struct json_t *had = NULL;
	int r = store_find(s->host.images, key, &had, err);

	/* One of that name is what this host has by now. */
	return r == STORE_ABSENT ? store_name(s->host.images, key, facts, err) : r;
}

static int take(struct session *s, const struct backup_place *p, const struct backup_image *image,
		struct error *err)
{
	const char *beside = arena_printf(&s->arena, "%s/.restored", s->host.images);
	char digest[SHA256_HEX];
	const char **keys;
	size_t n;

	if (image->file && !store_has(s->host.images, image->digest)) {
		if (store_ensure(s->host.images, err) < 0 ||
		    file_remove(AT_FDCWD, beside, err) < 0 ||
		    tarball_copy(arena_printf(&s->arena, "%s/%s", p->folder, image->file), beside,
				 err) < 0 ||
		    store_add(s->host.images, beside, digest, err) < 0)
			return -1;
	}
	keys = json_keys(&s->arena, image->names, &n);
	for (size_t i = 0; i < n; i++)
		if (take_name(s, keys[i], json_get(image->names, keys[i]), err) < 0)
			return -1;
	return 0;
}

int backup_take_images(struct session *s, const struct backup_place *p, struct error *err)
{
	AUTO(fd) int lock = -1;

	if (file_lock(backup_path(&s->arena, &s->host, "images.lock"), true, &lock, err) < 0)
		return -1;
	for (size_t i = 0; i < p->b.n_images; i++)
		if (take(s, p, &p->b.images[i], err) < 0)
			return fail_in(err, "image %.12s", p->b.images[i].digest);
	return 0;
}
