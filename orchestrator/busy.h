/*
 * busy.h - who is at work in an environment, so that it doesn't fall asleep under him
 *
 * A shared lock on <run>/<environment>/busy, which ends with its holder: exec and run take it, and so does whatever
 * else isn't seen as traffic.
 */
#pragma once

struct error;
struct host;

/* Held until *out, the caller's, is closed. Whoever is about to put the environment to sleep is waited for. */
int busy_hold(const struct host *h, const char *environment, int *out, struct error *err);

/* Nobody is at work, nor starts to before *out is closed; or BUSY. */
#define BUSY 1
int busy_exclude(const struct host *h, const char *environment, int *out, struct error *err);
