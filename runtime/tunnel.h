/*
 * tunnel.h - a Unix socket in a container; whoever connects to it talks to a port of the host's loopback
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct container;
struct error;

/*
 * A listening socket at `path` as the container sees it, for any of its users; a socket that nobody listens at any more is
 * replaced. The descriptor is the caller's; the file stays until the container ends, or the next call.
 */
int tunnel_listen(const struct container *c, const char *path, struct error *err);

/*
 * Each connection to `listener`, by a process of its own that ends with the caller, until the container ends: 0.
 * met(ctx, true): one was made; false: nobody listens at that port, and it was closed.
 */
int tunnel_serve(const struct container *c, int listener, uint16_t port,
		 void (*met)(void *ctx, bool connected), void *ctx, struct error *err);
