#include "runtime/child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "runtime/cgroup.h"
#include "runtime/container.h"
#include "runtime/privs.h"
#include "runtime/sync.h"

/* Where the new root is attached for a moment; any folder does, nobody else sees it. */
#define STAGE "/tmp"

struct child {
	const struct container_spec *spec;
	const struct seccomp_filter *filter;
};

static int join_cgroup(const struct child *c, struct error *err)
{
	if (c->spec->cgroup && cgroup_enter(c->spec->cgroup, err) < 0)
		return -1;
	if (unshare(CLONE_NEWCGROUP) < 0)
		return fail_errno(err, "new cgroup namespace");
	return 0;
}

static int make_mounts_private(const struct child *c, struct error *err)
{
	(void)c;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return fail_errno(err, "make mounts private");
	return 0;
}

static int attach_root(const struct child *c, struct error *err)
{
	if (syscall(SYS_move_mount, c->spec->root, "", AT_FDCWD, STAGE, MOVE_MOUNT_F_EMPTY_PATH) <
	    0)
		return fail_errno(err, "attach the root");
	if (chdir(STAGE) < 0)
		return fail_errno(err, "enter the root");
	return 0;
}

/* The image may hold hostile links: a path never leads out of the root being built. openat2(2) */
static int open_inside(const char *path, uint64_t flags)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

static int attach(int tree, const char *target, struct error *err)
{
	AUTO(fd) int at = open_inside(target, O_PATH | O_DIRECTORY);

	if (at < 0)
		return fail_errno(err, "mount point /%s", target);
	if (syscall(SYS_move_mount, tree, "", at, "",
		    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return fail_errno(err, "mount on /%s", target);
	return 0;
}

/*
 * Of a detached mount no part can be cloned before Linux 6.15: all of it is attached, a part is taken from there
 * and put in its place. What is in the tree is the container's: no link is followed.
 */
static int attach_part(const struct container_mount *m, struct error *err)
{
	AUTO(fd) int folder = file_open_beneath(m->tree, m->folder, O_PATH | O_DIRECTORY);
	AUTO(fd) int part = -1;
	char top[32];

	if (folder < 0)
		return fail_errno(err, "open %s for /%s", m->folder, m->target);
	if (attach(m->tree, m->target, err) < 0)
		return -1;
	part = (int)syscall(SYS_open_tree, folder, "",
			    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	snprintf(top, sizeof(top), "/proc/self/fd/%d", m->tree);
	if (part < 0 || umount2(top, MNT_DETACH) < 0)
		return fail_errno(err, "take %s for /%s", m->folder, m->target);
	return attach(part, m->target, err);
}

static int attach_mounts(const struct child *c, struct error *err)
{
	for (size_t i = 0; i < c->spec->n_mounts; i++) {
		const struct container_mount *m = &c->spec->mounts[i];

		if (m->folder ? attach_part(m, err) < 0 : attach(m->tree, m->target, err) < 0)
			return -1;
	}
	return 0;
}

struct option {
	const char *key, *value;
};

static int attach_kernel_fs(const char *type, const char *target, unsigned attributes,
			    const struct option *options, struct error *err)
{
	AUTO(fd) int fs = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
	AUTO(fd) int tree = -1;

	for (; fs >= 0 && options && options->key; options++)
		if (syscall(SYS_fsconfig, fs,
			    options->value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, options->key,
			    options->value, 0) < 0)
			return fail_errno(err, "%s: option %s", type, options->key);
	if (fs < 0 || syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return fail_errno(err, "new %s", type);
	tree = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attributes);
	if (tree < 0)
		return fail_errno(err, "mount %s", type);
	return attach(tree, target, err);
}

/* While the user namespace is still the host's: the new PID namespace belongs to it. */
static int attach_kernel_mounts(const struct child *c, struct error *err)
{
	static const struct option pts[] = {
		{ "newinstance", NULL }, { "ptmxmode", "0666" }, { "mode", "0620" }, { 0 }
	};
	static const struct option shm[] = { { "mode", "1777" }, { "size", "64m" }, { 0 } };
	const unsigned plain = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

	(void)c;
	if (attach_kernel_fs("proc", "proc", plain, NULL, err) < 0 ||
	    attach_kernel_fs("sysfs", "sys", plain | MOUNT_ATTR_RDONLY, NULL, err) < 0 ||
	    attach_kernel_fs("devpts", "dev/pts", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, pts, err) <
		    0 ||
	    attach_kernel_fs("tmpfs", "dev/shm", plain, shm, err) < 0 ||
	    attach_kernel_fs("mqueue", "dev/mqueue", plain, NULL, err) < 0)
		return -1;
	return 0;
}

/* Files by a bind of /dev/null, folders by an empty read-only tmpfs; what isn't there needs no mask. */
static int mask(const char *path, struct error *err)
{
	AUTO(fd) int at = open_inside(path, O_PATH | O_NOFOLLOW);
	AUTO(fd) int tree = -1;
	struct stat st;

	if (at < 0 || fstat(at, &st) < 0)
		return errno == ENOENT ? 0 : fail_errno(err, "mask /%s", path);
	if (S_ISDIR(st.st_mode))
		return attach_kernel_fs("tmpfs", path, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC, NULL,
					err);
	tree = (int)syscall(SYS_open_tree, AT_FDCWD, "dev/null",
			    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0 ||
	    syscall(SYS_move_mount, tree, "", at, "",
		    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return fail_errno(err, "mask /%s", path);
	return 0;
}

static int make_read_only(const char *path, struct error *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	AUTO(fd)
	int tree = (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	AUTO(fd) int at = open_inside(path, O_PATH | O_NOFOLLOW);

	if (tree < 0 || at < 0)
		return errno == ENOENT ? 0 : fail_errno(err, "protect /%s", path);
	if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0 ||
	    syscall(SYS_move_mount, tree, "", at, "",
		    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return fail_errno(err, "protect /%s", path);
	return 0;
}

static int mask_paths(const struct child *c, struct error *err)
{
	static const char *const masked[] = {
		"proc/acpi",
		"proc/asound",
		"proc/kcore",
		"proc/keys",
		"proc/latency_stats",
		"proc/sched_debug",
		"proc/scsi",
		"proc/timer_list",
		"proc/timer_stats",
		"proc/key-users",
		"sys/firmware",
		"sys/kernel",
		"sys/devices/virtual/powercap",
	};
	static const char *const fixed[] = { "proc/bus", "proc/fs", "proc/irq", "proc/sys",
					     "proc/sysrq-trigger" };

	(void)c;
	for (size_t i = 0; i < ARRAY_SIZE(masked); i++)
		if (mask(masked[i], err) < 0)
			return -1;
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		if (make_read_only(fixed[i], err) < 0)
			return -1;
	return 0;
}

static int enter_root(const struct child *c, struct error *err)
{
	(void)c;
	/* The old root ends up on top of the new one and is detached: pivot_root(2), NOTES */
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return fail_errno(err, "pivot_root");
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return fail_errno(err, "leave the old root");
	return 0;
}

static int set_hostname(const struct child *c, struct error *err)
{
	if (sethostname(c->spec->hostname, strlen(c->spec->hostname)) < 0)
		return fail_errno(err, "set the host name");
	return 0;
}

static int new_keyring(const struct child *c, struct error *err)
{
	(void)c;
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS)
		return fail_errno(err, "new session keyring");
	return 0;
}

/* Opened before the ids change; the container's own /dev/null. */
static int set_stdio(const struct child *c, struct error *err)
{
	int null = open("/dev/null", O_RDWR);

	if (null < 0)
		return fail_errno(err, "open /dev/null");
	for (int fd = 0; fd <= 2; fd++) {
		int from = fd == 0 || c->spec->stderr_fd < 0 ? null : c->spec->stderr_fd;

		if (dup2(from, fd) < 0)
			return fail_errno(err, "standard descriptors");
	}
	if (null > 2)
		close(null);
	return 0;
}

static int enter_user_namespace(const struct child *c, struct error *err)
{
	if (setns(c->spec->userns, CLONE_NEWUSER) < 0)
		return fail_errno(err, "enter the user namespace");
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0 || setgroups(0, NULL) < 0)
		return fail_errno(err, "become root inside");
	return 0;
}

static int reset_process(const struct child *c, struct error *err)
{
	const struct rlimit no_core = { 0, 0 };
	sigset_t none;

	(void)c;
	(void)err;
	setrlimit(RLIMIT_CORE, &no_core);
	umask(022);
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	return 0;
}

static int drop_privileges(const struct child *c, struct error *err)
{
	return privs_drop(c->spec->capabilities ? c->spec->capabilities : PRIVS_DEFAULT, c->filter,
			  err);
}

/* The order matters: each step relies on those above it. */
static int (*const steps[])(const struct child *, struct error *) = {
	join_cgroup,	      make_mounts_private, attach_root,		 attach_mounts,
	attach_kernel_mounts, mask_paths,	   enter_root,		 set_hostname,
	new_keyring,	      set_stdio,	   enter_user_namespace, reset_process,
};

static int become(const struct child *c, int sync, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		if (steps[i](c, err) < 0)
			return -1;
	if (sync_send(sync, SYNC_READY, err) < 0 || sync_expect(sync, SYNC_EXEC, err) < 0)
		return -1;
	if (close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		return fail_errno(err, "close_range");
	if (drop_privileges(c, err) < 0)
		return -1;
	syscall(SYS_execveat, c->spec->program, "", c->spec->argv, c->spec->envp, AT_EMPTY_PATH);
	return fail_errno(err, "exec %s", c->spec->argv[0]);
}

_Noreturn void child_main(const struct container_spec *spec, const struct seccomp_filter *filter,
			  int sync)
{
	const struct child c = { spec, filter };
	struct error err;

	(void)become(&c, sync, &err);
	sync_send_failure(sync, &err);
	_exit(1);
}
