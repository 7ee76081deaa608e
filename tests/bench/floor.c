/*
 * The floor: what the kernel itself takes to bring up a group of four, from nothing to four inits
 * running with links and rules, and to take it down. The bare sequence of calls, best known order:
 * all four are cloned first, and the network is built while they make their mounts.
 *
 * Runs in mount and network namespaces of its own; the cgroups that it makes are removed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/floor.h"

#define PLACE "/mnt" /* hidden by a tmpfs of ours in our own mount namespace */
#define FIRST_ID 0x70000000u
#define TREES 5u

/* Mounted cgroup hierarchies that have what a container is limited by. */
struct tree {
	char path[256];
	bool v2;
};

struct member {
	pid_t pid, helper;
	int pidfd, userns, sync;
	int base, app, dev, volume, run;
	int enter[TREES]; /* v1: tasks; v2: the folder to be born in */
};

static struct tree trees[TREES];
static unsigned n_trees;
static struct member members[MEMBERS];
static int program, template_base, template_app, template_dev, home;
static pid_t self;
static volatile sig_atomic_t stopping;

static void group_path(char *out, size_t size, const struct tree *t, int member)
{
	if (member < 0)
		snprintf(out, size, "%.255s/orch-floor-%d", t->path, (int)self);
	else
		snprintf(out, size, "%.255s/orch-floor-%d/%d", t->path, (int)self, member);
}

static void remove_group(int member)
{
	char path[330];

	for (unsigned i = 0; i < n_trees; i++) {
		group_path(path, sizeof(path), &trees[i], member);
		/* A process that was reaped can still be leaving its cgroup. */
		for (int try = 0; rmdir(path) < 0 && errno == EBUSY && try < 1000; try++)
			usleep(100);
	}
}

static void clean_up(void)
{
	if (getpid() != self)
		return;
	for (int i = 0; i < (int)MEMBERS; i++) {
		if (members[i].helper > 0 && kill(members[i].helper, SIGKILL) == 0)
			waitpid(members[i].helper, NULL, 0);
		if (members[i].pid > 0 && kill(members[i].pid, SIGKILL) == 0)
			waitpid(members[i].pid, NULL, 0);
		remove_group(i);
	}
	remove_group(-1);
}

void die(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	if (getpid() != self)
		_exit(1);
	exit(1);
}

static void must(long r, const char *what)
{
	if (r < 0)
		die(what);
}

static void put_file(int dir, const char *path, const char *text)
{
	int fd = openat(dir, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

/* A limit: not every hierarchy has every file. */
static void put_limit(const char *group, const char *name, const char *value)
{
	char path[400];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", group, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, value, strlen(value)) < 0)
		die(path);
	close(fd);
}

static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = list; (p = strstr(p, word)); p += len)
		if ((p == list || p[-1] == ',') && (p[len] == ',' || p[len] == '\0'))
			return true;
	return false;
}

/* /proc/self/mountinfo, proc_pid_mountinfo(5): the mount point is the fifth field. */
static void find_trees(void)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[2000], point[256], type[32], options[512];

	if (!f)
		die("mountinfo");
	while (n_trees < TREES && fgets(line, sizeof(line), f)) {
		const char *tail = strstr(line, " - ");

		if (!tail || sscanf(line, "%*s %*s %*s %*s %255s", point) != 1 ||
		    sscanf(tail, " - %31s %*s %511s", type, options) != 2)
			continue;
		trees[n_trees].v2 = !strcmp(type, "cgroup2");
		if (!trees[n_trees].v2 &&
		    (strcmp(type, "cgroup") != 0 ||
		     (!has_word(options, "memory") && !has_word(options, "cpu") &&
		      !has_word(options, "pids"))))
			continue;
		strcpy(trees[n_trees++].path, point);
	}
	fclose(f);
	if (!n_trees)
		die("find cgroups");
}

static void make_parents(void)
{
	char path[330];

	for (unsigned i = 0; i < n_trees; i++) {
		group_path(path, sizeof(path), &trees[i], -1);
		if (mkdir(path, 0755) < 0)
			die(path);
		if (!trees[i].v2)
			continue;
		for (int k = 0; k < 3; k++) {
			static const char *const names[] = { "+memory", "+pids", "+cpu" };
			char file[380];
			int fd;

			snprintf(file, sizeof(file), "%s/cgroup.subtree_control", path);
			fd = open(file, O_WRONLY | O_CLOEXEC);
			/* Beside v1 the v2 tree has no controllers. */
			if (fd >= 0) {
				(void)!write(fd, names[k], strlen(names[k]));
				close(fd);
			}
		}
	}
}

static void make_groups(int i)
{
	char path[330];

	for (unsigned t = 0; t < n_trees; t++) {
		group_path(path, sizeof(path), &trees[t], i);
		if (mkdir(path, 0755) < 0)
			die(path);
		put_limit(path, trees[t].v2 ? "memory.max" : "memory.limit_in_bytes", "268435456");
		put_limit(path, "pids.max", "512");
		put_limit(path, trees[t].v2 ? "cpu.max" : "cpu.cfs_quota_us",
			  trees[t].v2 ? "200000 100000" : "200000");
		if (!trees[t].v2)
			strcat(path, "/tasks");
		members[i].enter[t] = open(path, (trees[t].v2 ? O_RDONLY : O_WRONLY) | O_CLOEXEC);
		if (members[i].enter[t] < 0)
			die(path);
	}
}

static pid_t clone3(struct clone_args *args)
{
	return (pid_t)syscall(SYS_clone3, args, sizeof(*args));
}

static void make_userns(int i)
{
	struct clone_args args = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };
	pid_t pid = clone3(&args);

	if (pid < 0)
		die("clone for a user namespace");
	if (pid == 0)
		for (;;)
			pause();
	members[i].helper = pid;
}

static void map_userns(int i)
{
	struct member *m = &members[i];
	char path[64], map[64];

	snprintf(map, sizeof(map), "0 %u 65536", FIRST_ID + (unsigned)i * 65536);
	snprintf(path, sizeof(path), "/proc/%d/uid_map", (int)m->helper);
	put_file(AT_FDCWD, path, map);
	snprintf(path, sizeof(path), "/proc/%d/gid_map", (int)m->helper);
	put_file(AT_FDCWD, path, map);
	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)m->helper);
	m->userns = open(path, O_RDONLY | O_CLOEXEC);
	if (m->userns < 0 || kill(m->helper, SIGKILL) < 0)
		die(path);
}

/* Its end can wait: nobody needs it. */
static void reap_helper(int i)
{
	must(waitpid(members[i].helper, NULL, 0), "reap a helper");
	members[i].helper = 0;
}

static int clone_tree(int template, int userns, uint64_t attributes)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP | attributes,
				   .userns_fd = (unsigned)userns };
	int fd = open_tree(template, "",
			   OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (unsigned)AT_EMPTY_PATH);

	if (fd < 0 || mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		die("clone a mount");
	return fd;
}

/* A detached tmpfs; owner "" for the superuser. */
static int make_tmpfs(const char *owner)
{
	int fs = fsopen("tmpfs", FSOPEN_CLOEXEC), fd;

	if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0755", 0) < 0 ||
	    (*owner &&
	     (fsconfig(fs, FSCONFIG_SET_STRING, "uid", owner, 0) < 0 ||
	      fsconfig(fs, FSCONFIG_SET_STRING, "gid", owner, 0) < 0)) ||
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		die("make a tmpfs");
	fd = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	if (fd < 0)
		die("fsmount");
	close(fs);
	return fd;
}

static void make_mounts(int i)
{
	struct member *m = &members[i];
	char owner[16];

	m->base = clone_tree(template_base, m->userns, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV);
	m->app = clone_tree(template_app, m->userns, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV);
	m->volume = clone_tree(template_app, m->userns, MOUNT_ATTR_NODEV);
	m->dev = clone_tree(template_dev, m->userns, MOUNT_ATTR_RDONLY);
	snprintf(owner, sizeof(owner), "%u", FIRST_ID + (unsigned)i * 65536);
	m->run = make_tmpfs(owner);
	put_file(m->run, "hosts", "127.0.0.1 localhost\n");
	put_file(m->run, "resolv.conf", "nameserver 192.0.2.1\n");
	put_file(m->run, "hostname", "floor\n");
}

/* ---- the child: nothing but system calls ---- */

static void attach(int tree, const char *where)
{
	must(move_mount(tree, "", AT_FDCWD, where, MOVE_MOUNT_F_EMPTY_PATH), where);
}

static void enter_groups(const struct member *m)
{
	for (unsigned t = 0; t < n_trees; t++)
		if (!trees[t].v2)
			must(write(m->enter[t], "0", 1), "join a cgroup");
	must(unshare(CLONE_NEWCGROUP), "cgroup namespace");
}

static void set_root(const struct member *m)
{
	static const char *const masked[] = { "proc/kcore", "proc/keys", "proc/sysrq-trigger",
					      "proc/timer_list" };
	const unsigned long safe = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "make mounts private");
	attach(m->base, PLACE);
	must(chdir(PLACE), PLACE);
	attach(m->app, "app");
	attach(m->volume, "data");
	attach(m->dev, "dev");
	attach(m->run, "run");
	must(mount("proc", "proc", "proc", safe, NULL), "proc");
	must(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
		   "newinstance,ptmxmode=0666"),
	     "devpts");
	must(mount("shm", "dev/shm", "tmpfs", safe, "mode=1777,size=64m"), "shm");
	must(mount("mqueue", "dev/mqueue", "mqueue", safe, NULL), "mqueue");
	must(mount("sysfs", "sys", "sysfs", safe | MS_RDONLY, NULL), "sysfs");
	for (size_t i = 0; i < sizeof(masked) / sizeof(masked[0]); i++)
		if (mount("dev/null", masked[i], NULL, MS_BIND, NULL) < 0 && errno != ENOENT)
			die(masked[i]);
	must(mount("none", "sys/firmware", "tmpfs", safe | MS_RDONLY, "size=0"), "sys/firmware");
	must(syscall(SYS_pivot_root, ".", "."), "pivot_root");
	must(umount2(".", MNT_DETACH), "let go of the old root");
}

static void drop_privileges(const struct member *m)
{
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_keyctl, 4, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bpf, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mount, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_kexec_load, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	};
	const struct sock_fprog filter = { sizeof(code) / sizeof(code[0]), code };
	const struct rlimit none = { 0, 0 };

	must(setns(m->userns, CLONE_NEWUSER), "enter the user namespace");
	must(syscall(SYS_setgroups, 0, NULL), "setgroups");
	must(setresgid(0, 0, 0), "setresgid");
	must(setresuid(0, 0, 0), "setresuid");
	must(setrlimit(RLIMIT_CORE, &none), "setrlimit");
	for (int cap = CAP_SYS_MODULE; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
		if (cap != CAP_SYS_CHROOT && cap != CAP_SETFCAP)
			must(prctl(PR_CAPBSET_DROP, cap), "drop a capability");
	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
	must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), "seccomp");
}

static _Noreturn void become(const struct member *m, int sync)
{
	char name[] = "init", *const argv[] = { name, NULL }, *const envp[] = { NULL };
	char go = 0;

	must(unshare(CLONE_NEWNET), "network namespace");
	must(write(sync, &go, 1), "say that it is there");
	enter_groups(m);
	set_root(m);
	must(sethostname("floor", 5), "sethostname");
	must(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL), "session keyring");
	drop_privileges(m);
	must(write(sync, &go, 1), "say ready");
	if (read(sync, &go, 1) != 1)
		_exit(1);
	must(close_range(3, ~0u, CLOSE_RANGE_CLOEXEC), "close_range");
	execveat(program, "", argv, envp, AT_EMPTY_PATH);
	die("exec init");
}

/* ---- the parent ---- */

static void clone_member(int i)
{
	struct member *m = &members[i];
	struct clone_args args = { .flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC |
					   CLONE_NEWUTS | CLONE_PIDFD,
				   .exit_signal = SIGCHLD,
				   .pidfd = (uint64_t)(uintptr_t)&m->pidfd };
	int pair[2];

	for (unsigned t = 0; t < n_trees; t++) {
		if (!trees[t].v2)
			continue;
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (unsigned)m->enter[t];
	}
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "socketpair");
	m->pid = clone3(&args);
	if (m->pid < 0)
		die("clone3");
	if (m->pid == 0) {
		close(pair[0]);
		become(m, pair[1]);
	}
	close(pair[1]);
	m->sync = pair[0];
	close(m->base);
	close(m->app);
	close(m->volume);
	close(m->dev);
	close(m->run);
	for (unsigned t = 0; t < n_trees; t++)
		close(m->enter[t]);
}

static void link_member(const struct router *r, int i)
{
	char path[64], byte;
	int netns;

	if (read(members[i].sync, &byte, 1) != 1)
		die("a container has no network namespace");
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)members[i].pid);
	netns = open(path, O_RDONLY | O_CLOEXEC);
	if (netns < 0)
		die(path);
	router_link(r, (unsigned)i, netns, home);
	close(netns);
}

static void write_record(void)
{
	char text[1024];

	memset(text, ' ', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	put_file(AT_FDCWD, PLACE "/record~", text);
	must(rename(PLACE "/record~", PLACE "/record"), "write the record");
}

/* Ready, then go, then end of file: the socket was closed by exec. */
static void let_go(void)
{
	char byte = 0;

	for (unsigned i = 0; i < MEMBERS; i++)
		if (read(members[i].sync, &byte, 1) != 1)
			die("a container didn't get ready");
	write_record();
	for (unsigned i = 0; i < MEMBERS; i++)
		must(write(members[i].sync, &byte, 1), "let it go");
	for (unsigned i = 0; i < MEMBERS; i++) {
		must(read(members[i].sync, &byte, 1), "wait for exec");
		close(members[i].sync);
	}
}

static void up(struct router *r)
{
	for (int i = 0; i < (int)MEMBERS; i++)
		make_userns(i);
	for (int i = 0; i < (int)MEMBERS; i++)
		map_userns(i);
	for (int i = 0; i < (int)MEMBERS; i++) {
		make_groups(i);
		make_mounts(i);
		clone_member(i);
	}
	router_make(r, home);
	for (int i = 0; i < (int)MEMBERS; i++)
		link_member(r, i);
	router_filter(r);
	let_go();
}

static void check_alive(void)
{
	for (unsigned i = 0; i < MEMBERS; i++) {
		struct pollfd p = { .fd = members[i].pidfd, .events = POLLIN };

		if (poll(&p, 1, 0) != 0) {
			errno = ECHILD;
			die("an init ended at once");
		}
	}
}

static void down(struct router *r)
{
	for (unsigned i = 0; i < MEMBERS; i++)
		must(syscall(SYS_pidfd_send_signal, members[i].pidfd, SIGKILL, NULL, 0), "kill");
	for (unsigned i = 0; i < MEMBERS; i++) {
		must(waitpid(members[i].pid, NULL, 0), "reap");
		members[i].pid = 0;
		close(members[i].pidfd);
		close(members[i].userns);
	}
	router_close(r);
	for (int i = 0; i < (int)MEMBERS; i++)
		remove_group(i);
}

static void make_template(int fd, const char *const *folders)
{
	for (; *folders; folders++)
		must(mkdirat(fd, *folders, 0755), *folders);
}

static void make_templates(void)
{
	static const char *const in_base[] = { "app", "data", "dev", "proc",
					       "run", "sys",  "tmp", NULL };
	static const char *const in_app[] = { "web", NULL };
	static const char *const in_dev[] = { "pts", "shm", "mqueue", NULL };
	static const struct {
		const char *name;
		unsigned minor;
	} nodes[] = {
		{ "null", 3 }, { "zero", 5 }, { "full", 7 }, { "random", 8 }, { "urandom", 9 }
	};

	template_base = make_tmpfs("");
	template_app = make_tmpfs("");
	template_dev = make_tmpfs("");
	make_template(template_base, in_base);
	make_template(template_app, in_app);
	make_template(template_dev, in_dev);
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
		must(mknodat(template_dev, nodes[i].name, S_IFCHR | 0666,
			     makedev(1, nodes[i].minor)),
		     nodes[i].name);
}

/* A device can't be opened through a mount without devices: only /dev is one that has them. */
static void allow_devices(void)
{
	struct mount_attr attr = { .attr_clr = MOUNT_ATTR_NODEV };

	must(mount_setattr(template_dev, "", AT_EMPTY_PATH, &attr, sizeof(attr)), "dev");
}

static void prepare(const char *self_path)
{
	char path[4096];
	size_t len = (size_t)snprintf(path, sizeof(path), "%s-init", self_path);

	if (len >= sizeof(path))
		die("path");
	program = open(path, O_RDONLY | O_CLOEXEC);
	must(program, path);
	must(unshare(CLONE_NEWNS | CLONE_NEWNET), "unshare (as root?)");
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "make mounts private");
	must(mount("floor", PLACE, "tmpfs", 0, "mode=0755"), PLACE);
	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	must(home, "own network namespace");
	make_templates();
	allow_devices();
	make_parents();
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), by_value);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static void stop(int number)
{
	(void)number;
	stopping = 1;
}

int main(int argc, char **argv)
{
	unsigned long runs = argc > 1 ? strtoul(argv[1], NULL, 10) : 20;
	double ups[1000], downs[1000];
	size_t n = 0;

	self = getpid();
	if (runs < 1 || runs > 1000) {
		fprintf(stderr, "usage: floor [RUNS]\n");
		return 2;
	}
	find_trees();
	atexit(clean_up);
	signal(SIGINT, stop);
	signal(SIGTERM, stop);
	prepare(argv[0]);
	while (n < runs && !stopping) {
		struct router r;
		double start = now_ms(), running, before;

		up(&r);
		running = now_ms();
		check_alive();
		for (int i = 0; i < (int)MEMBERS; i++)
			reap_helper(i);
		before = now_ms();
		down(&r);
		ups[n] = running - start;
		downs[n++] = now_ms() - before;
	}
	printf("floor  group up    %8.2f ms\nfloor  group down  %8.2f ms\n", median(ups, n),
	       median(downs, n));
	return 0;
}
