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

/* A key of what people can remember or keep in a file: scrypt (RFC 7914) with N 32768, r 8, p 1, which takes 32 MiB and a tenth of a second. */
#define SECRET_SALT 16
void secret_derive(const void *text, size_t size, const unsigned char salt[SECRET_SALT],
		   unsigned char key[SECRET_KEY]);

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
