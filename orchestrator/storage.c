#include "orchestrator/storage.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "images/store.h"
#include "orchestrator/quota.h"
#include "orchestrator/session.h"

struct looking {
	struct session *s;
	struct environment *environments;
	size_t n_environments;
	ARENA_LIST(struct storage_item) items;
};

const char *storage_kind_name(enum storage_kind kind)
{
	switch (kind) {
	case STORAGE_VOLUME:
		return "volume";
	case STORAGE_SNAPSHOT:
		return "snapshot";
	case STORAGE_TRASH:
		return "trash";
	case STORAGE_OTHER:
		return "other";
	}
	abort();
}

static const struct environment *find(const struct looking *l, const char *id)
{
	for (size_t i = 0; i < l->n_environments; i++)
		if (!strcmp(l->environments[i].id, id))
			return &l->environments[i];
	return NULL;
}

/* What the document of an environment's generation says, by container. Owned by the caller; NULL: none. */
static struct json_t *document_of(struct session *s, const struct environment *e)
{
	struct generation g;
	struct error ignored;

	if (!e ||
	    state_find_generation(s->state, &s->arena, e->id, e->generation, &g, &ignored) != 0)
		return NULL;
	return json_parse("generation", g.document, strlen(g.document), &ignored);
}

static struct storage_item kind_of(const struct looking *l, const char *folder)
{
	struct arena *arena = &l->s->arena;
	const char *at = strchr(folder, '@');
	struct storage_item item = { .kind = STORAGE_OTHER, .folder = folder, .tag = "" };

	item.environment = at ? arena_strndup(arena, folder, (size_t)(at - folder)) : folder;
	if (!strcmp(folder, "trash"))
		item.kind = STORAGE_TRASH;
	else if (folder[strlen(folder) - 1] != '~' && find(l, item.environment))
		item.kind = at ? STORAGE_SNAPSHOT : STORAGE_VOLUME;
	if (at)
		item.tag = at + 1;
	return item;
}

static int look_at(struct looking *l, const char *folder, struct error *err)
{
	struct session *s = l->s;
	struct storage_item item = kind_of(l, folder);
	AUTO(json)
	struct json_t *document =
		item.kind == STORAGE_VOLUME ? document_of(s, find(l, folder)) : NULL;
	const char **names;
	size_t n;

	if (volume_list(&s->arena, s->host.pool, folder, &names, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		item.name = names[i];
		item.disk = quota_disk(json_path(document, "containers", names[i], NULL));
		if (volume_usage(s->host.pool, arena_printf(&s->arena, "%s/%s", folder, names[i]),
				 &item.usage, err) < 0)
			return -1;
		*arena_push(&s->arena, &l->items) = item;
	}
	return 0;
}

static int look_pool(struct looking *l, struct storage *out, struct error *err)
{
	struct session *s = l->s;
	const char **folders;
	size_t n;
	int r;

	if (!file_exists(s->host.pool) &&
	    !file_exists(arena_printf(&s->arena, "%s.img", s->host.pool)))
		return 0;
	if (pool_ensure(s->host.pool, 0, err) < 0)
		return -1;
	r = pool_space(&s->arena, s->host.pool, &out->space, err);
	if (r != 0)
		return r < 0 ? -1 : 0;
	out->pool = true;
	r = file_list(&s->arena, s->host.pool, &folders, &n, err);
	for (size_t i = 0; r == 0 && i < n; i++)
		if (folders[i][0] != '.' && look_at(l, folders[i], err) < 0)
			return -1;
	return r < 0 ? -1 : 0;
}

int storage_look(struct session *s, struct storage *out, struct error *err)
{
	struct looking l = { .s = s };
	struct store_image *images = NULL;

	*out = (struct storage){ .pool = false };
	if (s->state &&
	    state_list(s->state, &s->arena, &l.environments, &l.n_environments, err) < 0)
		return -1;
	if (look_pool(&l, out, err) < 0)
		return -1;
	if (file_exists(s->host.images) &&
	    store_list(&s->arena, s->host.images, &images, &out->n_images, err) < 0)
		return -1;
	for (size_t i = 0; images && i < out->n_images; i++)
		out->images += images[i].bytes;
	out->items = l.items.items;
	out->n = l.items.n;
	out->total = out->images + (out->space.file ? out->space.file_taken : 0);
	for (size_t i = 0; i < out->n && !out->space.file; i++)
		out->total += out->items[i].usage.exclusive;
	return 0;
}
