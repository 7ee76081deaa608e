/*
 * volumes.h - for tests: a pool of each kind in a scratch folder, and paths to what is in its volumes
 *
 * Everything is in a mount namespace of the test's own. What fails here fails the test.
 */
#pragma once

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define MIB (1024 * 1024)

#define OK(call) cr_assert_eq((call), 0, "%s", err.text)
#define FAILS(call, what)                                     \
	do {                                                  \
		err.kind = ERROR_NONE;                        \
		cr_assert_eq((call), -1);                     \
		cr_assert_eq(err.kind, what, "%s", err.text); \
	} while (0)

/* The same for the pool's own driver and for btrfs, each a suite with an .init of its own. */
#define ON_BOTH(suite, name)              \
	static void suite##_##name(void); \
	Test(suite, name)                 \
	{                                 \
		suite##_##name();         \
	}                                 \
	Test(suite##_btrfs, name)         \
	{                                 \
		suite##_##name();         \
	}                                 \
	static void suite##_##name(void)

extern struct error err;
extern char scratch[64], pool[128]; /* volumes_begin() says where */
extern bool on_btrfs;		    /* pool_of_btrfs() was called: its limits are EDQUOT */

/* Skips without root. noun: part of the scratch folder's name. */
void volumes_begin(const char *noun);
void volumes_end(void);
/* The rest of the test can't be done here: as volumes_end(), as a skipped test doesn't get to its .fini. */
void volumes_skip(const char *why);

/* A file system of its own at path: "xfs", "ext4" or "btrfs". option: of -m, which btrfs doesn't get. false: no mkfs for it. */
bool disk_make(const char *type, const char *path, unsigned mib, const char *option);
/* As on a host whose pool is on btrfs already. */
void pool_of_btrfs(unsigned mib);

/*
 * "main/db/d/f": what that is in the volume main/db, which stays open until two others were asked for, and limited with that. The text
 * is good for three more calls.
 */
const char *at(const char *path);
/* Its limit holds for as long as it is open, as by at(). As volume_ensure(). */
int ensure(const char *name, uint64_t limit);
/* Nothing is open any more: before the pool is closed. */
void volumes_release(void);

void put(const char *path, const char *text);
void holds(const char *path, const char *text);

/* n MiB of the file, from its start, in pieces of 64 KiB that no compression would like; errno of what failed, or 0. */
int rewrite(const char *path, int n);
/* What a writer gets beyond the limit. */
int beyond_limit(void);
/* A volume may be grown to more than twice what it was made for. */
bool may_grow(void);

/* Loop devices of files in the scratch folder; expect_loops() waits for those that are let go. */
size_t loops(void);
void expect_loops(size_t n);
