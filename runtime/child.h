/*
 * child.h - what runs between clone3 and exec
 *
 * Nothing else runs inside the new namespaces. It may not allocate, log or return: it reports over the
 * sync socket and exits.
 */
#pragma once

struct container_spec;
struct seccomp_filter;

_Noreturn void child_main(const struct container_spec *spec, const struct seccomp_filter *filter,
			  int sync);
