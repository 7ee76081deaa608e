/*
 * exec.h - run a command in a running container
 *
 * The command joins all of the container's namespaces, its cgroup, its capability
 * bounding set and its seccomp filter, with no_new_privs: it can do what a process of the
 * container could do, and no more.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct container;
struct cgroup_entry;
struct error;

struct exec_spec {
	const struct cgroup_entry *cgroup; /* NULL: none */
	const char *const *argv;	   /* argv[0] is looked up in the PATH of envp, inside */
	const char *const *envp;
	const char *folder;    /* working directory inside; NULL: "/" */
	uint32_t uid, gid;     /* inner ids */
	int stdio[3];	       /* become 0, 1, 2; -1: /dev/null of the container */
	uint64_t capabilities; /* as in struct container_spec; for uid 0 only, others get none */
	int terminal; /* 1: stdio[0] is a terminal (pty slave) to become the controlling one */
};

/*
 * The command's pid in our namespace, in *out, once it has been exec'ed: it is a child of the
 * caller, to be waited for (process_wait). EXEC_NOT_FOUND and
 * EXEC_NOT_EXECUTABLE are the outcomes that become exit codes 127 and 126, with *err filled as well.
 */
#define EXEC_NOT_FOUND 127
#define EXEC_NOT_EXECUTABLE 126
int exec_start(const struct container *c, const struct exec_spec *spec, pid_t *out,
	       struct error *err);
