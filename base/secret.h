/*
 * secret.h - keyed digests and sealed text, by libcrypto
 *
 * A digest is HMAC-SHA-256 (RFC 2104). Sealed text is AES-256-GCM (NIST SP 800-38D) with a random nonce of 96 bits, written as hex digits:
 * nonce, ciphertext, tag.
 */
#pragma once

#include <stddef.h>

#include "base/sha256.h"

struct arena;
struct error;

#define SECRET_KEY 32 /* bytes */

int secret_random(unsigned char *out, size_t size, struct error *err);

void secret_mac(const char *key, const void *data, size_t size, char out[SHA256_HEX]);

/* context isn't secret, and has to be the same again to open it. In the arena; NULL on failure. */
char *secret_seal(struct arena *arena, const unsigned char key[SECRET_KEY], const char *context,
		  const void *data, size_t size, struct error *err);
/* In the arena, terminated by a NUL that *size doesn't count. NULL when it was sealed with another key or context, or was changed. */
char *secret_open(struct arena *arena, const unsigned char key[SECRET_KEY], const char *context,
		  const char *sealed, size_t *size, struct error *err);

/* Lower-case digits, in the arena; and back: -1 unless it is exactly `size` bytes. */
char *secret_to_hex(struct arena *arena, const unsigned char *data, size_t size);
int secret_from_hex(const char *hex, unsigned char *out, size_t size);
