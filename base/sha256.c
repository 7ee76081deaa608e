#include "base/sha256.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"

/* struct sha256 is libcrypto's own context behind another name. */
static EVP_MD_CTX *context(struct sha256 *hash)
{
	return (EVP_MD_CTX *)(void *)hash;
}

struct sha256 *sha256_begin(void)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (!ctx || !EVP_DigestInit_ex(ctx, EVP_sha256(), NULL))
		abort();
	return (struct sha256 *)(void *)ctx;
}

void sha256_add(struct sha256 *hash, const void *data, size_t size)
{
	if (!EVP_DigestUpdate(context(hash), data, size))
		abort();
}

void sha256_end(struct sha256 *hash, char out[SHA256_HEX])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char raw[32];

	if (!EVP_DigestFinal_ex(context(hash), raw, NULL))
		abort();
	EVP_MD_CTX_free(context(hash));
	for (size_t i = 0; i < sizeof(raw); i++) {
		out[2 * i] = digits[raw[i] >> 4];
		out[2 * i + 1] = digits[raw[i] & 15];
	}
	out[SHA256_HEX - 1] = '\0';
}

void sha256_of(const void *data, size_t size, char out[SHA256_HEX])
{
	struct sha256 *hash = sha256_begin();

	sha256_add(hash, data, size);
	sha256_end(hash, out);
}

int sha256_of_fd(int fd, char out[SHA256_HEX], struct error *err)
{
	struct sha256 *hash = sha256_begin();
	static char block[1 << 16];
	ssize_t got;

	while ((got = TEMP_FAILURE_RETRY(read(fd, block, sizeof(block)))) > 0)
		sha256_add(hash, block, (size_t)got);
	sha256_end(hash, out);
	return got < 0 ? fail_errno(err, "read for a digest") : 0;
}
