/*
 * privs.h - what a container's processes may not do
 *
 * Last steps before exec: capability bounding set, no_new_privs, seccomp
 * (runtime/seccomp.c, the only user of libseccomp). Everything here is plain
 * system calls on data made ahead, callable between clone and exec.
 */
#pragma once

#include <stdint.h>

struct error;

/*
 * Kept when nothing else is asked: what root needs over its own files, users and ports inside
 * (CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE SYS_CHROOT).
 */
extern const uint64_t PRIVS_DEFAULT;

/* A classic BPF program (seccomp(2)), made once by seccomp_load; a struct sock_fprog behind. */
struct seccomp_filter;

/* The default filter, built at the first call and kept; NULL on failure. */
const struct seccomp_filter *seccomp_get(struct error *err);

/* Drop to `keep`, set no_new_privs, install the filter. For uid 0 inside the user namespace or any other. */
int privs_drop(uint64_t keep, const struct seccomp_filter *filter, struct error *err);
