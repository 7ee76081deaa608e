#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "runtime/files.h"
#include "runtime/walk.h"

#define EXTENTS 256 /* asked for at once */

struct usage {
	uint64_t taken, shared;
	bool look; /* for what is shared: it takes an open of each file */
};

/* ioctl_fiemap: Documentation/filesystems/fiemap.rst. A file system without it shares nothing. */
static uint64_t shared_bytes(int fd)
{
	union {
		struct fiemap map;
		char room[sizeof(struct fiemap) + EXTENTS * sizeof(struct fiemap_extent)];
	} u;
	uint64_t shared = 0, at = 0;

	for (;;) {
		const struct fiemap_extent *e = NULL;

		memset(&u.map, 0, sizeof(u.map));
		u.map.fm_start = at;
		u.map.fm_length = FIEMAP_MAX_OFFSET - at;
		u.map.fm_extent_count = EXTENTS;
		if (ioctl(fd, FS_IOC_FIEMAP, &u.map) < 0 || !u.map.fm_mapped_extents)
			return shared;
		for (uint32_t i = 0; i < u.map.fm_mapped_extents; i++) {
			e = &u.map.fm_extents[i];
			if (e->fe_flags & FIEMAP_EXTENT_SHARED)
				shared += e->fe_length;
		}
		if (e->fe_flags & FIEMAP_EXTENT_LAST)
			return shared;
		at = e->fe_logical + e->fe_length;
	}
}

static int add(const struct walk *w, struct error *err)
{
	struct usage *u = w->ctx;
	AUTO(fd) int fd = -1;
	uint64_t taken = (uint64_t)w->st.st_blocks * 512, shared;

	(void)err;
	if (w->after)
		return 0;
	if (u->look && S_ISREG(w->st.st_mode) && taken) {
		fd = openat(w->folder, w->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		shared = fd < 0 ? 0 : shared_bytes(fd);
		u->shared += shared < taken ? shared : taken;
	}
	u->taken += taken / (S_ISREG(w->st.st_mode) ? w->st.st_nlink : 1);
	return 0;
}

int files_usage(int folder, uint64_t *taken, uint64_t *shared, struct error *err)
{
	struct usage u = { .look = shared != NULL };

	if (walk(folder, add, &u, err) < 0)
		return -1;
	*taken = u.taken;
	if (shared)
		*shared = u.shared < u.taken ? u.shared : u.taken;
	return 0;
}
