#include "base/secret.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"

#define NONCE 12
#define TAG 16

int secret_random(unsigned char *out, size_t size, struct error *err)
{
	return getrandom(out, size, 0) == (ssize_t)size ? 0 : fail_errno(err, "getrandom");
}

char *secret_to_hex(struct arena *arena, const unsigned char *data, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	char *out = arena_alloc(arena, 2 * size + 1);

	for (size_t i = 0; i < size; i++) {
		out[2 * i] = digits[data[i] >> 4];
		out[2 * i + 1] = digits[data[i] & 15];
	}
	out[2 * size] = '\0';
	return out;
}

int secret_from_hex(const char *hex, unsigned char *out, size_t size)
{
	if (strlen(hex) != 2 * size || strspn(hex, "0123456789abcdef") != 2 * size)
		return -1;
	for (size_t i = 0; i < size; i++) {
		const char two[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

		out[i] = (unsigned char)strtoul(two, NULL, 16);
	}
	return 0;
}

void secret_derive(const void *text, size_t size, const unsigned char salt[SECRET_SALT],
		   unsigned char key[SECRET_KEY])
{
	/* Fails for want of memory alone. */
	if (EVP_PBE_scrypt(text, size, salt, SECRET_SALT, 32768, 8, 1, 64 << 20, key, SECRET_KEY) !=
	    1)
		abort();
}

void secret_mac(const char *key, const void *data, size_t size, char out[SHA256_HEX])
{
	AUTO(arena) struct arena arena = { 0 };
	unsigned char raw[32];

	if (!HMAC(EVP_sha256(), key, (int)strlen(key), data, size, raw, NULL))
		abort();
	memcpy(out, secret_to_hex(&arena, raw, sizeof(raw)), SHA256_HEX);
}

char *secret_seal(struct arena *arena, const unsigned char key[SECRET_KEY], const char *context,
		  const void *data, size_t size, struct error *err)
{
	unsigned char *out = arena_alloc(arena, NONCE + size + TAG);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;

	if (!ctx || size > INT_MAX)
		abort();
	if (secret_random(out, NONCE, err) < 0) {
		EVP_CIPHER_CTX_free(ctx);
		return NULL;
	}
	/* None of these fails but for want of memory. */
	if (!EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, out) ||
	    !EVP_EncryptUpdate(ctx, NULL, &n, (const unsigned char *)context,
			       (int)strlen(context)) ||
	    !EVP_EncryptUpdate(ctx, out + NONCE, &n, data, (int)size) ||
	    !EVP_EncryptFinal_ex(ctx, out + NONCE + size, &n) ||
	    !EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG, out + NONCE + size))
		abort();
	EVP_CIPHER_CTX_free(ctx);
	return secret_to_hex(arena, out, NONCE + size + TAG);
}

char *secret_open(struct arena *arena, const unsigned char key[SECRET_KEY], const char *context,
		  const char *sealed, size_t *size, struct error *err)
{
	size_t all = strlen(sealed) / 2, n = all < NONCE + TAG ? 0 : all - NONCE - TAG;
	unsigned char *raw = arena_alloc(arena, all + 1);
	char *out = arena_alloc(arena, n + 1);
	EVP_CIPHER_CTX *ctx;
	int done, good;

	if (all < NONCE + TAG || all > INT_MAX || secret_from_hex(sealed, raw, all) < 0) {
		fail(err, ERROR_SYSTEM, "no sealed text");
		return NULL;
	}
	ctx = EVP_CIPHER_CTX_new();
	if (!ctx)
		abort();
	good = EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, raw) &&
		EVP_DecryptUpdate(ctx, NULL, &done, (const unsigned char *)context,
				  (int)strlen(context)) &&
		EVP_DecryptUpdate(ctx, (unsigned char *)out, &done, raw + NONCE, (int)n) &&
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG, raw + NONCE + n) &&
		EVP_DecryptFinal_ex(ctx, (unsigned char *)out + n, &done) > 0;
	EVP_CIPHER_CTX_free(ctx);
	if (!good) {
		fail(err, ERROR_SYSTEM, "the key of this host doesn't open it");
		return NULL;
	}
	out[n] = '\0';
	*size = n;
	return out;
}
