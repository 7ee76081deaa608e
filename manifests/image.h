/*
 * image.h - reading image.yaml, alone or as the image section of a recipe
 */
#pragma once

struct image_description;
struct node;
struct problems;

void image_read(struct problems *p, const struct node *map, struct image_description *out);
