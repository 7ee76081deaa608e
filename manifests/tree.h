/*
 * tree.h - YAML text as a tree that remembers where it came from
 *
 * The only user of libyaml. Bounded before anything is built from it: bytes, depth, and values counted
 * with every alias written out. Aliases share the members of their anchor. Tags and merge keys are refused.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "manifests/problem.h"

#define TREE_MAX_BYTES (1u << 20)
#define TREE_MAX_DEPTH 32u
#define TREE_MAX_NODES 10000u

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
	enum node_kind kind;
	const char *key;     /* in a map: this node's; else NULL */
	struct place key_at; /* .file NULL without key */
	struct place at;     /* of the value */
	const char *text;    /* NODE_SCALAR: UTF-8 without NUL */
	bool plain; /* NODE_SCALAR: neither quoted nor a block: may be a number, flag or null */
	struct node *child; /* NODE_LIST, NODE_MAP: first member, in file order */
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
