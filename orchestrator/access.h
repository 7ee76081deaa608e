/*
 * access.h - who may ask an environment's router: passwords, and addresses in order
 */
#pragma once

struct arena;
struct error;

/*
 * had with what was said changed, as the JSON text of environment.access (routes.h); "" for "anybody may". rules: of env set
 * --access, "allow:192.0.2.0/24" or "deny:any" a line, in place of those before; users: of --auth, "NAME:PASSWORD" a line,
 * likewise, "NAME:-" for one from standard input. "-" alone is none, NULL leaves them. In the arena; NULL with *err.
 */
const char *access_set(struct arena *arena, const char *had, const char *rules, const char *users,
		       struct error *err);
