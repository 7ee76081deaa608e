/*
 * world.h - the real backend of apply(): one environment on this host
 *
 * A world is opened by whoever may act on the environment: its supervisor. Opening takes up the containers that the
 * record names and that are still alive.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "orchestrator/apply.h"
#include "orchestrator/host.h"
#include "orchestrator/state.h"
#include "runtime/container.h"

struct image_description;

/* A container that runs, or is being made. */
struct live {
	const char *name;
	struct container c;
	bool released;	   /* its init runs */
	uint32_t first_id; /* of its range */
	uint32_t epoch;	   /* of its init when the last command was given */
	bool told;	   /* a command was given, whose answer has a later epoch */
};

/* Told to people: see apply.h. */
typedef void world_event(void *ctx, const char *what, const char *name, const char *detail,
			 uint64_t ms);

struct world {
	struct arena arena; /* of what lives as long as the world */
	struct host host;
	struct state *state;
	struct environment env;
	const char *entropy;
	struct live *lives;
	size_t n, room;
	int router;		      /* its network namespace; -1: none */
	int init;		      /* orch-init */
	const struct json_t *desired; /* of the apply that goes on; borrowed */
	uint32_t resolvers[3];
	size_t n_resolvers;
	world_event *event;
	void *event_ctx;
	int cancel; /* a connection on which a client may say "cancel"; -1: none. Not owned */
	int door;   /* where other clients knock; -1: none. Not owned */
	bool (*knock)(void *ctx); /* of event_ctx: let one in; true: what goes on is to be left */
	bool left;		  /* it was, for another request */
	int statuses; /* readable when one of the containers' changed; -1: nobody waits for that */
};

/* record: to take up what runs. The state stays the caller's; env is copied. *w must be closed, or WORLD_NONE. */
#define WORLD_NONE \
	((struct world){ .router = -1, .init = -1, .statuses = -1, .cancel = -1, .door = -1 })
int world_open(struct world *w, const struct host *host, struct state *state,
	       const struct environment *env, const struct json_t *record, struct error *err);
/* Nothing is waited for in the near future. */
void world_rest(struct world *w);
/* Let go of everything; what runs goes on. */
void world_close(struct world *w);

struct backend world_backend(struct world *w);

/* NULL when there is none. */
struct live *world_find(const struct world *w, const char *name);
bool world_alive(void *ctx, const char *name);

/* Network, cgroups and pins of the environment are gone afterwards; containers must have been stopped. */
int world_down(struct world *w, struct error *err);

/* The description of an image in the store, kept for as long as the world. NULL on failure. */
const struct image_description *world_image(struct world *w, const char *digest, struct error *err);

/* "orch/main-ab12cd3/app"; container NULL: the environment's. */
char *world_cgroup(struct arena *arena, const struct world *w, const char *container);
/* The uplink's name on the host: at most 15 characters, its own for each root and environment. */
char *world_uplink(struct arena *arena, const struct host *host, const char *environment);
char *world_volume(struct arena *arena, const struct world *w, const char *container);
char *world_log(struct arena *arena, const struct world *w, const char *container);

struct lowered;
/* What a container of `desired` is given, with what the record says the others opened. Lives in the arena. */
int world_lower(struct world *w, struct arena *arena, const struct json_t *desired,
		const struct json_t *record, const char *name, struct lowered *out,
		struct error *err);

struct init_status;
/* The same, written into the running container, whose init is asked how it is. */
int world_prepare(struct world *w, struct arena *arena, const struct json_t *desired,
		  const struct json_t *record, const char *name, struct init_status *status,
		  struct lowered *lowered, struct error *err);

/* Parts of the backend, by file. */
int world_create(void *ctx, const char *name, const struct json_t *wanted, struct json_t *entry,
		 struct error *err);
int world_release(void *ctx, const char *name, struct error *err);
int world_stop(void *ctx, const char *name, struct error *err);
int world_discard(void *ctx, const char *name, struct error *err);
int world_network(void *ctx, const struct json_t *desired, struct error *err);
int world_rules(void *ctx, const struct json_t *desired, bool published, struct error *err);
/* Only what firewalls allow, after names.h learnt something. */
int world_outbound(struct world *w, const struct json_t *desired, struct error *err);
int world_change(void *ctx, const char *name, const struct json_t *wanted, unsigned effects,
		 struct error *err);
int world_activate(void *ctx, const char *name, const struct json_t *desired,
		   const struct json_t *record, const char *how, struct error *err);
int world_ready(void *ctx, const char *name, struct error *err);
int world_wait(void *ctx, unsigned ms, struct error *err);
/* Whether the client says so. */
bool world_cancelled(void *ctx);
struct json_t *world_ask(void *ctx, const char *name, struct error *err);
int world_hook(void *ctx, const char *name, const char *which, struct error *err);

/*
 * From now on no job is started, and none runs: one that does is waited for, 0: five minutes, which is an ERROR_TIMEOUT. Until they are
 * released, whatever happens to us: converge() does that for whoever comes next.
 */
int world_hold_jobs(struct world *w, const struct json_t *record, uint64_t timeout_ms,
		    struct error *err);
void world_release_jobs(struct world *w, const struct json_t *record);
/* What one is called (cron "NAME"), with its container's name; or NULL, and whether all know that they are held. held may be NULL. */
const char *world_running_job(struct world *w, struct arena *arena, const struct json_t *record,
			      const char **container, bool *held);

/* An id-mapped clone of the app's image, read-only; the caller's descriptor. */
int world_code_tree(struct world *w, const char *digest, int userns, int *tree, struct error *err);
