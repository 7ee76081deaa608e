/* Limits where the controllers are in the one v2 hierarchy: admin-guide/cgroup-v2.rst */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "runtime/cgroup_trees.h"

#define PERIOD_US 100000u

/* Controllers are handed down folder by folder; io is missing on some kernels. */
static int enable_along(const char *tree, const char *group, struct error *err)
{
	char part[PATH_MAX];
	size_t len = strlen(group);
	struct error ignored;

	for (size_t i = 0; i < len; i++) {
		if (i > 0 && group[i] != '/')
			continue;
		memcpy(part, group, i);
		part[i] = '\0';
		if (cgroup_put(tree, part, "cgroup.subtree_control", "+memory +cpu +pids", err) < 0)
			return -1;
		(void)cgroup_put(tree, part, "cgroup.subtree_control", "+io", &ignored);
	}
	return 0;
}

static int put_limit(const char *tree, const char *group, const char *file, uint64_t value,
		     struct error *err)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return cgroup_put(tree, group, file, value ? text : "max", err);
}

int cgroup_v2_ensure(const char *tree, const char *group, const struct cgroup_limits *limits,
		     struct error *err)
{
	struct error ignored;
	char text[64];

	if (cgroup_make(tree, group, err) < 0 || enable_along(tree, group, err) < 0)
		return -1;
	if (limits->cpu_milli)
		snprintf(text, sizeof(text), "%u %u", limits->cpu_milli * (PERIOD_US / 1000),
			 PERIOD_US);
	else
		snprintf(text, sizeof(text), "max %u", PERIOD_US);
	if (put_limit(tree, group, "memory.max", limits->memory, err) < 0 ||
	    put_limit(tree, group, "pids.max", limits->pids, err) < 0 ||
	    cgroup_put(tree, group, "cpu.max", text, err) < 0)
		return -1;
	/* Absent without swap accounting, and without an io controller. */
	(void)cgroup_put(tree, group, "memory.swap.max", "0", &ignored);
	snprintf(text, sizeof(text), "%u", limits->io_weight ? limits->io_weight : 100);
	(void)cgroup_put(tree, group, "io.weight", text, &ignored);
	return 0;
}

void cgroup_v2_usage(const char *tree, const char *group, struct cgroup_usage *out)
{
	out->memory = cgroup_get_number(tree, group, "memory.current", NULL);
	out->memory_peak = cgroup_get_number(tree, group, "memory.peak", NULL);
	out->memory_limit = cgroup_get_number(tree, group, "memory.max", NULL);
	out->cpu_us = cgroup_get_number(tree, group, "cpu.stat", "usage_usec");
	out->pids = cgroup_get_number(tree, group, "pids.current", NULL);
	out->oom_kills = cgroup_get_number(tree, group, "memory.events", "oom_kill");
}
