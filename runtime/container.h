/*
 * container.h - one container: a process tree in namespaces of its own
 *
 * A start has two halves, so that the caller links the network and writes down
 * what it is about to run before it runs:
 *
 *	container_create	clone3, then the child makes its mounts; returns at once
 *	  (caller: netns_fd is there, so links can be made meanwhile)
 *	container_exec		waits for the child to be set up, lets it exec, returns when it runs
 *
 * Several containers can be created before the first is let go: their children
 * set themselves up in parallel.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct error;
struct cgroup_entry;

/* A detached mount (mounts.h) and where it goes, in order: parents before children. */
struct container_mount {
	int tree;
	const char *
		target; /* relative to the container's root; an existing folder, found without leaving the root */
	const char *folder; /* of the tree, relative; only that is mounted; NULL: all of it */
};

/*
 * Fully resolved: the child looks nothing up and allocates nothing. All
 * descriptors stay the caller's and may be closed once container_create returned.
 */
struct container_spec {
	const char *name;     /* for messages */
	const char *hostname; /* also inside; at most 64 bytes */
	int root;	      /* detached mount of the base image */
	const struct container_mount *mounts;
	size_t n_mounts;
	int userns;			   /* from idmap_open; entered last */
	const struct cgroup_entry *cgroup; /* joined first; NULL: stay in the caller's */
	int program;		 /* descriptor of the static program to run, for execveat(2) */
	const char *const *argv; /* NULL-terminated */
	const char *const *envp; /* NULL-terminated */
	int stderr_fd;		 /* becomes 1 and 2; -1: /dev/null of the container */
	uint64_t capabilities;	 /* bounding set kept: bit N is capability N; 0: PRIVS_DEFAULT */
};

struct container {
	pid_t pid;
	uint64_t
		start_time; /* field 22 of /proc/PID/stat; pid and start time name a process for good */
	int pidfd;	    /* readable once PID 1 is dead; owned */
	int netns_fd;	    /* the container's network namespace; owned; may be closed early */
	int sync;	    /* to the child until it runs, then -1; owned */
};

#define CONTAINER_NONE ((struct container){ .pidfd = -1, .netns_fd = -1, .sync = -1 })

/* On failure nothing is left behind. *out must be CONTAINER_NONE; release it with container_release. */
int container_create(const struct container_spec *spec, struct container *out, struct error *err);

/* Let it run. On failure the caller still has to kill and release it. */
int container_exec(struct container *c, struct error *err);

/*
 * Take up a container that an earlier process made. CONTAINER_GONE when the pid is free or
 * somebody else's by now. netns_fd is opened too.
 */
#define CONTAINER_GONE 1
int container_adopt(pid_t pid, uint64_t start_time, struct container *out, struct error *err);

bool container_alive(const struct container *c);

/* SIGKILL to PID 1, with which the kernel kills all others in its PID namespace; waits until it is gone. Harmless when dead. */
void container_kill(struct container *c);

/* Let go of the descriptors. Doesn't stop the container. Harmless twice. */
void container_release(struct container *c);

/*
 * A folder inside a running container, as a descriptor for openat(2): resolved
 * in the container's root without following links out of it (openat2(2),
 * RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS). -1 on failure.
 */
int container_open_folder(const struct container *c, const char *path, struct error *err);
