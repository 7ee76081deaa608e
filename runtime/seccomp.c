/* The only user of libseccomp: see privs.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/filter.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "runtime/seccomp.h"

#define FILTER_MAX 4096 /* instructions: BPF_MAXINSNS, linux/bpf_common.h */

/* What reaches beyond a container's own processes and files, or much kernel code for little use. */
static const char *const refused[] = {
	"acct",
	"add_key",
	"bpf",
	"clock_adjtime",
	"clock_settime",
	"create_module",
	"delete_module",
	"finit_module",
	"fsconfig",
	"fsmount",
	"fsopen",
	"fspick",
	"init_module",
	"ioperm",
	"iopl",
	"kexec_file_load",
	"kexec_load",
	"keyctl",
	"lookup_dcookie",
	"mount",
	"mount_setattr",
	"move_mount",
	"move_pages",
	"name_to_handle_at",
	"nfsservctl",
	"open_by_handle_at",
	"open_tree",
	"perf_event_open",
	"pivot_root",
	"process_madvise",
	"quotactl",
	"quotactl_fd",
	"reboot",
	"request_key",
	"set_mempolicy",
	"setns",
	"settimeofday",
	"stime",
	"swapoff",
	"swapon",
	"syslog",
	"umount",
	"umount2",
	"unshare",
	"uselib",
	"userfaultfd",
	"ustat",
	"vhangup",
	"adjtimex",
	"vm86",
	"vm86old",
};

/* Callers fall back when the kernel seems not to have these (runtime notes in ARCHITECTURE.md). */
static const char *const unknown[] = { "clone3", "io_uring_setup", "io_uring_enter",
				       "io_uring_register" };

static const int families[] = { AF_ALG, AF_PACKET, AF_VSOCK, AF_BLUETOOTH, AF_CAN,
				AF_XDP, AF_KEY,	   AF_RDS,   AF_TIPC };

static int add_names(scmp_filter_ctx ctx, const char *const *names, size_t n, uint32_t action)
{
	for (size_t i = 0; i < n; i++) {
		int nr = seccomp_syscall_resolve_name(names[i]);

		if (nr != __NR_SCMP_ERROR && seccomp_rule_add(ctx, action, nr, 0) < 0)
			return -1;
	}
	return 0;
}

static int add_arguments(scmp_filter_ctx ctx)
{
	static const unsigned long requests[] = {
		TIOCSTI, /* typing into the caller's terminal: ioctl_tty(2) */
		/* A subvolume in a volume would not count in its limit: linux/btrfs.h. */
		BTRFS_IOC_SUBVOL_CREATE,
		BTRFS_IOC_SUBVOL_CREATE_V2,
		BTRFS_IOC_SNAP_CREATE,
		BTRFS_IOC_SNAP_CREATE_V2,
	};
	const uint32_t refuse = SCMP_ACT_ERRNO(EPERM);
	const uint64_t namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
		CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

	for (int bit = 0; bit < 32; bit++) {
		uint64_t flag = UINT64_C(1) << bit;

		if (!(namespaces & flag))
			continue;
		if (seccomp_rule_add(ctx, refuse, SCMP_SYS(clone), 1,
				     SCMP_A0(SCMP_CMP_MASKED_EQ, flag, flag)) < 0)
			return -1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		if (seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
				     SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i])) < 0)
			return -1;
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
		if (seccomp_rule_add(ctx, refuse, SCMP_SYS(ioctl), 1,
				     SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffu,
					     (scmp_datum_t)requests[i])) < 0)
			return -1;
	return 0;
}

static int build(scmp_filter_ctx ctx)
{
	if (add_names(ctx, refused, ARRAY_SIZE(refused), SCMP_ACT_ERRNO(EPERM)) < 0 ||
	    add_names(ctx, unknown, ARRAY_SIZE(unknown), SCMP_ACT_ERRNO(ENOSYS)) < 0)
		return -1;
	return add_arguments(ctx);
}

/* The program goes through a memory file: this libseccomp writes to descriptors only. */
static int export(scmp_filter_ctx ctx, struct sock_fprog *out)
{
	static struct sock_filter program[FILTER_MAX];
	AUTO(fd) int fd = memfd_create("seccomp", MFD_CLOEXEC);
	ssize_t size;

	if (fd < 0 || seccomp_export_bpf(ctx, fd) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return -1;
	size = read(fd, program, sizeof(program));
	if (size <= 0 || (size_t)size == sizeof(program))
		return -1;
	out->len = (unsigned short)((size_t)size / sizeof(program[0]));
	out->filter = program;
	return 0;
}

const struct seccomp_filter *seccomp_get(struct error *err)
{
	static struct seccomp_filter filter;
	scmp_filter_ctx ctx;
	int r;

	if (filter.program.len)
		return &filter;
	ctx = seccomp_init(SCMP_ACT_ALLOW);
	r = ctx ? build(ctx) : -1;
	if (r == 0)
		r = export(ctx, &filter.program);
	seccomp_release(ctx);
	if (r == 0)
		return &filter;
	fail(err, ERROR_SYSTEM, "cannot build the seccomp filter");
	return NULL;
}
