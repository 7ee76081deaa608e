#include "orchestrator/attend.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/process.h"
#include "orchestrator/control.h"
#include "orchestrator/terminal.h"

#define GRACE_S 10

static volatile sig_atomic_t at = -1; /* pidfd of the command */
static volatile sig_atomic_t ending;  /* it was told to end */
static volatile sig_atomic_t late;

/* Nothing but system calls: signal-safety(7). */
static void on_signal(int signum, siginfo_t *info, void *context)
{
	int pass_on = signum;

	(void)context;
	if (signum == SIGALRM) {
		late |= !ending;
		pass_on = ending ? SIGKILL : SIGTERM;
	} else {
		control_interrupts = control_interrupts + 1;
	}
	if (at < 0)
		return;
	ending = 1;
	(void)alarm(GRACE_S);
	/* What the terminal sends reaches the command by itself. */
	if (signum == SIGALRM || info->si_code != SI_KERNEL)
		(void)syscall(SYS_pidfd_send_signal, (int)at, pass_on, NULL, 0);
}

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGALRM };

void attend_signals(void)
{
	/* No SA_RESTART: whoever waits looks at control_interrupts. */
	const struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &action, NULL);
	(void)signal(SIGQUIT, SIG_IGN);
}

void attend_as_before(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		(void)signal(signals[i], SIG_DFL);
	(void)signal(SIGQUIT, SIG_DFL);
	(void)signal(SIGPIPE, SIG_DFL);
}

void attend_no_signals(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		(void)signal(signals[i], SIG_IGN);
	control_interrupts = 0;
}

static void put(int fd, const char *data, ssize_t size)
{
	while (fd >= 0 && size > 0) {
		ssize_t n = TEMP_FAILURE_RETRY(write(fd, data, (size_t)size));

		if (n < 0)
			return;
		data += n;
		size -= n;
	}
}

/* False at the end of the stream, and when there is nothing now. */
static bool carry(int from, int to, int copy)
{
	char block[65536];
	ssize_t got = TEMP_FAILURE_RETRY(read(from, block, sizeof(block)));

	put(to, block, got);
	put(copy, block, got);
	return got > 0;
}

/* Until it has ended; what descendants that outlive it write later is theirs. */
static void relay(const struct attended *a, int pidfd)
{
	struct pollfd list[] = { { .fd = pidfd, .events = POLLIN },
				 { .fd = a->out, .events = POLLIN },
				 { .fd = a->err, .events = POLLIN } };

	(void)fcntl(a->out, F_SETFL, O_NONBLOCK);
	(void)fcntl(a->err, F_SETFL, O_NONBLOCK);
	while (!list[0].revents) {
		if (poll(list, ARRAY_SIZE(list), -1) < 0) {
			list[0].revents = 0;
			continue;
		}
		if (list[1].revents && !carry(a->out, STDOUT_FILENO, a->copy))
			list[1].fd = -1;
		if (list[2].revents && !carry(a->err, STDERR_FILENO, a->copy))
			list[2].fd = -1;
	}
	while (list[1].fd >= 0 && carry(a->out, STDOUT_FILENO, a->copy))
		;
	while (list[2].fd >= 0 && carry(a->err, STDERR_FILENO, a->copy))
		;
}

int attend(const struct attended *a, bool *was_late)
{
	const struct itimerval timer = { .it_value = { .tv_sec = (time_t)(a->timeout_ms / 1000),
						       .tv_usec = (suseconds_t)(a->timeout_ms %
										1000 * 1000) } };
	const struct itimerval none = { .it_value = { .tv_sec = 0 } };
	AUTO(fd) int pidfd = (int)syscall(SYS_pidfd_open, a->pid, 0);
	int code;

	ending = late = 0;
	at = pidfd;
	(void)setitimer(ITIMER_REAL, &timer, NULL);
	/* One that came just before was meant for it too. */
	if (control_interrupts)
		(void)raise(SIGTERM);
	if (a->terminal >= 0)
		terminal_relay(a->terminal);
	else if (a->out >= 0)
		relay(a, pidfd);
	code = process_wait(a->pid);
	at = -1;
	(void)setitimer(ITIMER_REAL, &none, NULL);
	*was_late = late;
	return code;
}
