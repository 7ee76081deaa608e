/*
 * types.h - reading the `types` of a catalogue
 */
#pragma once

struct catalog;
struct node;
struct problems;

void types_read(struct problems *p, const struct node *map, struct catalog *c);
