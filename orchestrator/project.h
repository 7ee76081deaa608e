/*
 * project.h - the folder with the manifest, and the git branch it stands on
 */
#pragma once

#include <stdbool.h>

struct arena;
struct error;
struct options;

struct project {
	const char *folder; /* absolute: where the manifest is */
	const char
		*identity; /* the same for all git worktrees of it: absolute path of the main one */
	const char *name;  /* slug of the folder's name, or -p */
	const char *id;	   /* 13 characters of base32: hash of the identity */
	bool git;
	const char *prefix; /* folder below the git top level, "" or "x/" */
	const char
		*branch; /* environment's name: -e, $ORCH_ENVIRONMENT, the git branch, or "main" */
	const char *commit;  /* 40 hex digits; "" outside git or before the first commit */
	const char *subject; /* first line of the commit's message */
	bool branched;	     /* git has a branch of that name */
	bool detached;	     /* no branch is checked out, and none was asked for */
	bool is_default;     /* branch is the default branch: the production environment */
	unsigned owner;	     /* uid that git runs as: the owner of the folder */
	unsigned group;
};

/* From options->folder (or the caller's) upwards to the first folder with a manifest. ERROR_ABSENT when there is none. */
int project_open(struct arena *arena, const struct options *options, struct project *out,
		 struct error *err);

/* Its folder alone: without git, and so at once. */
int project_find(struct arena *arena, const struct options *options, const char **folder,
		 struct error *err);

/* Whether an environment of that name is the project's production environment. */
bool project_is_default(struct arena *arena, const struct project *p, const char *branch);

/* "feature/Search #2" gives "feature-search-2": [a-z0-9-], at most 40. */
char *project_slug(struct arena *arena, const char *text);

/* size characters of RFC 4648 base32, lower case, of the SHA-256 of text. */
char *project_hash(struct arena *arena, const char *text, unsigned size);

/* Machine name of an environment: slug of its name, '-', 7 characters of hash. */
char *project_environment(struct arena *arena, const char *project_id, const char *name);
/* Whether text has the form of one: other things are beside environments' folders. */
bool project_is_environment(const char *text);

/*
 * The git tree of the app's root (a folder below the project; "" is the project): of the commit, or of the files as they are
 * (worktree, or no git at all); without manifests, so that a change of those is no new code. Its id has 40 hex digits. Export writes its files below `to`.
 */
int project_tree(struct arena *arena, const struct project *p, const char *root, bool worktree,
		 const char *scratch, const char **tree, struct error *err);
int project_export(struct arena *arena, const struct project *p, const char *tree,
		   const char *scratch, const char *to, struct error *err);
