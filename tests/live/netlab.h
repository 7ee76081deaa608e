/*
 * netlab.h - a host, an environment of three and an outside, for tests of netplan/
 *
 *	outside 203.0.113.1 -- wan0 198.51.100.1 host -- router -- app, db, cache
 *
 * All are plain network namespaces of the test's own; sockets are opened in them from the
 * test's one process. The host is a namespace too, so nothing of this machine is touched.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netplan/plan.h"

#define LAB_OUTSIDE NET_IP(203, 0, 113, 1)
#define LAB_HOST NET_IP(198, 51, 100, 1)
#define LAB_LOOPBACK NET_IP(127, 0, 0, 1)
#define LAB_APP NET_IP(169, 254, 16, 2)
#define LAB_DB NET_IP(169, 254, 16, 3)
#define LAB_CACHE NET_IP(169, 254, 16, 4)
#define LAB_HERE -1 /* for a namespace: the host's */

enum lab_member { APP, DB, CACHE, LAB_MEMBERS };

struct lab {
	int router;
	int outside; /* -1 until lab_add_outside */
	int members[LAB_MEMBERS];
	struct net_plan
		plan; /* app may reach db:3306, cache:6379, cache:8125/UDP and the outside */
};

/* The test's sandbox: skips without root; a host namespace of its own with lo up, private mounts, a tmpfs on /mnt. */
void lab_sandbox(void);

/* Fails the test with the error's text. */
#define LAB_OK(call)                                          \
	do {                                                  \
		struct error lab_err_ = { 0 };                \
		struct error *err = &lab_err_;                \
		cr_assert_eq((call), 0, "%s", lab_err_.text); \
	} while (0)

/* An environment with all links and rules, known to the host as id. */
void lab_build(struct lab *lab, const char *id, uint32_t uplink);
void lab_apply(struct lab *lab); /* the rules again, after a change of lab->plan */
void lab_close(struct lab *lab);
void lab_add_outside(struct lab *lab);

int lab_netns(void);						   /* a new, empty one */
void lab_set(int netns, const char *name, const char *value);	   /* a file of /proc/sys/net */
void lab_get(int netns, const char *name, char *buf, size_t size); /* without the newline */

/* A listening socket (TCP), or a bound one (UDP, type SOCK_DGRAM); address 0 is any. */
int lab_listen(int netns, int type, uint32_t address, uint16_t port);
/* A connection; -1 when none came about in a time that is ample here. */
int lab_dial(int netns, uint32_t address, uint16_t port);
/* As lab_dial for many ports at once; returns how many of them answered, the last of those in *which. */
size_t lab_scan(int netns, uint32_t address, const uint16_t *ports, size_t n, uint16_t *which);
/* Take the connection that lab_dial made; the client's address in *from. */
int lab_accept(int listener, uint32_t *from);
/* Does what is written to one end come out of the other, and back? */
bool lab_carries(int a, int b);
/* Is there something to read before long? */
bool lab_hears(int fd);
bool lab_ask_udp(int netns, uint32_t address,
		 uint16_t port); /* send one datagram; was it possible? */
/* A UDP datagram with a made-up source address. */
void lab_forge(int netns, uint32_t source, uint32_t destination, uint16_t port);

/* The output of a shell command run in the namespace; the caller frees it. */
char *lab_run(int netns, const char *command);
