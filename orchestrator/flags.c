/*
 * flags.c - what each verb can be told, and where it is put
 */
#include "orchestrator/flags.h"

#include <stddef.h>

#include "orchestrator/options.h"

#define AT(member) offsetof(struct options, member)

static const char *const progress_choices[] = { "auto", "tty", "plain", "json", "none", NULL };
static const char *const type_choices[] = { "staging", "development", NULL };
static const char *const as_choices[] = { "variable", "file", NULL };
static const char *const format_choices[] = { "text", "json", "github", "sarif", NULL };

#define DOMAIN_FLAG                                                             \
	{                                                                       \
		"domain", 0, FLAG_LIST, AT(domains), "NAME",                    \
			"what {default} stands for in routes; again: more for " \
			"{all}; \"-\": none"                                    \
	}

/* Of each verb that makes environments. */
#define TTL_FLAG                                                                       \
	{                                                                              \
		"ttl", 0, FLAG_TEXT, AT(ttl), "TIME",                                  \
			"remove it by then (2h, 7d), or \"never\"; not for production" \
	}

/* Of each verb that may be the first to put data on this host. */
#define POOL_SIZE_FLAG                                                                \
	{                                                                             \
		"pool-size", 0, FLAG_TEXT, AT(pool_size), "SIZE",                     \
			"of the pool's file, if this makes it (default: 64G, sparse)" \
	}

const struct cli_flag common_flags[] = {
	{ "folder", 'C', FLAG_TEXT, AT(folder), "DIR",
	  "the project's folder (default: this one or above)" },
	{ "project", 'p', FLAG_TEXT, AT(project), "NAME", "another name for the project" },
	{ "environment", 'e', FLAG_TEXT, AT(environment), "NAME",
	  "the environment (default: $ORCH_ENVIRONMENT, or the git branch)" },
	{ "root", 0, FLAG_TEXT, AT(root), "DIR", "keep all state below DIR (default: $ORCH_ROOT)" },
	{ "json", 0, FLAG_SWITCH, AT(json), NULL, "JSON on standard output" },
	{ "quiet", 'q', FLAG_SWITCH, AT(quiet), NULL, "errors only" },
	{ "verbose", 'v', FLAG_COUNT, AT(verbose), NULL, "say more" },
	{ NULL },
};

#define LENIENT                                                    \
	{                                                          \
		"lenient", 0, FLAG_SWITCH, AT(lenient), NULL,      \
			"unknown keys are warnings: for old files" \
	}

const struct cli_flag config_flags[] = {
	{ "origin", 0, FLAG_SWITCH, AT(origin), NULL, "each value with its file and line" },
	LENIENT,
	{ NULL },
};
const struct cli_flag validate_flags[] = {
	{ "format", 0, FLAG_CHOICE, AT(format), "HOW", "text, json, github or sarif",
	  format_choices },
	LENIENT,
	{ NULL },
};
const struct cli_flag plan_flags[] = {
	{ "worktree", 0, FLAG_SWITCH, AT(worktree), NULL, "the files as they are, not the commit" },
	{ "publish", 0, FLAG_TEXT, AT(publish), "ADDR:PORT", "where it is to be reached" },
	DOMAIN_FLAG,
	{ "offline", 0, FLAG_SWITCH, AT(offline), NULL,
	  "all of it, as if nothing ran: without root, images and state" },
	LENIENT,
	{ "detailed-exitcode", 0, FLAG_SWITCH, AT(detailed), NULL,
	  "exit with 8 when there is something to do" },
	{ NULL },
};
const struct cli_flag deploy_flags[] = {
	{ "worktree", 0, FLAG_SWITCH, AT(worktree), NULL, "the files as they are, not the commit" },
	{ "publish", 0, FLAG_TEXT, AT(publish), "ADDR:PORT",
	  "where it is to be reached (default: 127.0.0.1 and a free port)" },
	DOMAIN_FLAG,
	LENIENT,
	{ "dry-run", 0, FLAG_SWITCH, AT(dry_run), NULL, "as orch plan" },
	TTL_FLAG,
	{ "no-snapshot", 0, FLAG_SWITCH, AT(no_snapshot), NULL,
	  "don't keep the data as it is before it" },
	{ "timeout", 0, FLAG_TIME, AT(timeout_ms), "TIME", "for all to be ready (default: 5m)" },
	{ "progress", 0, FLAG_CHOICE, AT(progress), "HOW", "auto, tty, plain, json, none",
	  progress_choices },
	{ "yes", 'y', FLAG_SWITCH, AT(yes), NULL, "don't ask" },
	POOL_SIZE_FLAG,
	{ NULL },
};
const struct cli_flag logs_flags[] = {
	{ "follow", 'f', FLAG_SWITCH, AT(follow), NULL, "go on as lines are written" },
	{ "tail", 'n', FLAG_TEXT, AT(tail), "N", "the last N lines, or \"all\" (default: 100)" },
	{ NULL },
};
const struct cli_flag xdebug_flags[] = {
	{ "port", 0, FLAG_TEXT, AT(port), "N", "where the debugger listens (default: 9003)" },
	{ NULL },
};
const struct cli_flag exec_flags[] = {
	{ "user", 'u', FLAG_TEXT, AT(user), "NAME",
	  "a user of the image, or root (default: the image's)" },
	{ "no-tty", 'T', FLAG_SWITCH, AT(no_tty), NULL, "no terminal, also on one" },
	{ NULL },
};
const struct cli_flag run_flags[] = {
	{ "rm", 0, FLAG_SWITCH, AT(rm), NULL, "make the environment, and remove it afterwards" },
	{ "from", 0, FLAG_TEXT, AT(from), "ENV", "with the data of this one (with --rm)" },
	{ "host", 0, FLAG_SWITCH, AT(host), NULL, "on the host, with the app's variables" },
	{ "artifacts", 0, FLAG_TEXT, AT(artifacts), "DIR",
	  "leave logs, junit.xml and summary.json there" },
	{ "timeout", 0, FLAG_TIME, AT(timeout_ms), "TIME", "for everything (default: 1h)" },
	{ "user", 'u', FLAG_TEXT, AT(user), "NAME",
	  "a user of the image, or root (default: the image's)" },
	{ "no-tty", 'T', FLAG_SWITCH, AT(no_tty), NULL, "no terminal, also on one" },
	{ "worktree", 0, FLAG_SWITCH, AT(worktree), NULL, "the files as they are, not the commit" },
	POOL_SIZE_FLAG,
	{ NULL },
};
const struct cli_flag stop_flags[] = {
	{ "all", 0, FLAG_SWITCH, AT(all), NULL, "every environment of the root" },
	{ "shutdown", 0, FLAG_SWITCH, AT(shutdown), NULL, "they come back with start --all" },
	{ "timeout", 0, FLAG_TIME, AT(timeout_ms), "TIME", "for the whole command" },
	{ NULL },
};
const struct cli_flag idle_flags[] = {
	{ "all", 0, FLAG_SWITCH, AT(all), NULL, "every environment that runs" },
	{ "after", 0, FLAG_TIME, AT(after_ms), "TIME",
	  "without traffic for so long (default: 10m)" },
	{ "now", 0, FLAG_SWITCH, AT(now), NULL, "at once, and once" },
	{ "never", 0, FLAG_SWITCH, AT(never), NULL, "no more" },
	{ NULL },
};
const struct cli_flag start_flags[] = {
	{ "all", 0, FLAG_SWITCH, AT(all), NULL, "every environment that was not stopped" },
	{ "timeout", 0, FLAG_TIME, AT(timeout_ms), "TIME", "for all to be ready (default: 5m)" },
	{ NULL },
};
const struct cli_flag destroy_flags[] = {
	{ "purge", 0, FLAG_SWITCH, AT(purge), NULL, "data too, instead of to the trash" },
	{ "yes", 'y', FLAG_SWITCH, AT(yes), NULL, "don't ask, unless it is the production one" },
	{ "yes-destroy", 0, FLAG_TEXT, AT(yes_destroy), "NAME",
	  "don't ask if that is its name, also of the production one" },
	{ NULL },
};
const struct cli_flag trash_flags[] = {
	{ "older-than", 0, FLAG_TIME, AT(older_than_ms), "TIME", "empty: only what is older" },
	{ "yes", 'y', FLAG_SWITCH, AT(yes), NULL, "empty: don't ask" },
	{ NULL },
};
const struct cli_flag backup_flags[] = {
	{ "to", 0, FLAG_TEXT, AT(to), "FILE|DIR",
	  "create: one file, or into a folder that is there" },
	{ "live", 0, FLAG_SWITCH, AT(live), NULL,
	  "create: no process stands still; each volume is as of its own moment" },
	{ "no-images", 0, FLAG_SWITCH, AT(no_images), NULL, "create: their digests only" },
	{ "key-file", 0, FLAG_TEXT, AT(key_file), "FILE",
	  "secrets sealed by what is in it (a passphrase, random bytes; -: standard input)" },
	{ "no-secrets", 0, FLAG_SWITCH, AT(no_secrets), NULL, "without sensitive variables" },
	{ "as", 0, FLAG_TEXT, AT(as), "NAME", "restore: into this environment" },
	{ "data-only", 0, FLAG_SWITCH, AT(data_only), NULL, "restore: what is deployed stays" },
	{ "no-code", 0, FLAG_SWITCH, AT(data_only), NULL, "the same" },
	{ "timeout", 0, FLAG_TIME, AT(timeout_ms), "TIME",
	  "restore: for all to be ready (default: 5m)" },
	POOL_SIZE_FLAG,
	{ NULL },
};
const struct cli_flag fsck_flags[] = {
	{ "repair", 0, FLAG_SWITCH, AT(repair), NULL,
	  "remove what is nobody's; data to the trash" },
	{ NULL },
};
const struct cli_flag image_flags[] = {
	{ "progress", 0, FLAG_CHOICE, AT(progress), "HOW", "auto, tty, plain, json, none",
	  progress_choices },
	{ NULL },
};
const struct cli_flag supervise_flags[] = {
	{ "deferred", 0, FLAG_SWITCH, AT(deferred), NULL, "wait for a first request" },
	{ "resume", 0, FLAG_SWITCH, AT(resume), NULL, "go on for orch-doze" },
	{ NULL },
};
const struct cli_flag env_flags[] = {
	{ "type", 0, FLAG_CHOICE, AT(type), "TYPE", "staging or development", type_choices },
	{ "title", 0, FLAG_TEXT, AT(title), "TEXT", "for people" },
	{ "parent", 0, FLAG_TEXT, AT(parent), "NAME", "below which it stands; \"-\": none" },
	{ "auth", 0, FLAG_LIST, AT(auth), "NAME:PASSWORD",
	  "who may ask; may be repeated; NAME:- reads it; \"-\": anybody" },
	{ "access", 0, FLAG_LIST, AT(access), "RULE",
	  "allow:ADDRESS, deny:any; the first that fits counts; \"-\": none" },
	{ "keep", 0, FLAG_TEXT, AT(keep), "N",
	  "so many snapshots of a kind (@g<N>, @before-...) stay (default: 50)" },
	TTL_FLAG,
	{ NULL },
};
const struct cli_flag gc_flags[] = {
	{ "dry-run", 0, FLAG_SWITCH, AT(dry_run), NULL, "only say what would be removed, and why" },
	{ "expired", 0, FLAG_SWITCH, AT(expired), NULL, "only environments whose time is over" },
	{ "cache-age", 0, FLAG_TIME, AT(age_ms), "TIME",
	  "for build caches that nobody used (default: 30d)" },
	{ NULL },
};
const struct cli_flag pause_flags[] = {
	{ "all", 0, FLAG_SWITCH, AT(all), NULL, "every environment of the root" },
	{ NULL },
};
const struct cli_flag var_flags[] = {
	{ "project", 0, FLAG_SWITCH, AT(for_project), NULL,
	  "of the project, for all environments" },
	{ "env", 0, FLAG_LIST, AT(environments), "NAME",
	  "set: of these environments; may be repeated" },
	{ "app", 0, FLAG_TEXT, AT(app), "NAME",
	  "of this app and its workers alone; ls, get: what counts for it" },
	{ "sensitive", 0, FLAG_SWITCH, AT(sensitive), NULL, "set: never shown again; kept sealed" },
	{ "file", 0, FLAG_TEXT, AT(file), "FILE", "set: the value is what is in it" },
	{ "json", 0, FLAG_SWITCH, AT(json), NULL,
	  "set: the value is JSON, and keeps its structure; else: JSON on standard output" },
	{ "as", 0, FLAG_CHOICE, AT(as), "HOW",
	  "set: variable, or file: the app is given the path of a file that holds it", as_choices },
	{ "inherit", 0, FLAG_SWITCH, AT(inherit), NULL,
	  "set: environments below have it (default)" },
	{ "no-inherit", 0, FLAG_SWITCH, AT(no_inherit), NULL, "set: they don't" },
	{ "no-build", 0, FLAG_SWITCH, AT(no_build), NULL, "set: builds don't see it" },
	{ "no-runtime", 0, FLAG_SWITCH, AT(no_runtime), NULL, "set: the app doesn't see it" },
	{ "reveal", 0, FLAG_SWITCH, AT(reveal), NULL, "get: also what is sensitive" },
	{ NULL },
};
#define TIMEOUT                                                  \
	{                                                        \
		"timeout", 0, FLAG_TIME, AT(timeout_ms), "TIME", \
			"for all to be ready (default: 5m)"      \
	}
#define PROGRESS                                                                                 \
	{                                                                                        \
		"progress", 0, FLAG_CHOICE, AT(progress), "HOW", "auto, tty, plain, json, none", \
			progress_choices                                                         \
	}
const struct cli_flag branch_flags[] = {
	{ "from", 0, FLAG_TEXT, AT(from), "ENV[@GEN]",
	  "what to clone (default: the environment that the branch comes from)" },
	{ "no-data", 0, FLAG_SWITCH, AT(no_data), NULL, "start with empty volumes" },
	{ "no-start", 0, FLAG_SWITCH, AT(no_start), NULL, "only make it: orch start later" },
	TTL_FLAG,
	POOL_SIZE_FLAG,
	TIMEOUT,
	PROGRESS,
	{ NULL },
};
const struct cli_flag sync_flags[] = {
	{ "from", 0, FLAG_TEXT, AT(from), "ENV", "instead of the parent" },
	TIMEOUT,
	PROGRESS,
	{ NULL },
};
const struct cli_flag promote_flags[] = {
	TIMEOUT,
	PROGRESS,
	{ NULL },
};
const struct cli_flag rollback_flags[] = {
	{ "with-data", 0, FLAG_SWITCH, AT(with_data), NULL,
	  "also the volumes as they were when that generation was left" },
	{ "dry-run", 0, FLAG_SWITCH, AT(dry_run), NULL, "only show what it would do" },
	{ "no-snapshot", 0, FLAG_SWITCH, AT(no_snapshot), NULL,
	  "don't keep the data as it is before it" },
	TIMEOUT,
	PROGRESS,
	{ NULL },
};
const struct cli_flag volume_flags[] = {
	TIMEOUT,
	PROGRESS,
	{ NULL },
};
const struct cli_flag pool_flags[] = {
	{ "allow-copy", 0, FLAG_SWITCH, AT(allow_copy), NULL,
	  "use: also where each snapshot and branch is a full copy" },
	{ "unlimited", 0, FLAG_SWITCH, AT(unlimited), NULL,
	  "use: also where \"disk\" can't be enforced" },
	{ NULL },
};
