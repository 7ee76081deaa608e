#include "orchestrator/gc.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "orchestrator/state.h"

/* Younger than this, somebody may be about to refer to it. */
#define YOUNG_S 3600

struct verdict {
	bool remove;
	const char *why;
};

static struct verdict keep(const char *why)
{
	return (struct verdict){ false, why };
}

static struct verdict drop(const char *why)
{
	return (struct verdict){ true, why };
}

static struct verdict of_branch(const struct gc_environment *g)
{
	if (!g->e->branched)
		return keep("not known to be a git branch's");
	switch (g->branch) {
	case BRANCH_UNKNOWN:
		return keep(g->unknown ? g->unknown : "its branch can't be looked up");
	case BRANCH_THERE:
		return keep("its branch is there");
	case BRANCH_GONE:
		return g->busy ? keep("its branch is gone, but a deploy is at work")
			       : drop("its branch is gone");
	}
	abort();
}

static struct verdict of_environment(const struct gc_input *in, const struct gc_environment *g)
{
	if (environment_is_production(g->e))
		return keep("production is never removed by itself");
	if (g->e->expires && g->e->expires <= in->now)
		return g->busy ? keep("its time is over, but a deploy is at work")
			       : drop("its time is over");
	if (in->expired_only)
		return keep("its time isn't over");
	return of_branch(g);
}

static struct verdict of_image(const struct gc_input *in, const struct gc_image *g)
{
	if (g->referred)
		return keep("a generation or a backup needs it");
	if (g->name && !strncmp(g->name, "base-", 5))
		return keep("a base image that has its name; nothing needs it now");
	if (in->now - g->made < YOUNG_S)
		return keep("made in the last hour");
	return drop("nothing needs it");
}

static struct verdict of_cache(const struct gc_input *in, const struct gc_folder *f)
{
	if (f->busy)
		return keep("a deploy is at work");
	return in->now - f->used < in->cache_age ? keep("used lately") : drop("not used for long");
}

static struct verdict of_scratch(const struct gc_input *in, const struct gc_folder *f)
{
	if (f->busy)
		return keep("a deploy is at work");
	return in->now - f->used < YOUNG_S ? keep("made in the last hour")
					   : drop("left by a build that ended");
}

static void add(struct gc_item *item, enum gc_kind kind, const char *name, const char *shown,
		struct verdict v)
{
	*item = (struct gc_item){
		.kind = kind, .name = name, .shown = shown, .why = v.why, .remove = v.remove
	};
}

struct gc_item *gc_decide(struct arena *arena, const struct gc_input *in, size_t *n)
{
	size_t room = in->n_environments + in->n_images + in->n_caches + in->n_scratch + 1;
	struct gc_item *items = arena_array(arena, room, sizeof(*items));

	*n = 0;
	for (size_t i = 0; i < in->n_environments; i++) {
		const struct environment *e = in->environments[i].e;

		add(&items[(*n)++], GC_ENVIRONMENT, e->id,
		    arena_printf(arena, "%s of %s (%s)", e->name, e->project, e->id),
		    of_environment(in, &in->environments[i]));
	}
	if (in->expired_only)
		return items;
	for (size_t i = 0; i < in->n_images; i++) {
		const struct gc_image *g = &in->images[i];

		add(&items[*n], GC_IMAGE, g->digest,
		    arena_printf(arena, "%.12s%s%.30s", g->digest, g->name ? " " : "",
				 g->name ? g->name : ""),
		    of_image(in, g));
		items[(*n)++].bytes = g->bytes;
	}
	for (size_t i = 0; i < in->n_caches; i++) {
		add(&items[*n], GC_CACHE, in->caches[i].name, in->caches[i].name,
		    of_cache(in, &in->caches[i]));
		items[(*n)++].path = in->caches[i].path;
	}
	for (size_t i = 0; i < in->n_scratch; i++) {
		add(&items[*n], GC_SCRATCH, in->scratch[i].name, in->scratch[i].name,
		    of_scratch(in, &in->scratch[i]));
		items[(*n)++].path = in->scratch[i].path;
	}
	return items;
}

const char *gc_kind_name(enum gc_kind kind)
{
	static const char *const names[] = {
		[GC_ENVIRONMENT] = "environment",
		[GC_IMAGE] = "image",
		[GC_CACHE] = "cache",
		[GC_SCRATCH] = "scratch",
	};

	return names[kind];
}
