/*
 * netns.h - being in another network namespace for a moment
 *
 * A socket stays in the namespace where it was made, and a file of /proc/sys/net
 * in the one where it was opened: so a visit is only needed to open them.
 */
#pragma once

struct error;

/* Enter; *home is what brings the caller back: AUTO(home) int home = -1. */
int netns_enter(int netns, int *home, struct error *err);
/* Make a new one, and be in it. */
int netns_make(int *home, struct error *err);
/* Harmless on -1. Aborts when there is no way back: nothing may be done in the wrong namespace. */
void netns_leave(int *home);
#define auto_home netns_leave

/* The namespace that the caller is in. */
int netns_open(int *out, struct error *err);

/* Write a file of /proc/sys/net ("ipv4/ip_forward") of the namespace that the caller is in. */
int netns_set(const char *name, const char *value, struct error *err);
/* As netns_set; a kernel without that setting (IPv6) needs none. */
int netns_set_if_any(const char *name, const char *value, struct error *err);
