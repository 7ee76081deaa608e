/*
 * image.h - reading image.yaml, alone or as the image section of a recipe
 */
#pragma once

struct image_description;
struct node;
struct problems;

/*
 * The recipe with what its "include" names below it: lists of the recipe itself are joined, maps at every level, and
 * of anything else the recipe's own stays. file is the recipe's; folders, NULL-terminated or NULL, are the
 * catalogue's. Problems as everywhere; new nodes in p->arena, nothing of root is changed.
 */
struct node *recipe_include(struct problems *p, const char *file, struct node *root,
			    const char *const *folders, unsigned depth);

void image_read(struct problems *p, const struct node *map, struct image_description *out);

/* Single keys, for others that have them, too: out is a struct image_description. */
void image_read_kind(struct problems *p, const struct node *n, void *out);
void image_read_endpoints(struct problems *p, const struct node *n, void *out);
void image_read_disk(struct problems *p, const struct node *n, void *out);
