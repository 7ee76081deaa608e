/*
 * sha256.h - SHA-256 (FIPS 180-4) by libcrypto, its only user
 *
 * A digest is written as 64 lower-case hexadecimal digits everywhere.
 */
#pragma once

#include <stddef.h>

struct error;

#define SHA256_HEX 65 /* bytes, with the terminating NUL */

struct sha256; /* a running hash */

struct sha256 *sha256_begin(void);
void sha256_add(struct sha256 *hash, const void *data, size_t size);
/* Writes the digest and frees the hash. */
void sha256_end(struct sha256 *hash, char out[SHA256_HEX]);

void sha256_of(const void *data, size_t size, char out[SHA256_HEX]);
/* The rest of the file from its current offset. */
int sha256_of_fd(int fd, char out[SHA256_HEX], struct error *err);
