/*
 * names.h - host names that firewalls name, and the addresses that they have
 *
 * <run>/<environment>/names.json: {"example.com": {"198.51.100.2": when it was last told, seconds since 1970}}
 *
 * Names are asked for by the host's own resolver, when a firewall first names them and again by the supervisor. Answers vary,
 * so an address stays for an hour after it was last told. A name without an address opens nothing.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct error;
struct host;
struct json_t;
struct text;

#define NAMES_MAX 64 /* in one environment */

/* An answer that is on its way: lines "NAME ADDRESS" on fd, which ends after ten seconds at most. */
struct names_question {
	int fd;
	size_t n;
	pid_t pids[NAMES_MAX];
};
#define NAMES_NO_QUESTION ((struct names_question){ .fd = -1 })

/* A map with each name that a container of the document names. Owned by the caller. */
struct json_t *names_wanted(const struct json_t *desired);

/* Ask for all keys of the map. */
int names_ask(const struct json_t *wanted, struct names_question *out, struct error *err);
/* What is there of the answer: 1 when that was all of it, 0 when more may come. */
int names_hear(const struct names_question *q, struct text *answer);
void names_done(struct names_question *q);
#define auto_names_question names_done

/* With what was answered at the time `now`, and without what is too old or not wanted any more. */
void names_learn(struct json_t *known, const struct json_t *wanted, const char *answer,
		 int64_t now);

/* What is known; NULL on failure. Owned by the caller. */
struct json_t *names_load(const struct host *h, const char *environment, struct error *err);
int names_save(const struct host *h, const char *environment, const struct json_t *known,
	       struct error *err);

/* The same, after asking for what the document names and nobody asked for before, five seconds at most. */
struct json_t *names_know(const struct host *h, const char *environment,
			  const struct json_t *desired, struct error *err);
