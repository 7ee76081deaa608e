/*
 * lower.h - from a container's document to what the peers take
 *
 * Pure: documents and an image's description in, plain structs and texts out.
 */
#pragma once

#include <stdint.h>

#include "netplan/plan.h"
#include "orchestrator/contract.h"
#include "runtime/cgroup.h"
#include "runtime/init.h"

struct image_description;

struct lower_input {
	struct contract contract;
	const struct image_description *image;
	const uint32_t *resolvers; /* DNS servers; written into resolv.conf */
	size_t n_resolvers;
};

/* Everything lives in the arena. */
struct lowered {
	struct init_spec init;
	const char *config; /* JSON that the image's hooks read: docs/orch-image.5.scd */
	const char *facts;  /* JSON that the container's own programs may read: /run/config.json */
	const char *hosts, *resolv, *hostname; /* whole files below /etc */
	/* Below /run/secrets, for the image's user: what variables name by path. */
	const struct lowered_file {
		const char *name, *text;
	} * secrets;
	size_t n_secrets;
	const char *const *env; /* of hooks and of commands that users run; with PATH */
	const char *user;	/* the image's */
	uint32_t uid, gid;
};

void lower_container(struct arena *arena, const struct lower_input *in, struct lowered *out);
/* lowered.facts alone. */
const char *lower_config(struct arena *arena, const struct lower_input *in);

/* Its part for orch-init. env: contract_environment(). */
void lower_init(struct arena *arena, const struct lower_input *in, const struct json_t *env,
		struct init_spec *out);

/*
 * The image's own variables, then what is the same for every program of the user, then `more`. steady: without those that
 * may change under a program that goes on: with a commit, or a location.
 */
const char *const *lower_env(struct arena *arena, const struct image_description *image,
			     const char *user, const struct json_t *more, bool steady);
/* What lower_env() leaves out when steady. */
const char *const *lower_facts(struct arena *arena, const struct json_t *env);

/* dash reads .environment after all other variables are set; its own output must not disturb. */
#define LOWER_ENVIRONMENT "[ ! -f /app/.environment ] || . /app/.environment; "

/* Its parts for what people set: php.ini settings into the app's document, and lowered.secrets. */
void lower_php(const struct lower_input *in, struct json_t *app);
void lower_secrets(struct arena *arena, const struct lower_input *in, struct lowered *out);

/* uid and gid of one of the image's users; root is always 0. -1 when there is none. */
int lower_user(const struct image_description *image, const char *name, uint32_t *uid,
	       uint32_t *gid);

/* Where a mount's files are: whose volume, which is the container's own or another's, and in which folder of it. In the arena. */
const char *lower_mount_owner(const char *container, const struct json_t *mount);
const char *lower_mount_folder(struct arena *arena, const struct json_t *mount);

void lower_limits(const struct json_t *container, struct cgroup_limits *out);

/*
 * The network of the whole environment. Egress: for its apps and workers, unless a firewall limits it; of services for those that have one.
 * names: what is known of host names (names.h). Lives in the arena; id and uplink are the caller's.
 */
void lower_network(struct arena *arena, const struct json_t *desired, const uint32_t *resolvers,
		   size_t n_resolvers, const struct json_t *names, struct net_plan *out);

/* The shell command that an app's hook is, with .environment read first: argv, NULL-terminated. */
const char *const *lower_hook(struct arena *arena, const char *script);

/* A program of a user's, likewise. */
const char *const *lower_command(struct arena *arena, const char *const *argv);

/* The same for a build hook: there is no .environment yet. */
const char *const *lower_script(struct arena *arena, const char *script);

/* What the image's hooks read while an app is built: the same document, without what only runs know. */
const char *lower_build_config(struct arena *arena, const struct lower_input *in,
			       const struct json_t *env);

/* What a build hook's processes are given: vars is a map of texts. */
const char *const *lower_build_env(struct arena *arena, const struct image_description *image,
				   const struct json_t *vars);
