/*
 * source_op.h - source.operations: commands that change the source, on a clone of it that nobody else sees
 *
 * What such a command commits comes back as a bundle (git-bundle(1)) that git made in the container, of which the user's repository takes the
 * commits: nothing that the command could leave in the clone is run or read outside.
 */
#pragma once

struct error;
struct request;
struct session;

/*
 * In each app that declares it, one after the other, of the commit that the branch of s->env stands on. 0: the branch stands on
 * the last commit that was made. SOURCE_OP_NOTHING: none was made. -1: the repository is as it was.
 */
#define SOURCE_OP_NOTHING 1
int source_op_run(struct session *s, struct request *q, const char *name, struct error *err);
