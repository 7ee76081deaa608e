/*
 * wake.h - to be told when somebody wants something of an environment that stands still
 *
 * The kernel completes connections to the sockets of frozen processes, and keeps what comes for them, so nothing has
 * to be held back: a signal is enough. While somebody listens, the router's table has one chain more, which logs packets from the uplink that open
 * a connection or bring data on one (nft(8), "log group"), to a socket of nfnetlink in its namespace. What only ends a connection doesn't count.
 */
#pragma once

#include <stdint.h>

struct error;

/* *fd becomes readable with the first such packet, without blocking; the caller's. The chain is there already: success. */
int wake_listen(int router, int *fd, struct error *err);
/* The chain is gone afterwards; as it is when the router's rules are made anew. */
int wake_forget(int router, struct error *err);
