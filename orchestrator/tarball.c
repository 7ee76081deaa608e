#include "orchestrator/tarball.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/process.h"

#define ZSTD "--use-compress-program=zstd -q -T0"
#define MAX_COPY (1u << 30)

static void swallow(void *ctx, const char *line)
{
	(void)ctx;
	(void)line;
}

static int run(const char *const *argv, struct error *err)
{
	const struct process_spec spec = { .argv = argv, .line = swallow };

	return process_run(&spec, err);
}

static int sync_file(const char *path, struct error *err)
{
	AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 || fsync(fd) < 0 ? fail_errno(err, "sync %s", path) : 0;
}

int tarball_pack(const char *folder, const char *file, bool compress, struct error *err)
{
	const char *const argv[] = { "tar",
				     "--create",
				     "--file",
				     file,
				     "--directory",
				     folder,
				     "--xattrs",
				     "--xattrs-include=*",
				     "--acls",
				     "--sparse",
				     "--numeric-owner",
				     "--one-file-system",
				     "--sort=name",
				     compress ? ZSTD : "--no-auto-compress",
				     ".",
				     NULL };

	AUTO(fd) int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	/* Made here since tar would let others read it. */
	if (fd < 0)
		return fail_errno(err, "create %s", file);
	if (run(argv, err) < 0)
		return fail_in(err, "pack %s", folder);
	return sync_file(file, err);
}

int tarball_unpack(const char *file, const char *folder, bool compressed, bool keep_owners,
		   struct error *err)
{
	const char *const argv[] = { "tar",
				     "--extract",
				     "--file",
				     file,
				     "--directory",
				     folder,
				     "--xattrs",
				     "--xattrs-include=*",
				     "--acls",
				     "--numeric-owner",
				     "--preserve-permissions",
				     "--delay-directory-restore",
				     keep_owners ? "--same-owner" : "--no-same-owner",
				     compressed ? ZSTD : "--no-auto-compress",
				     NULL };

	return run(argv, err) < 0 ? fail_in(err, "unpack %s", file) : 0;
}

int tarball_copy(const char *from, const char *to, struct error *err)
{
	AUTO(fd) int in = -1;
	AUTO(fd) int out = -1;
	ssize_t n;

	if (link(from, to) == 0)
		return 0;
	if (errno != EXDEV && errno != EPERM && errno != EMLINK)
		return fail_errno(err, "link %s", to);
	in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (in < 0)
		return fail_errno(err, "open %s", from);
	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
	if (out < 0)
		return fail_errno(err, "create %s", to);
	while ((n = copy_file_range(in, NULL, out, NULL, MAX_COPY, 0)) > 0)
		;
	if (n < 0 || fsync(out) < 0)
		return fail_errno(err, "copy %s to %s", from, to);
	return 0;
}
