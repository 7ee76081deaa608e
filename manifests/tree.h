/*
 * tree.h - YAML text as a tree that remembers where it came from
 *
 * The only user of libyaml. Bounded before anything is built from it: bytes, depth, and values counted
 * with every alias written out. Aliases share the members of their anchor. Merge keys are carried out; of tags, "!include" and
 * "!archive" are kept for include.c, and others refused.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "manifests/problem.h"

struct arena;

#define TREE_MAX_BYTES (2u << 20)
#define TREE_MAX_DEPTH 32u
#define TREE_MAX_NODES 10000u

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
	enum node_kind kind;
	const char *key;     /* in a map: this node's; else NULL */
	struct place key_at; /* .file NULL without key */
	struct place at;     /* of the value; .file NULL: a default, written nowhere */
	const char *text;    /* NODE_SCALAR: UTF-8 without NUL */
	bool plain;  /* NODE_SCALAR: neither quoted nor a block: may be a number, flag or null */
	bool merged; /* came by a merge key: the map's own key replaces it */
	const char *tag;    /* "!include", "!archive"; else NULL */
	struct node *child; /* NODE_LIST, NODE_MAP: first member, in file order */
	struct node *last;  /* the end of child's list, for whoever appends */
	struct node *next;
	size_t n;	 /* members */
	size_t weight;	 /* this and all below, aliases written out */
	unsigned height; /* levels below */
};

/*
 * One document. file is for messages and must outlive the tree, text too (source lines). NULL when it can't
 * be read as YAML: a problem was added. An empty file is a null scalar. Duplicate keys are problems, the first stays.
 */
struct node *tree_parse(struct problems *p, const char *file, const char *text, size_t size);

/* Member of a map, or NULL; also of a node that is no map. */
const struct node *tree_get(const struct node *map, const char *key);
/* tree_path(n, "web", "commands", NULL). */
const struct node *tree_path(const struct node *map, ...) __attribute__((sentinel));
/* The text of a scalar member that is not null, else otherwise. */
const char *tree_text(const struct node *map, const char *key, const char *otherwise);

/*
 * Making trees: the new node has the key and places of `from`, which may be NULL. text NULL makes null. A plain
 * scalar is what YAML sees in its text, else it is a text.
 */
struct node *node_new(struct arena *arena, enum node_kind kind, const struct node *from);
struct node *node_scalar(struct arena *arena, const char *text, bool plain,
			 const struct node *from);
/* A copy without siblings, under another key (NULL: in a list); its members are shared. */
struct node *node_as(struct arena *arena, const struct node *n, const char *key);
/* member becomes the last one; it must not be in another tree. */
void node_append(struct node *parent, struct node *member);
/* Replace the member of that key, or append it. */
void node_set(struct node *map, struct node *member);
/* "<<: value": copies of the members of a map, or of each of a list's maps, that the map does not have. False: value is neither. */
bool node_merge(struct arena *arena, struct node *map, const struct node *value);
