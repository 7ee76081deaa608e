/*
 * state.h - what should be, and what must survive a reboot: state.db (db.h)
 *
 * Every function is one transaction.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct error;
struct host;
struct json_t;
struct state;

#define STATE_ABSENT 1

/* Opens, making it at first use. read_only: STATE_ABSENT when there is none. */
int state_open(const struct host *h, bool read_only, struct state **out, struct error *err);
void state_close(struct state *s);
static inline void auto_state(struct state **s)
{
	state_close(*s);
}

struct environment {
	const char *
		id; /* machine name: slug of the branch, '-', 7 characters of hash; unique on the host */
	const char *project; /* name */
	const char *project_id;
	const char *folder;	     /* of the project, when it was last deployed */
	const char *name;	     /* the branch */
	const char *type;	     /* "production", "staging", "development" */
	bool wanted;		     /* should run: also after a reboot */
	int64_t generation;	     /* that should be; 0: none yet */
	int64_t good;		     /* last that was reached as a whole; 0: none */
	uint32_t uplink;	     /* address of the router; 0: none yet */
	const char *publish_address; /* "127.0.0.1" */
	uint16_t publish_port;	     /* 0: none yet */
	int64_t made;		     /* seconds since 1970 */
	const char *parent; /* id of the environment it was branched from; NULL or "": none */
	int64_t expires;    /* when it is to be removed, seconds since 1970; 0: never */
	bool paused;	    /* wanted, but its processes are frozen */
	int64_t idle;	    /* seconds without traffic after which it is to sleep; 0: never */
	int64_t deleting; /* being destroyed since then, whoever comes next finishes that; 0: it isn't */
	bool cloned; /* its data is another environment's, and hooks.clone haven't ended well yet */
	/* A folder of the pool (group.h) whose volumes are to take the place of its own; NULL or "": none. */
	const char *restoring;
	const char *fallback; /* the same, in case what is wanted can't be reached */
	int64_t keep;	      /* how many snapshots of a kind stay; 0: GROUP_KEEP */
	const char *title;    /* for people; NULL or "": none */
	const char *domains;  /* of deploy --domain, a blank between them; NULL or "": none */
	const char *access;   /* who may ask the router, as JSON (routes.h); NULL or "": anybody */
	bool branched; /* a git branch of that name was there once: when it is gone, so may this be */
};

/* The one that a repository's default branch has: never removed by itself. */
bool environment_is_production(const struct environment *e);

/* "active", "inactive", "paused", "dirty" (what is wanted isn't reached), "deleting". */
const char *environment_status(const struct environment *e);

/* Strings live in the arena. */
int state_find(struct state *s, struct arena *arena, const char *id, struct environment *out,
	       struct error *err);
int state_list(struct state *s, struct arena *arena, struct environment **out, size_t *n,
	       struct error *err);
int state_save(struct state *s, const struct environment *e, struct error *err);
/* Where its data is to come from, whatever somebody else does with the rest meanwhile. */
int state_set_data(struct state *s, const char *id, bool cloned, const char *restoring,
		   const char *fallback, struct error *err);
/* Its router's address, likewise. */
int state_set_uplink(struct state *s, const char *id, uint32_t uplink, struct error *err);
/* The same for these. */
int state_set_paused(struct state *s, const char *id, bool paused, struct error *err);
int state_set_expires(struct state *s, const char *id, int64_t expires, struct error *err);
/* How many are to be removed by `now`; -1 on failure. */
int64_t state_count_expired(struct state *s, int64_t now, struct error *err);
/*
 * The environment with its generations, id ranges, variables and events. Its children become its parent's.
 */
int state_remove(struct state *s, const char *id, struct error *err);

/* Ids of environments that aren't there, of which there is something else. In the arena. */
int state_orphans(struct state *s, struct arena *arena, const char ***ids, size_t *n,
		  struct error *err);

struct generation {
	int64_t number;
	int64_t made; /* seconds since 1970 */
	const char *commit;
	const char *subject;
	const char *result;  /* "", "ok", or why it failed */
	const char *summary; /* of the plan: "swap app" */
	const char *causes;  /* plan_json() of what it changed; NULL or "": not known */
	char *document;	     /* canonical JSON of desired */
};

int state_add_generation(struct state *s, const char *id, const struct generation *g,
			 struct error *err);
int state_find_generation(struct state *s, struct arena *arena, const char *id, int64_t number,
			  struct generation *out, struct error *err);
int state_set_result(struct state *s, const char *id, int64_t number, const char *result,
		     struct error *err);
/* How many generations of any environment name that image; -1 on failure. */
int64_t state_count_uses(struct state *s, const char *digest, struct error *err);
/* Newest first, without documents. */
int state_list_generations(struct state *s, struct arena *arena, const char *id,
			   struct generation **out, size_t *n, struct error *err);

struct event {
	int64_t number, made_ms;	       /* since 1970 */
	const char *what, *container, *detail; /* "" where there is none */
	int64_t ms;			       /* it took */
};

int state_add_event(struct state *s, const char *id, const char *what, const char *container,
		    const char *detail, uint64_t ms, struct error *err);
/* Behind a number, at most the last so many, oldest first. In the arena. */
int state_list_events(struct state *s, struct arena *arena, const char *id, int64_t after,
		      int64_t last, struct event **out, size_t *n, struct error *err);

struct var; /* variables.h */
int state_set_variable(struct state *s, const struct var *v, struct error *err);
int state_remove_variable(struct state *s, const char *owner, const char *app, const char *name,
			  struct error *err);
/* By app and name; in the arena. */
int state_list_variables(struct state *s, struct arena *arena, const char *owner, struct var **out,
			 size_t *n, struct error *err);
int state_add_secret(struct state *s, const char *project_id, const char *digest,
		     const char *sealed, struct error *err);
int state_find_secret(struct state *s, struct arena *arena, const char *project_id,
		      const char *digest, const char **sealed, struct error *err);
/* Those that neither a variable nor a generation refers to. */
int state_drop_secrets(struct state *s, struct error *err);

/*
 * The first host id of the container's range, allocated at first use and kept until state_remove. Ranges
 * are 65536 ids at 0x70000000 and up: above what subuid(5) and systemd give out.
 */
int state_id_range(struct state *s, const char *id, const char *container, uint32_t *first,
		   struct error *err);

/* Secrets and names that are made once for a project: 52 characters of base32. */
int state_entropy(struct state *s, struct arena *arena, const char *project_id, const char **out,
		  struct error *err);
/* Of a project that has none yet: as it had elsewhere. */
int state_set_entropy(struct state *s, const char *project_id, const char *entropy,
		      struct error *err);
