/*
 * converge.h - make an environment be what its wanted generation says
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "orchestrator/world.h"

struct error;

struct converge_options {
	bool hooks;	     /* of a deploy; also run when an interrupted deploy is carried on */
	uint64_t timeout_ms; /* 0: the default */
	int cancel;	     /* a client's connection that may say "cancel"; -1: none */
	int door;	     /* where other clients knock; -1: none */
	bool (*knock)(void *ctx);
	world_event *event;
	void *ctx;
};

/*
 * One pass: state and record are read, planned, applied. When that fails and an earlier generation was good, that
 * one is made the wanted one again and returned to; then the failure is reported, as ERROR_BROKEN if returning failed as well.
 * Nothing good before: everything is stopped, data stays. w is opened anew.
 */
int converge(struct world *w, const struct host *h, struct state *state, const char *id,
	     const struct converge_options *options, struct error *err);

/* Stop all containers, last in relationship order first, and take the network down. The record is empty afterwards. */
int converge_stop(struct world *w, const struct host *h, struct state *state, const char *id,
		  const struct converge_options *options, struct error *err);
