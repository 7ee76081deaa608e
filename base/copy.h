/*
 * copy.h - files and folders to another place, where either side may be somebody else's
 *
 * No link is followed on the way, whatever changes meanwhile; links are copied as links. What is there with the same size and time of change is
 * left as it is, so that the same again is quick and ends what was cut short. Each file appears by rename. Nothing is deleted.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct error;

struct copy {
	uid_t uid; /* whom copies are to belong to */
	gid_t gid;
	bool always;		    /* also what looks the same */
	uint64_t copied, unchanged; /* files and links */
	uint64_t skipped;	    /* devices, sockets, pipes */
	uint64_t bytes;		    /* of what was copied */
};

/*
 * The entry `name` of the folder `from`, as `as` in the folder `to`. A folder there is added to. Modes are kept but for set-id bits, and
 * times; owners are those of c, which also counts.
 */
int copy_entry(int from, const char *name, int to, const char *as, struct copy *c,
	       struct error *err);
