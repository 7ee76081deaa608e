/*
 * doze.c - what a supervisor becomes while its environment is asleep: the same process, a few kilobytes
 *
 *	orch-doze FREEZE N ORCH ARGUMENT...
 *
 * Descriptors 3 (the supervisor's lock) is held, 4 (its control socket), 5 (nfnetlink_log) and N more (pidfds of the
 * containers) are waited for. With the first packet the environment goes on at once, by FREEZE (its cgroup.freeze); with anything it becomes ORCH again.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define CONTROL 4
#define PACKETS 5
#define OTHERS 6
#define MAX 256

int main(int argc, char **argv)
{
	static struct pollfd list[MAX];
	int n = argc > 3 ? atoi(argv[2]) + OTHERS - CONTROL : -1;
	int fd;

	if (n < 0 || n > MAX)
		return 2;
	for (int i = 0; i < n; i++)
		list[i] = (struct pollfd){ .fd = CONTROL + i, .events = POLLIN };
	for (int i = OTHERS - CONTROL; i < n; i++)
		fcntl(CONTROL + i, F_SETFD, FD_CLOEXEC);
	/* Who gives the memory back, and orphans of containers. */
	signal(SIGCHLD, SIG_IGN);
	while (poll(list, (nfds_t)n, -1) < 0 && errno == EINTR)
		;
	if (list[PACKETS - CONTROL].revents) {
		fd = open(argv[1], O_WRONLY | O_CLOEXEC);
		if (fd >= 0)
			(void)!write(fd, "0", 1);
	}
	signal(SIGCHLD, SIG_DFL);
	execv(argv[3], argv + 4);
	return 127;
}
