/*
 * host.h - where everything of one root is: ARCHITECTURE.md, "On disk"
 */
#pragma once

#include "base/sha256.h"

struct arena;
struct error;

struct host {
	const char *root;    /* absolute, without a trailing '/'; "" is the host's own */
	const char *state;   /* <root>/var/lib/orch */
	const char *images;  /* .../images */
	const char *pool;    /* .../pool */
	const char *log;     /* .../log */
	const char *scratch; /* .../scratch: builds at work */
	const char *cache;   /* .../cache: what builds keep */
	const char *run;     /* <root>/run/orch */
	const char *mounts;  /* .../images: the host's mounts of images */
	const char *dev;     /* .../dev: the template of /dev */
	const char *cgroups; /* first component of all cgroups: "orch", or "orch-<tag>" */
	const char *share;   /* catalogue; $ORCH_SHARE instead for an uninstalled orch */
	const char *init;    /* orch-init; $ORCH_LIBEXEC likewise */
	char tag[9]; /* hash of root: keeps names on the host apart; "" for the host's own */
};

/* root: absolute or relative to the caller's folder; NULL is the host's own. Paths live in the arena. Touches nothing. */
int host_open(struct arena *arena, const char *root, struct host *out, struct error *err);

/* Make the folders that state lives in. Needs root. */
int host_ensure(const struct host *h, struct error *err);

/* Fails with ERROR_PERMISSION unless run as root: what is the action that needs it. */
int host_need_root(const char *what, struct error *err);

/* This boot's id: random(4), /proc/sys/kernel/random/boot_id. buf holds 40 bytes; returned. */
char *host_boot_id(char *buf);
