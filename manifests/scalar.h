/*
 * scalar.h - what a plain scalar is: YAML 1.1 as people write it
 *
 * yes/no/on/off are flags, 0755 is octal. Numbers over 60 ("1:30") and infinities stay texts.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct json_t;
struct node;

bool node_is_null(const struct node *n);	      /* not for NULL, which is no node */
bool node_flag(const struct node *n, bool *out);      /* false: it is none */
bool node_number(const struct node *n, int64_t *out); /* a whole number; false: it is none */
bool node_real(const struct node *n, double *out);    /* one with a fraction; false: it is none */
bool node_is_text(const struct node *n);	      /* none of those, and a scalar */

/* "a map", "a list", "a text", "a number", "true or false", "empty". */
const char *node_kind_name(const struct node *n);

/* Owned by the caller. */
struct json_t *node_json(const struct node *n);
