/*
 * cgroup.h - limits, membership and the end of a container's processes
 *
 * One interface, two hierarchies: cgroup_v2.c (kernel doc cgroup-v2.rst), and cgroup_v1.c
 * for hosts that mount the v1 controllers, where a bare v2 tree beside them
 * (if any) is used for kill. Which one is found once, by looking at the mounts.
 *
 * A group is named by a relative path such as "orch/main-ab12cd3/app": one folder an
 * environment, one a container in it. Names are [a-z0-9._-]; the first component is ours alone.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct error;

struct cgroup_limits {
	uint64_t memory;    /* bytes; 0: none. Swap is not added to it. */
	uint32_t cpu_milli; /* thousandths of a core; 0: none */
	uint32_t pids;	    /* processes and threads; 0: none */
	uint32_t
		io_weight; /* 1..10000; 0: the default. Left out where the host has no io controller. */
};

struct cgroup_usage {
	uint64_t memory; /* bytes now */
	uint64_t memory_peak;
	uint64_t memory_limit; /* 0: none that is known */
	uint64_t cpu_us;       /* since the group was made */
	uint64_t pids;
	uint64_t oom_kills;
};

/* A group, opened for a process to be in. All owned. */
#define CGROUP_TREES 12
struct cgroup_entry {
	int born;		 /* the folder in the v2 tree, for clone3(CLONE_INTO_CGROUP) */
	int files[CGROUP_TREES]; /* "tasks" of v1 trees, write-only; -1 fills the rest */
};
#define CGROUP_ENTRY_NONE \
	((struct cgroup_entry){ -1, { -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1 } })

/* "v2", "v1" or "hybrid" (v1 controllers with a v2 tree); NULL with *err when there is nothing usable. */
const char *cgroup_kind(struct error *err);

/* Make the group (and its parents) and set its limits; again with other limits changes them live. */
int cgroup_ensure(const char *group, const struct cgroup_limits *limits, struct error *err);

/*
 * For a process that is born in its v2 group and joins its v1 groups from the inside. Moving it, and even
 * "0" to the v2 cgroup.procs, waits for a grace period of the kernel (8 to 16 ms).
 */
int cgroup_open(const char *group, struct cgroup_entry *out, struct error *err);
void cgroup_close(struct cgroup_entry *entry);
/* clone3(2) with these; entry NULL: into the caller's group. */
struct clone_args;
pid_t cgroup_clone(const struct cgroup_entry *entry, struct clone_args *args);
/* The calling process joins the v1 groups. Nothing but write(2): may be called between clone and exec. */
int cgroup_enter(const struct cgroup_entry *entry, struct error *err);

/* SIGKILL to every process in the group and below, also ones that fork meanwhile. Absent is success. */
int cgroup_kill(const char *group, struct error *err);

/* Remove the group and those below it. Waits up to a second for dying processes to be gone. Absent is success. */
int cgroup_ensure_no(const char *group, struct error *err);

/* Process ids in the group itself, at most max of them; returns how many, or -1. Absent: 0. */
int cgroup_pids(const char *group, pid_t *out, size_t max, struct error *err);
int cgroup_usage(const char *group, struct cgroup_usage *out, struct error *err);
/* All processes of the group and below stand still (or go on) when it returns; after 10 s it gives up and lets them go on. Absent is success. */
int cgroup_freeze(const char *group, bool frozen, struct error *err);

bool cgroup_frozen(const char *group);
/* The file that freezes it ("1") and lets it go on ("0"). In the arena. */
struct arena;
char *cgroup_freezer(struct arena *arena, const char *group);
/* What the kernel can give back of the memory of the group and below: page cache, and what there is swap for. Takes its time. Absent is success. */
int cgroup_reclaim(const char *group, struct error *err);

/* Names of the groups directly below, such as those of an environment that nobody remembers. */
int cgroup_list(struct arena *arena, const char *group, const char ***names, size_t *n,
		struct error *err);
