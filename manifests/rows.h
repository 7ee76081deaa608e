/*
 * rows.h - rows that several tables of format.h have, and what reads them
 */
#pragma once

#include "manifests/format.h"

extern const char *const sizes_of_apps[], *const sizes_of_services[], *const profiles[];
extern const struct key relationship_item, mount_item, any_item, text_item, prefix_item, host_item;
extern const struct key firewall_keys[], resources_keys[], access_keys[];
extern const struct key web_keys[];

const char *relationship_name(struct problems *p, const struct node *member);
const char *mount_name(struct problems *p, const struct node *member);
const char *host_name(struct problems *p, const struct node *member);
const char *header_name(struct problems *p, const struct node *member);
struct node *variables_check(struct problems *p, const struct node *n, struct node *out);
struct node *timezone_check(struct problems *p, const struct node *n, struct node *out);
struct node *expires_check(struct problems *p, const struct node *n, struct node *out);
struct node *web_check(struct problems *p, const struct node *n, struct node *out);
struct node *one_line_check(struct problems *p, const struct node *n, struct node *out);
/* A folder in the project, without outer slashes. */
struct node *folder_check(struct problems *p, const struct node *n, struct node *out);

/* The spellings of old; each says the new one in a warning. legacy.c */
const struct node *fix_relationship(struct problems *p, const struct node *n);
const struct node *fix_mount(struct problems *p, const struct node *n);
const struct node *fix_cron(struct problems *p, const struct node *n);
const struct node *fix_web(struct problems *p, const struct node *n);
const struct node *fix_app(struct problems *p, const struct node *n);

/* Without outer slashes; NULL with a problem when it isn't below the root. */
const char *inner_path(struct problems *p, const char *path, struct place at);

#define NAME_PATTERN "^[a-z0-9][a-z0-9_-]{0,62}$"

/* What a worker, and web, can have of its own: with d NULL, what isn't written is the app's. */
#define ROW_SIZE(d, list)                                                                     \
	{                                                                                     \
		"size", KEY_CHOICE, .about = "share of processor and memory", .otherwise = d, \
				    .choices = list                                           \
	}
#define ROW_RESOURCES(d)                                                            \
	{                                                                           \
		"resources", KEY_MAP, .about = "memory as a formula of processors", \
				      .otherwise = d, .keys = resources_keys        \
	}
#define ROW_PROFILE(d)                                                                     \
	{                                                                                  \
		"container_profile", KEY_CHOICE, .about = "ratio of memory to processors", \
						 .otherwise = d, .choices = profiles       \
	}
#define ROW_DISK(d, least)                                                                        \
	{                                                                                         \
		"disk", KEY_NUMBER, .about = "megabytes of data", .otherwise = d, .min = (least), \
				    .max = 16777216                                               \
	}
#define ROW_RELATIONSHIPS(d)                                                                \
	{                                                                                   \
		"relationships", KEY_NAMES, .about = "what it may reach, and nothing else", \
					    .otherwise = d, .item = &relationship_item,     \
					    .name_of = relationship_name,                   \
					    .name_pattern = NAME_PATTERN                    \
	}
#define ROW_MOUNTS(d)                                                                           \
	{                                                                                       \
		"mounts", KEY_NAMES, .about = "folders that are writable at run time",          \
				     .otherwise = d, .item = &mount_item, .name_of = mount_name \
	}
#define ROW_VARIABLES(d)                                                                    \
	{                                                                                   \
		"variables", KEY_NAMES, .about = "prefix to name to value", .otherwise = d, \
					.item = &prefix_item, .check = variables_check      \
	}
#define ROW_ACCESS(d)                                                                       \
	{                                                                                   \
		"access", KEY_MAP, KEY_IDLE, .about = "least role for SSH", .otherwise = d, \
					     .keys = access_keys                            \
	}
#define ROW_FIREWALL(d)                                                                      \
	{                                                                                    \
		"firewall", KEY_MAP, .about = "what may be reached outside", .otherwise = d, \
				     .keys = firewall_keys                                   \
	}
#define ROW_TIMEZONE(d)                                                              \
	{                                                                            \
		"timezone", KEY_TEXT, .about = "the clock of crons", .otherwise = d, \
				      .check = timezone_check                        \
	}
#define ROW_HOSTS(d)                                                                               \
	{                                                                                          \
		"additional_hosts", KEY_NAMES, .about = "host names to addresses", .otherwise = d, \
					       .item = &host_item, .name_of = host_name            \
	}

#define ROWS_OF_INSTANCE                                                                       \
	ROW_SIZE(NULL, sizes_of_apps), ROW_RESOURCES(NULL), ROW_PROFILE(NULL),                 \
		ROW_DISK(NULL, 128), ROW_RELATIONSHIPS(NULL), ROW_MOUNTS(NULL),                \
		ROW_VARIABLES(NULL), ROW_ACCESS(NULL), ROW_FIREWALL(NULL), ROW_TIMEZONE(NULL), \
		ROW_HOSTS(NULL)
