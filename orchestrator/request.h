/*
 * request.h - from the project's files to the document that a deploy wants
 */
#pragma once

#include "manifests/manifest.h"
#include "manifests/recipe.h"
#include "orchestrator/bases.h"
#include "orchestrator/plan.h"

struct desired_image;
struct json_t;
struct options;
struct session;
struct var;

/* What counts for one app. */
struct app_variables {
	const char *app;
	struct var *list; /* sorted by name */
	size_t n;
};

struct request {
	struct session *s;
	struct catalog catalog;
	struct problems problems;
	struct manifest manifest;
	struct app_variables *variables; /* of each app, in order; NULL: not looked up */
	struct desired_image *bases, *codes;
	size_t n_bases, n_codes;
	/* Each finished or running part, for people; NULL: not told. */
	void (*tell)(void *ctx, const char *what, const char *name, const char *detail,
		     uint64_t ms);
	build_line *line;
	void *ctx;
};

/*
 * Read and check everything; problems are printed to standard error. ERROR_INPUT when the manifest has errors, with
 * how many. *q must be closed, also on failure; zeroed before.
 */
int request_open(struct session *s, struct request *q, struct error *err);

/*
 * The same for who only looks: needs no state, no git and no rights, and takes what deploy can't do yet. Prints nothing:
 * the problems are in q->problems, errors among them, too.
 */
int request_read(struct session *s, const struct options *options, struct request *q,
		 struct error *err);
/* "2 errors", as an ERROR_INPUT, when there are any. */
int request_verdict(const struct request *q, struct error *err);

/* As request_images(), without any image: what is to be known of one is "unknown". */
int request_offline(struct request *q, struct json_t **desired, struct error *err);
void request_close(struct request *q);
#define auto_request request_close

/*
 * Find the images; when build is true, make the missing ones, else leave them out. The document is
 * owned by the caller. previous: of the generation before, or NULL.
 */
int request_images(struct request *q, bool build, const struct json_t *previous,
		   struct json_t **desired, struct error *err);

/* The variables that count in s->env for an app (variables_merge()). In the session's arena. */
int request_variables(struct session *s, const char *app, struct var **out, size_t *n,
		      struct error *err);
/* For each of these, in the session's arena; and what desired_make() takes of it, owned by the caller. */
int request_app_variables(struct session *s, const char *const *apps, size_t n,
			  struct app_variables **out, struct error *err);
struct json_t *request_documents(struct arena *arena, const struct app_variables *list, size_t n);

/* Address, port and names under which it is to be reached: asked for, had, or free. */
int request_publish(struct session *s, struct error *err);

/* For struct plan_view, with the request as ctx. */
const char *request_where(void *ctx, struct arena *arena, const char *container,
			  const char *const *path, size_t n);

/* Of each cause of the plan. */
void request_add_places(struct request *q, struct plan *plan);
