/*
 * volume_diff_parts.h - what the two ways to compare volumes share
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

struct diff;
struct error;

void diff_add(struct diff *d, char what, const char *path);
bool diff_same_file(const struct stat *a, const struct stat *b);

/* Of two open volumes that aren't on btrfs; returns as volume_diff() does. */
int diff_walk(struct diff *d, int first, int second, struct error *err);
