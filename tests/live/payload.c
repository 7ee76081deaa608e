/*
 * payload - the program of test containers: static, so an image is this one file
 *
 *	sleep			until killed
 *	eat BYTES		touch that much memory
 *	fork N			N children; says how many came to be
 *	CHECK...		each is looked at; the exit code is the number of the first that fails
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int status_has(const char *line)
{
	char text[8192];
	int fd = open("/proc/self/status", O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	close(fd);
	return strstr(text, line) != NULL;
}

static int is_hostname(const char *want)
{
	char host[65] = "";

	gethostname(host, sizeof(host) - 1);
	return !strcmp(host, want);
}

static int check(const char *name)
{
	if (!strcmp(name, "pid-1"))
		return getpid() == 1;
	if (!strcmp(name, "root"))
		return getuid() == 0 && geteuid() == 0;
	if (!strcmp(name, "host-web"))
		return is_hostname("web");
	if (!strcmp(name, "read-only"))
		return open("/new", O_CREAT | O_WRONLY, 0600) < 0 && errno == EROFS;
	if (!strcmp(name, "data-writable"))
		return open("/data/new", O_CREAT | O_WRONLY, 0600) >= 0;
	if (!strcmp(name, "no-mount"))
		return mount("t", "/data", "tmpfs", 0, NULL) < 0 && errno == EPERM;
	if (!strcmp(name, "no-unshare"))
		return unshare(CLONE_NEWUSER) < 0 && errno == EPERM;
	if (!strcmp(name, "no-hostname"))
		return sethostname("x", 1) < 0;
	if (!strcmp(name, "confined"))
		return status_has("Seccomp:\t2") && status_has("NoNewPrivs:\t1");
	if (!strcmp(name, "proc-own"))
		return access("/proc/1/comm", F_OK) == 0 && access("/proc/2000", F_OK) < 0;
	if (!strcmp(name, "no-sysctl"))
		return open("/proc/sys/kernel/hostname", O_WRONLY) < 0;
	if (!strcmp(name, "null"))
		return open("/dev/null", O_RDWR) >= 0;
	return 0;
}

static int eat(size_t bytes)
{
	char *p = malloc(bytes);

	for (size_t i = 0; p && i < bytes; i += 4096)
		((volatile char *)p)[i] = 1;
	return p ? 0 : 1;
}

static int fork_many(int n)
{
	int made = 0;

	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			pause();
			_exit(0);
		}
		made += pid > 0;
	}
	return made < n ? 11 : 0;
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "eat"))
		return eat(strtoul(argv[2], NULL, 10));
	if (argc > 2 && !strcmp(argv[1], "fork"))
		return fork_many(atoi(argv[2]));
	if (argc > 2 && !strcmp(argv[1], "exit"))
		return atoi(argv[2]);
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "sleep"))
			for (;;)
				pause();
		if (!check(argv[i]))
			return i;
	}
	return 0;
}
