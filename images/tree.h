/*
 * tree.h - a folder on disk as a sorted tree: what an image will hold
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct arena;
struct error;

struct tree_node {
	const char *name; /* "" for the root */
	const char *path; /* below the folder, "" for the root */
	struct stat st;
	const char *target;	     /* of a symbolic link */
	struct tree_node **children; /* of a folder, by strcmp(3) order of names */
	size_t n_children;
	struct tree_node
		*same;	/* the first node, in depth-first order, that is the same file; or NULL */
	uint32_t links; /* names that this file has in the tree */
	/* The image's writer's: */
	void *inode;
	uint32_t number;
	uint64_t reference;
};

struct tree {
	struct tree_node *root;
	int folder;	       /* descriptor of it; owned */
	uint64_t files, bytes; /* regular files, and what is in them */
};

/*
 * Read it all, without following a link. skip: paths left out with all below, NULL-terminated or NULL. Sockets are left out; a
 * device node is a failure. Lives in the arena, but for the descriptor: auto_fd(&tree->folder).
 */
int tree_scan(struct arena *arena, const char *folder, const char *const *skip, struct tree *out,
	      struct error *err);
