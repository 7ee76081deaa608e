/*
 * auto.h - variables that clean up after themselves at the end of their scope
 *
 *	AUTO(fd) int fd = -1;
 *	AUTO(free) char *path = NULL;
 *
 * Always initialise at the declaration. To hand a resource on, take it:
 *
 *	*out = TAKE_PTR(path);
 *	return TAKE_FD(fd);
 */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define AUTO(name) __attribute__((cleanup(auto_##name)))

/* Closes and forgets; errno is kept. Harmless on -1. */
static inline void auto_fd(int *fd)
{
	int keep = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = keep;
}

static inline void auto_free(void *p)
{
	free(*(void **)p);
}

static inline void auto_file(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void auto_dir(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* The value of x, which is reset to "nothing held". */
#define TAKE(x, empty)                      \
	({                                  \
		__typeof__(x) taken_ = (x); \
		(x) = (empty);              \
		taken_;                     \
	})
#define TAKE_FD(fd) TAKE(fd, -1)
#define TAKE_PTR(p) TAKE(p, NULL)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
