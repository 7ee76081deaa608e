/* Limits where the host mounts the v1 controllers: admin-guide/cgroup-v1/ */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "runtime/cgroup_trees.h"

#define PERIOD_US 100000u

const char *const cgroup_controllers[CGROUP_CONTROLLERS] = { "memory", "cpu", "cpuacct", "pids" };

bool cgroup_first_of(const struct cgroup_trees *t, size_t controller)
{
	if (!*t->v1[controller])
		return false;
	for (size_t i = 0; i < controller; i++)
		if (!strcmp(t->v1[i], t->v1[controller]))
			return false;
	return true;
}

static int put_number(const char *tree, const char *group, const char *file, int64_t value,
		      struct error *err)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", (long long)value);
	return cgroup_put(tree, group, file, text, err);
}

static int set_memory(const struct cgroup_trees *t, const char *group, uint64_t limit,
		      struct error *err)
{
	const char *tree = t->v1[CGROUP_MEMORY];
	int64_t value = limit ? (int64_t)limit : -1;
	struct error ignored;

	if (!*tree)
		return 0;
	/* memsw must never be below memory: lift it, set memory, then bring it down. */
	(void)put_number(tree, group, "memory.memsw.limit_in_bytes", -1, &ignored);
	if (put_number(tree, group, "memory.limit_in_bytes", value, err) < 0)
		return -1;
	(void)put_number(tree, group, "memory.memsw.limit_in_bytes", value, &ignored);
	return 0;
}

static int set_cpu(const struct cgroup_trees *t, const char *group, uint32_t milli,
		   struct error *err)
{
	const char *tree = t->v1[CGROUP_CPU];

	if (!*tree)
		return 0;
	if (put_number(tree, group, "cpu.cfs_period_us", PERIOD_US, err) < 0)
		return -1;
	return put_number(tree, group, "cpu.cfs_quota_us",
			  milli ? (int64_t)milli * (PERIOD_US / 1000) : -1, err);
}

static int set_pids(const struct cgroup_trees *t, const char *group, uint32_t pids,
		    struct error *err)
{
	char text[16] = "max";

	if (!*t->v1[CGROUP_PIDS])
		return 0;
	if (pids)
		snprintf(text, sizeof(text), "%u", pids);
	return cgroup_put(t->v1[CGROUP_PIDS], group, "pids.max", text, err);
}

int cgroup_v1_ensure(const struct cgroup_trees *t, const char *group,
		     const struct cgroup_limits *limits, struct error *err)
{
	for (size_t i = 0; i < CGROUP_CONTROLLERS; i++)
		if (cgroup_first_of(t, i) && cgroup_make(t->v1[i], group, err) < 0)
			return -1;
	if (set_memory(t, group, limits->memory, err) < 0 ||
	    set_cpu(t, group, limits->cpu_milli, err) < 0)
		return -1;
	return set_pids(t, group, limits->pids, err);
}

void cgroup_v1_usage(const struct cgroup_trees *t, const char *group, struct cgroup_usage *out)
{
	const char *memory = t->v1[CGROUP_MEMORY];

	out->memory = cgroup_get_number(memory, group, "memory.usage_in_bytes", NULL);
	out->memory_peak = cgroup_get_number(memory, group, "memory.max_usage_in_bytes", NULL);
	out->memory_limit = cgroup_get_number(memory, group, "memory.limit_in_bytes", NULL);
	out->cpu_us = cgroup_get_number(t->v1[CGROUP_CPUACCT], group, "cpuacct.usage", NULL) / 1000;
	out->pids = cgroup_get_number(t->v1[CGROUP_PIDS], group, "pids.current", NULL);
	out->oom_kills = cgroup_get_number(memory, group, "memory.oom_control", "oom_kill");
}
