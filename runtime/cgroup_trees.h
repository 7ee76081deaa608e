/*
 * cgroup_trees.h - where the hierarchies are mounted, for cgroup*.c
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/cgroup.h"

struct error;

enum { CGROUP_MEMORY, CGROUP_CPU, CGROUP_CPUACCT, CGROUP_PIDS, CGROUP_CONTROLLERS };
extern const char *const cgroup_controllers[CGROUP_CONTROLLERS];

struct cgroup_trees {
	bool known;
	bool limits_v1; /* the controllers are in v1 hierarchies */
	char v2[256];
	char v1[CGROUP_CONTROLLERS][256]; /* "" where there is none */
};

const struct cgroup_trees *cgroup_trees_get(struct error *err);

/* Is there a tree for it that no earlier controller shares (cpu,cpuacct are often one mount)? */
bool cgroup_first_of(const struct cgroup_trees *t, size_t controller);

int cgroup_make(const char *tree, const char *group, struct error *err);
int cgroup_put(const char *tree, const char *group, const char *file, const char *value,
	       struct error *err);
/* The file's number, or the one behind key in a "key value" file; 0 when it isn't there. */
uint64_t cgroup_get_number(const char *tree, const char *group, const char *file, const char *key);

int cgroup_v2_ensure(const char *tree, const char *group, const struct cgroup_limits *limits,
		     struct error *err);
void cgroup_v2_usage(const char *tree, const char *group, struct cgroup_usage *out);
int cgroup_v1_ensure(const struct cgroup_trees *t, const char *group,
		     const struct cgroup_limits *limits, struct error *err);
void cgroup_v1_usage(const struct cgroup_trees *t, const char *group, struct cgroup_usage *out);
