/*
 * image.h - reading image.yaml, alone or as the image section of a recipe
 */
#pragma once

struct image_description;
struct node;
struct problems;

void image_read(struct problems *p, const struct node *map, struct image_description *out);

/* Single keys, for others that have them, too: out is a struct image_description. */
void image_read_kind(struct problems *p, const struct node *n, void *out);
void image_read_endpoints(struct problems *p, const struct node *n, void *out);
void image_read_disk(struct problems *p, const struct node *n, void *out);
