/*
 * git_branch.h - branches of a project's repository, as environments go with them
 */
#pragma once

#include <stdbool.h>

struct arena;
struct error;
struct project;

bool git_branch_exists(struct arena *arena, const struct project *p, const char *name);
/* As `git branch NAME`: at the present commit, without switching. *made says whether it wasn't there. */
int git_branch_ensure(struct arena *arena, const struct project *p, const char *name, bool *made,
		      struct error *err);
/* Only of one that git_branch_ensure() has just made. */
int git_branch_remove(struct arena *arena, const struct project *p, const char *name,
		      struct error *err);
/* The one that the project's folder stands on, in the arena; NULL when it is on none. */
const char *git_branch_here(struct arena *arena, const struct project *p);
/* The one that was left by the last switch, in the arena; NULL when there is none. */
const char *git_branch_previous(struct arena *arena, const struct project *p);

/* ERROR_CONFLICT when tracked files of the folder's worktree are changed: action is what has to wait for that. */
int git_need_clean(struct arena *arena, const struct project *p, const char *folder,
		   const char *action, struct error *err);

/*
 * Merge that branch into the one that the project stands on, forward where possible. On a conflict nothing
 * is changed, and *err names the files and the way out.
 */
int git_branch_merge(struct arena *arena, const struct project *p, const char *from,
		     struct error *err);
/* The top folder of the worktree that stands on that branch, in the arena; NULL when none does. */
const char *git_branch_worktree(struct arena *arena, const struct project *p, const char *branch);
/* Move branch `to` forward to the project's commit, in the worktree that stands on it if one does. Never a merge. */
int git_branch_forward(struct arena *arena, const struct project *p, const char *to,
		       struct error *err);
