/*
 * secrets.h - texts of sensitive variables: sealed in the state, found by the digest that documents hold
 *
 * They are sealed with a key of this host, <state>/secret.key: 0600, and where the host has a key of its own (systemd-creds(1)) encrypted
 * with that, as <state>/secret.key.cred. A text stays for as long as a variable or a generation refers to it, so that
 * going back finds it.
 */
#pragma once

#include <stddef.h>

#include "base/sha256.h"

struct arena;
struct error;
struct host;
struct json_t;
struct state;

/* Seal the text and keep it; its digest. */
int secrets_put(const struct host *h, struct state *state, const char *project_id, const char *text,
		char digest[SHA256_HEX], struct error *err);
/* NULL on failure; in the arena. */
char *secrets_get(struct arena *arena, const struct host *h, struct state *state,
		  const char *project_id, const char *digest, struct error *err);

/*
 * For what leaves this root: the key that texts are sealed with, and the credential that systemd-creds(1) makes it of again on this host, whatever the
 * root; NULL where the host has no key of its own. In the arena.
 */
int secrets_key(struct arena *arena, const struct host *h, unsigned char key[32],
		const char **credential, struct error *err);
int secrets_key_of(const char *credential, unsigned char key[32], struct error *err);

/* All that a container's document refers to: a map from digests to texts, owned by the caller. NULL on failure. */
struct json_t *secrets_of(const struct host *h, struct state *state, const char *project_id,
			  const struct json_t *container, struct error *err);
