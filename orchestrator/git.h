/*
 * git.h - the git command, run as the owner of the repository
 *
 * Never as root over somebody else's repository: its configuration could name programs to run.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct arena;
struct error;
struct project;

struct git {
	const char *folder;
	uid_t uid;
	gid_t gid;
	const char *const *env; /* more variables, NULL-terminated; or NULL */
	bool writes; /* to the user's repository: cut short, git leaves locks that a person has to remove */
};

struct git git_of(const struct project *p);

/* Standard output of `git ARGS...` (NULL-terminated), in the arena; NULL when it failed. */
char *git_output(struct arena *arena, const struct git *git, struct error *err, ...)
	__attribute__((sentinel));
/* Its first line. */
char *git_line(struct arena *arena, const struct git *git, struct error *err, ...)
	__attribute__((sentinel));
