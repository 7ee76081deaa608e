#include "orchestrator/access.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "base/password.h"
#include "base/text.h"
#include "netplan/plan.h"

#define NAME "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@"

/* "any", an IPv4 address, or a network of them. */
static bool is_network(struct arena *arena, const char *text)
{
	char *address = arena_strdup(arena, text);
	char *slash = strchr(address, '/');
	uint32_t ignored;
	uint64_t bits;

	if (!strcmp(text, "any"))
		return true;
	if (slash)
		*slash++ = '\0';
	return net_parse(address, &ignored) == 0 && (!slash || text_to_u64(slash, 32, &bits) == 0);
}

static int add_rule(struct arena *arena, struct json_t *list, const char *text, struct error *err)
{
	const char *colon = strchr(text, ':');
	const char *permission = colon ? arena_strndup(arena, text, (size_t)(colon - text)) : "";
	struct json_t *rule;

	if ((strcmp(permission, "allow") != 0 && strcmp(permission, "deny") != 0) ||
	    !is_network(arena, colon + 1))
		return fail(err, ERROR_INPUT,
			    "--access %s: not \"allow:\" or \"deny:\" with an IPv4 address, a "
			    "network such as 192.0.2.0/24, or any",
			    text);
	rule = json_add(list, json_new_map());
	json_put_text(rule, "permission", permission);
	json_put_text(rule, "address", colon + 1);
	return 0;
}

static int read_password(struct arena *arena, const char *name, const char **out, struct error *err)
{
	char line[1024];

	if (!fgets(line, sizeof(line), stdin))
		return fail(err, ERROR_INPUT, "--auth %s:-: no line on standard input", name);
	line[strcspn(line, "\n")] = '\0';
	*out = arena_strdup(arena, line);
	return 0;
}

static int add_user(struct arena *arena, struct json_t *map, const char *text, struct error *err)
{
	const char *colon = strchr(text, ':');
	const char *name = colon ? arena_strndup(arena, text, (size_t)(colon - text)) : text;
	const char *password = colon ? colon + 1 : "";
	char hash[PASSWORD_HASH];

	if (!*name || strspn(name, NAME) != strlen(name))
		return fail(err, ERROR_INPUT, "--auth: \"%s\" is no name for a user", name);
	if (!strcmp(password, "-") && read_password(arena, name, &password, err) < 0)
		return -1;
	if (!*password)
		return fail(err, ERROR_INPUT,
			    "--auth %s: no password; write %s:PASSWORD, or %s:- to read it from "
			    "standard input",
			    name, name, name);
	if (password_hash(password, hash, err) < 0)
		return -1;
	json_put_text(map, name, hash);
	return 0;
}

/* Each line of a flag that was given several times. */
static int each(struct arena *arena, const char *lines, struct json_t *into,
		int (*add)(struct arena *, struct json_t *, const char *, struct error *),
		struct error *err)
{
	char *rest = arena_strdup(arena, lines), *line;

	if (!strcmp(lines, "-"))
		return 0;
	while ((line = strsep(&rest, "\n")))
		if (add(arena, into, line, err) < 0)
			return -1;
	return 0;
}

const char *access_set(struct arena *arena, const char *had, const char *rules, const char *users,
		       struct error *err)
{
	AUTO(json)
	struct json_t *access =
		had && *had ? json_parse("access", had, strlen(had), err) : json_new_map();

	if (!access)
		return NULL;
	if (rules &&
	    each(arena, rules, json_put(access, "addresses", json_new_list()), add_rule, err) < 0)
		return NULL;
	if (users &&
	    each(arena, users, json_put(access, "basic_auth", json_new_map()), add_user, err) < 0)
		return NULL;
	if (!json_count(json_get(access, "addresses")))
		json_drop(access, "addresses");
	if (!json_count(json_get(access, "basic_auth")))
		json_drop(access, "basic_auth");
	return json_count(access) ? json_print(arena, access, FORM_CANONICAL) : "";
}
