/*
 * codes.h - what each code of a problem means: orch explain
 */
#pragma once

#include <stddef.h>

struct code {
	const char *code;  /* "E0203" */
	const char *title; /* "unknown key" */
	const char *text;  /* a paragraph: why it is said, and the way out */
};

extern const struct code codes[];
extern const size_t n_codes;

/* Also in lower case; NULL when there is none. */
const struct code *codes_find(const char *code);
