#include "orchestrator/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"

static volatile sig_atomic_t resized;

static void on_resize(int signum)
{
	(void)signum;
	resized = 1;
}

static void copy_size(int master)
{
	struct winsize size;

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
		(void)ioctl(master, TIOCSWINSZ, &size);
}

int terminal_open(int *master, int *slave, struct error *err)
{
	AUTO(fd) int m = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	char name[64];
	int s;

	if (m < 0 || grantpt(m) < 0 || unlockpt(m) < 0 || ptsname_r(m, name, sizeof(name)) != 0)
		return fail_errno(err, "new pseudo terminal");
	s = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (s < 0)
		return fail_errno(err, "open %s", name);
	copy_size(m);
	*slave = s;
	*master = TAKE_FD(m);
	return 0;
}

/* False at the end of the stream. */
static bool carry(int from, int to)
{
	char block[4096];
	ssize_t got = read(from, block, sizeof(block));

	if (got <= 0)
		return got < 0 && (errno == EINTR || errno == EAGAIN);
	for (ssize_t put = 0; put < got;) {
		ssize_t n = TEMP_FAILURE_RETRY(write(to, block + put, (size_t)(got - put)));

		if (n < 0)
			return false;
		put += n;
	}
	return true;
}

static void relay(int master)
{
	struct pollfd list[2] = { { .fd = master, .events = POLLIN },
				  { .fd = STDIN_FILENO, .events = POLLIN } };

	for (;;) {
		if (resized) {
			resized = 0;
			copy_size(master);
		}
		if (poll(list, 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			return;
		}
		if (list[0].revents && !carry(master, STDOUT_FILENO))
			return;
		if (list[1].revents && !carry(STDIN_FILENO, master))
			list[1].fd = -1;
	}
}

void terminal_relay(int master)
{
	const struct sigaction action = { .sa_handler = on_resize };
	struct sigaction before;
	struct termios mode, raw;
	bool changed = tcgetattr(STDIN_FILENO, &mode) == 0;

	if (changed) {
		raw = mode;
		cfmakeraw(&raw);
		changed = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
	}
	sigaction(SIGWINCH, &action, &before);
	relay(master);
	sigaction(SIGWINCH, &before, NULL);
	if (changed)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &mode);
}
