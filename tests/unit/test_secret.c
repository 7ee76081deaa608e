#include <criterion/criterion.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/secret.h"

/* RFC 4231, test case 2. */
Test(secret, mac_known_answer)
{
	char hex[SHA256_HEX];

	secret_mac("Jefe", "what do ya want for nothing?", 28, hex);
	cr_assert_str_eq(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

/* Test case 14 of McGrew and Viega's "The Galois/Counter Mode": key, nonce and 16 bytes of plaintext are zeros. */
Test(secret, opens_what_others_sealed)
{
	static const unsigned char key[SECRET_KEY];
	static const char sealed[] = "000000000000000000000000"
				     "cea7403d4d606b6e074ec5d3baf39d18"
				     "d0d1c8a799996bf0265b98b5d48ab919";
	AUTO(arena) struct arena arena = { 0 };
	struct error err = { 0 };
	size_t size;
	char *plain = secret_open(&arena, key, "", sealed, &size, &err);

	cr_assert_not_null(plain, "%s", err.text);
	cr_assert_eq(size, 16);
	cr_assert_eq(memcmp(plain, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16), 0);
}

/* As Python's hashlib.scrypt() has it. */
Test(secret, derived_known_answer)
{
	unsigned char salt[SECRET_SALT], key[SECRET_KEY];
	AUTO(arena) struct arena arena = { 0 };

	for (unsigned char i = 0; i < SECRET_SALT; i++)
		salt[i] = i;
	secret_derive("correct horse", 13, salt, key);
	cr_assert_str_eq(secret_to_hex(&arena, key, sizeof(key)),
			 "5c662628ac4eb1068a287e2aa2a202ae248e98db04d61d3327e7342db6ec7097");
}

Test(secret, opens_only_what_was_sealed)
{
	unsigned char key[SECRET_KEY] = { 1 }, other[SECRET_KEY] = { 2 };
	AUTO(arena) struct arena arena = { 0 };
	struct error err = { 0 };
	char *a = secret_seal(&arena, key, "x/y", "geheim", 6, &err);
	char *b = secret_seal(&arena, key, "x/y", "geheim", 6, &err);
	size_t size, len = strlen(a);

	cr_assert_str_neq(a, b);
	cr_assert_str_eq(secret_open(&arena, key, "x/y", a, &size, &err), "geheim");
	cr_assert_eq(size, 6);
	cr_expect_null(secret_open(&arena, other, "x/y", a, &size, &err));
	cr_expect_null(secret_open(&arena, key, "x/z", a, &size, &err));
	cr_expect_null(secret_open(&arena, key, "x/y", "", &size, &err));
	cr_expect_null(secret_open(&arena, key, "x/y", "00ff", &size, &err));
	for (size_t i = 0; i < len; i++) {
		char was = a[i];

		a[i] = was == '0' ? '1' : '0';
		cr_expect_null(secret_open(&arena, key, "x/y", a, &size, &err), "digit %zu", i);
		a[i] = was;
	}
}

Test(secret, seals_nothing_too)
{
	unsigned char key[SECRET_KEY] = { 1 };
	AUTO(arena) struct arena arena = { 0 };
	struct error err = { 0 };
	size_t size;
	char *sealed = secret_seal(&arena, key, "", "", 0, &err);

	cr_assert_str_eq(secret_open(&arena, key, "", sealed, &size, &err), "");
	cr_assert_eq(size, 0);
}
