/*
 * deploy.h - from the files to a running group, for the verbs that do that
 */
#pragma once

struct error;
struct progress;
struct request;
struct session;

/*
 * Of the environment that the session's options mean, in an opened session; q is zeroed, and closed by the caller afterwards. 0 when all is ready,
 * DEPLOY_NOTHING when it was before.
 */
#define DEPLOY_NOTHING 1
int deploy(struct session *s, struct request *q, struct progress *progress, struct error *err);
