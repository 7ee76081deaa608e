#include "base/password.h"

#include <crypt.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define ROUNDS 1000

int password_hash(const char *password, char out[PASSWORD_HASH], struct error *err)
{
	_Static_assert(PASSWORD_HASH >= CRYPT_OUTPUT_SIZE, "crypt(3) writes that much");
	struct crypt_data *data = calloc(1, sizeof(*data));
	char salt[CRYPT_GENSALT_OUTPUT_SIZE];
	const char *hash = NULL;
	int r = 0;

	if (!data)
		abort();
	if (crypt_gensalt_rn("$6$", ROUNDS, NULL, 0, salt, sizeof(salt)))
		hash = crypt_r(password, salt, data);
	/* What it can't do starts with a '*'. */
	if (!hash || *hash == '*')
		r = fail(err, ERROR_SYSTEM, "hash of a password: %s", strerror(errno));
	else
		memcpy(out, hash, strlen(hash) + 1);
	free(data);
	return r;
}
