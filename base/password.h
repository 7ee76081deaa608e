/*
 * password.h - passwords as crypt(5) keeps them, for other programs to compare with
 */
#pragma once

struct error;

#define PASSWORD_HASH 384

/* "$6$rounds=1000$...": SHA-512 with a random salt. Few rounds: who compares does so with each request. */
int password_hash(const char *password, char out[PASSWORD_HASH], struct error *err);
