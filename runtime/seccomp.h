/*
 * seccomp.h - the filter's program, for privs.c to install
 */
#pragma once

#include <linux/filter.h>

#include "runtime/privs.h"

struct seccomp_filter {
	struct sock_fprog program;
};
