#include "images/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/sha256.h"
#include "images/store.h"

#define SQUASHFS_MAGIC 0x73717368 /* linux/magic.h */
#define TRIES 64

static bool is_mounted(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == SQUASHFS_MAGIC;
}

/* Another program may take the free device first: loop(4). */
static int attach(int file, int *out, struct error *err)
{
	AUTO(fd) int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	struct loop_config config = {
		.fd = (uint32_t)file,
		.info.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR,
	};

	if (control < 0)
		return fail_errno(err, "open /dev/loop-control");
	for (int i = 0; i < TRIES; i++) {
		AUTO(arena) struct arena arena = { 0 };
		int number = ioctl(control, LOOP_CTL_GET_FREE);
		AUTO(fd) int device = -1;

		if (number < 0)
			return fail_errno(err, "free loop device");
		device = open(arena_printf(&arena, "/dev/loop%d", number), O_RDONLY | O_CLOEXEC);
		if (device < 0)
			return fail_errno(err, "open /dev/loop%d", number);
		if (ioctl(device, LOOP_CONFIGURE, &config) == 0) {
			*out = TAKE_FD(device);
			return number;
		}
		if (errno != EBUSY)
			return fail_errno(err, "set up /dev/loop%d", number);
	}
	return fail(err, ERROR_SYSTEM, "no loop device stays free");
}

static int mount_image(const char *image, const char *path, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(fd) int file = open(image, O_RDONLY | O_CLOEXEC);
	AUTO(fd) int device = -1;
	int number;

	if (file < 0)
		return fail_errno(err, "open %s", image);
	number = attach(file, &device, err);
	if (number < 0)
		return -1;
	if (mount(arena_printf(&arena, "/dev/loop%d", number), path, "squashfs",
		  MS_RDONLY | MS_NODEV | MS_NOSUID, NULL) < 0)
		return fail_errno(err, "mount %s", image);
	/* Clones and their propagation are the containers' own business. */
	if (mount(NULL, path, NULL, MS_PRIVATE, NULL) < 0)
		return fail_errno(err, "make %s private", path);
	return 0;
}

int image_mount_ensure(struct arena *arena, const char *store, const char *folder,
		       const char *digest, const char **path, struct error *err)
{
	const char *to = arena_printf(arena, "%s/%s", folder, digest);
	AUTO(fd) int lock = -1;

	if (!is_mounted(to)) {
		if (file_make_dirs(to, 0755, err) < 0 ||
		    file_lock(arena_printf(arena, "%s/lock", folder), true, &lock, err) < 0)
			return -1;
		if (!is_mounted(to) && mount_image(store_path(arena, store, digest), to, err) < 0)
			return -1;
	}
	*path = to;
	return 0;
}

int image_mount_ensure_no(const char *folder, const char *digest, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *path = arena_printf(&arena, "%s/%s", folder, digest);

	while (is_mounted(path))
		if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
			return fail_errno(err, "unmount %s", path);
	if (rmdir(path) < 0 && errno != ENOENT)
		return fail_errno(err, "remove %s", path);
	return 0;
}

int image_mount_list(struct arena *arena, const char *folder, const char ***digests, size_t *n,
		     struct error *err)
{
	const char **names = NULL, **out;
	size_t n_names = 0, found = 0;

	if (file_list(arena, folder, &names, &n_names, err) < 0)
		return -1;
	out = arena_array(arena, n_names + 1, sizeof(*out));
	for (size_t i = 0; i < n_names; i++)
		if (strlen(names[i]) == SHA256_HEX - 1)
			out[found++] = names[i];
	*digests = out;
	*n = found;
	return 0;
}
