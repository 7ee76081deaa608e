/*
 * oom.h - which process the kernel killed when a container's memory had run out
 *
 * The control group only counts (cgroup_usage). The kernel's log names the victim, whichever cgroup version there is, by pid, name and user id on the
 * host; and a container's range of ids is its own. The log is a ring that forgets, and not every host lets us read it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct oom_victim {
	char name[64];	/* comm: at most 15 bytes, others than printable ones as \xNN */
	int pid;	/* on the host */
	uint64_t bytes; /* anonymous memory that it had */
};

/* The last one whose user is in the range of 65,536 ids from first_id on. false: not known. */
bool oom_last_victim(uint32_t first_id, struct oom_victim *out);

/* One record of /dev/kmsg (Documentation/ABI/testing/dev-kmsg). false: it is about something else. */
bool oom_parse(const char *record, uint32_t first_id, struct oom_victim *out);
