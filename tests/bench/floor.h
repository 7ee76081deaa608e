/*
 * floor.h - the kernel's part of bringing up a group, shared by the files of floor
 *
 * Nothing of orch's own code is used: a floor that shared it would hide its cost.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define MEMBERS 4u

/* Ends the program: a floor with a step missing would be too low. */
_Noreturn void die(const char *what);

/* The namespace that links and rules are made in, with one socket for each of both. */
struct router {
	int netns, route, filter;
};

/* A namespace with forwarding on and IPv6 off. home: the caller's own, to come back to. */
void router_make(struct router *r, int home);
void router_close(struct router *r);

/* A veth between router and container number i; then addresses, routes, neighbours on both sides. */
void router_link(const struct router *r, unsigned i, int netns, int home);

/* Table, set of ten allowed paths, chain that drops, two rules: one batch. */
void router_filter(const struct router *r);
