/*
 * preview.h - what a copy of another environment's document has of its own
 */
#pragma once

struct error;
struct json_t;
struct session;

/*
 * The document becomes that of the session's environment: its variables, among which those it doesn't inherit aren't, and
 * unless it is production the smallest sizes.
 */
int preview_adapt(struct session *s, struct json_t *document, struct error *err);
