/*
 * within.h - do something in a container's mounts: paths are its own, everything else stays the caller's
 */
#pragma once

struct container;
struct error;

/* work(ctx, err) in a child, after fork(2): what it changes in memory is lost, descriptors are shared. 0, or its -1 and *err. */
int within_mounts(const struct container *c, int (*work)(void *ctx, struct error *err), void *ctx,
		  struct error *err);
