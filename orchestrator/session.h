/*
 * session.h - what one command works with: root, state, project, environment
 */
#pragma once

#include "base/arena.h"
#include "manifests/recipe.h"
#include "orchestrator/host.h"
#include "orchestrator/options.h"
#include "orchestrator/project.h"
#include "orchestrator/state.h"

struct error;
struct json_t;

struct session {
	struct arena arena;
	const struct options *options;
	struct host host;
	struct state *state;	/* NULL: nothing was ever deployed */
	struct project project; /* .folder NULL: not opened */
	struct environment env;
	bool exists; /* env is in the state */
};

/* Root, and the state when there is one. *s must be closed, also on failure. */
#define SESSION_NONE ((struct session){ .options = NULL })
int session_open(struct session *s, const struct options *options, struct error *err);
void session_close(struct session *s);
#define auto_session session_close

/* Make the state if need be: as root. what is the verb. */
int session_need_state(struct session *s, const char *what, struct error *err);

/*
 * For reading verbs: open, the environment, and its record (owned by the caller). A dead supervisor of one that should run is
 * started again.
 */
int session_supervised(struct session *s, const struct options *options, struct json_t **record,
		       struct error *err);

/* The project and its environment; s->exists says whether the state has it. */
int session_project(struct session *s, struct error *err);

/* The environment of another branch of the opened project. */
int session_select(struct session *s, const char *name, struct error *err);

/*
 * The environment that the command line means: a machine name or a branch of any project with -e, else
 * that of the project here. ERROR_ABSENT when there is none. One whose destroy was cut short is destroyed and then there is none.
 */
int session_environment(struct session *s, struct error *err);
/* The same, and one that is being destroyed is left at that. */
int session_find(struct session *s, struct error *err);

/*
 * The lock of s->env: who changes what the environment should be holds it. SESSION_LOCKED: somebody does. In its run folder, which is made
 * for it; that the folder was removed meanwhile is seen to.
 */
#define SESSION_LOCKED 1
int session_lock(struct session *s, int *lock, struct error *err);

/* The catalogue: of the share folder, of /etc/orch, of the project if it is opened, and imported images. Its problems are an ERROR_INPUT. */
int session_catalog(struct session *s, struct catalog *out, struct error *err);

/* The document of a generation, 0: the wanted one. Owned by the caller; NULL on failure. */
struct json_t *session_document(struct session *s, int64_t number, struct error *err);
struct json_t *session_document_of(struct session *s, const struct environment *e, int64_t number,
				   struct error *err);

/* One document of a reading verb to standard output: {"schema": "orch.ps/1", "items": ...}. Takes items. */
void session_print(const char *schema, const char *key, struct json_t *items);

/* All environments of the root, or those that should run, whatever happens to one; the first failure is the one that is reported. */
int session_each(struct session *s,
		 int (*fn)(struct session *, struct environment *, struct error *),
		 bool wanted_only, struct error *err);
