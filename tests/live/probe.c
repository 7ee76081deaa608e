/*
 * probe.c - who answers whom, from inside a container
 *
 *	probe LISTEN PORT...		echo on these TCP ports and on the same UDP ports, for ever
 *	probe SCAN IP FROM TO		the TCP ports of IP that accept a connection, one a line
 *	probe SCANUDP IP FROM TO	the UDP ports of IP that echo, one a line
 *	probe ASK IP PORT TEXT		send TEXT over TCP, print what comes back
 *	probe HUPS [NAME]		be called hups-N, where N is how many SIGHUP there were, for ever
 *
 * SCAN exits with 0 when it came to an end, whatever it found; ASK with 1 when there was no answer.
 * No library but libc: it is linked statically with musl and runs in any container.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define AT_ONCE 8192	/* connections on the way, if the limit of open files allows */
#define PATIENCE_MS 600 /* for an answer of a neighbour that means to give one */
#define PORTS 16
#define CLIENTS 64

static const char *const hello = "probe";

static struct sockaddr_in at(const char *ip, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	if (inet_pton(AF_INET, ip, &a.sin_addr) != 1) {
		fprintf(stderr, "probe: %s is no IPv4 address\n", ip);
		exit(2);
	}
	return a;
}

static int number(const char *s)
{
	char *end;
	long n = strtol(s, &end, 10);

	if (*end || n < 1 || n > 65535) {
		fprintf(stderr, "probe: %s is no port\n", s);
		exit(2);
	}
	return (int)n;
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000L + t.tv_nsec / 1000000L;
}

static int serve_on(int type, int port)
{
	const struct sockaddr_in a = at("0.0.0.0", port);
	const int on = 1;
	int fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (const struct sockaddr *)&a, sizeof(a)) < 0 ||
	    (type == SOCK_STREAM && listen(fd, 64) < 0)) {
		fprintf(stderr, "probe: port %d: %s\n", port, strerror(errno));
		exit(1);
	}
	return fd;
}

static void echo_datagram(int fd)
{
	struct sockaddr_in from;
	socklen_t size = sizeof(from);
	char buf[2048];
	ssize_t n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &size);

	if (n >= 0)
		(void)sendto(fd, buf, (size_t)n, 0, (struct sockaddr *)&from, size);
}

/* Returns false when the client is gone. */
static bool echo_stream(int fd)
{
	char buf[4096];
	ssize_t n = recv(fd, buf, sizeof(buf), 0);

	if (n < 0)
		return errno == EAGAIN;
	return n > 0 && send(fd, buf, (size_t)n, MSG_NOSIGNAL) == n;
}

/* p: the listeners (TCP at even places, UDP at odd ones), then room for clients; -1 is a free place. */
static void serve_round(struct pollfd *p, int listeners)
{
	for (int i = 0; i < listeners; i++) {
		int fd;

		if (!(p[i].revents & POLLIN))
			continue;
		if (i % 2) {
			echo_datagram(p[i].fd);
			continue;
		}
		fd = accept4(p[i].fd, NULL, NULL, SOCK_NONBLOCK);
		for (int j = listeners; fd >= 0 && j < listeners + CLIENTS; j++)
			if (p[j].fd < 0) {
				p[j] = (struct pollfd){ .fd = fd, .events = POLLIN };
				fd = -1;
			}
		if (fd >= 0)
			close(fd);
	}
	for (int j = listeners; j < listeners + CLIENTS; j++)
		if (p[j].fd >= 0 && p[j].revents && !echo_stream(p[j].fd)) {
			close(p[j].fd);
			p[j].fd = -1;
		}
}

static int do_listen(int n, char **ports)
{
	struct pollfd p[2 * PORTS + CLIENTS];

	if (n > PORTS) {
		fprintf(stderr, "probe: at most %d ports\n", PORTS);
		return 2;
	}
	for (int i = 0; i < n; i++) {
		p[2 * i] = (struct pollfd){ .fd = serve_on(SOCK_STREAM, number(ports[i])),
					    .events = POLLIN };
		p[2 * i + 1] = (struct pollfd){ .fd = serve_on(SOCK_DGRAM, number(ports[i])),
						.events = POLLIN };
	}
	for (int j = 2 * n; j < 2 * n + CLIENTS; j++)
		p[j] = (struct pollfd){ .fd = -1 };
	puts("listening");
	fflush(stdout);
	for (;;)
		if (poll(p, (nfds_t)(2 * n + CLIENTS), -1) > 0)
			serve_round(p, 2 * n);
}

struct attempt {
	int port;
	bool open;
};

/* Open a TCP connection on its way, or send a datagram; refused at once leaves p->fd at -1. */
static void begin(struct pollfd *p, int type, const char *ip, struct attempt *a)
{
	const struct sockaddr_in to = at(ip, a->port);
	const bool stream = type == SOCK_STREAM;

	*p = (struct pollfd){ .fd = socket(AF_INET, type | SOCK_NONBLOCK, 0),
			      .events = stream ? POLLOUT : POLLIN };
	if (p->fd < 0) {
		fprintf(stderr, "probe: %s\n", strerror(errno));
		exit(1);
	}
	if (connect(p->fd, (const struct sockaddr *)&to, sizeof(to)) == 0) {
		if (!stream) {
			(void)send(p->fd, hello, strlen(hello), 0);
			return;
		}
		a->open = true;
	} else if (errno == EINPROGRESS) {
		return;
	}
	close(p->fd);
	p->fd = -1;
}

/* A local port that was chosen to be the one it connects to: TCP allows that, on one's own addresses. */
static bool is_itself(int fd)
{
	struct sockaddr_in own = { 0 }, other = { 0 };
	socklen_t size = sizeof(own);

	getsockname(fd, (struct sockaddr *)&own, &size);
	getpeername(fd, (struct sockaddr *)&other, &size);
	return own.sin_port == other.sin_port && own.sin_addr.s_addr == other.sin_addr.s_addr;
}

/* The answer has come: a connection, a reset, "unreachable", or the echo of a datagram. */
static void finish(struct pollfd *p, int type, struct attempt *a)
{
	int error = 0;
	socklen_t size = sizeof(error);
	char buf[16];

	getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (type == SOCK_STREAM)
		a->open = error == 0 && !is_itself(p->fd);
	else
		a->open = error == 0 && recv(p->fd, buf, sizeof(buf), 0) > 0;
	close(p->fd);
	p->fd = -1;
}

static void scan_some(int type, const char *ip, struct attempt *a, int n)
{
	static struct pollfd p[AT_ONCE];
	const long end = now_ms() + PATIENCE_MS;
	int left = 0;

	for (int i = 0; i < n; i++) {
		begin(&p[i], type, ip, &a[i]);
		left += p[i].fd >= 0;
	}
	while (left > 0 && now_ms() < end) {
		if (poll(p, (nfds_t)n, (int)(end - now_ms())) <= 0)
			break;
		for (int i = 0; i < n; i++)
			if (p[i].fd >= 0 && p[i].revents) {
				finish(&p[i], type, &a[i]);
				left--;
			}
	}
	for (int i = 0; i < n; i++) {
		if (p[i].fd >= 0)
			close(p[i].fd);
		if (a[i].open)
			printf("%d\n", a[i].port);
	}
}

/* As many as this process may have open, and some to spare. */
static int at_once(void)
{
	struct rlimit files = { .rlim_cur = 256 };

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	return files.rlim_cur > AT_ONCE + 16 ? AT_ONCE : (int)files.rlim_cur - 16;
}

static int do_scan(int type, const char *ip, int from, int to)
{
	static struct attempt a[AT_ONCE];
	const int room = at_once();

	for (int first = from; first <= to; first += room) {
		int n = to - first + 1 < room ? to - first + 1 : room;

		for (int i = 0; i < n; i++)
			a[i] = (struct attempt){ .port = first + i };
		scan_some(type, ip, a, n);
	}
	return fflush(stdout) == 0 ? 0 : 1;
}

static int do_ask(const char *ip, int port, const char *text)
{
	const struct sockaddr_in to = at(ip, port);
	const struct timeval patience = { .tv_sec = 2 };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char buf[4096];
	ssize_t n;

	/* socket(7): it also bounds connect(). */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 ||
	    send(fd, text, strlen(text), MSG_NOSIGNAL) < 0) {
		fprintf(stderr, "probe: %s\n", strerror(errno));
		return 1;
	}
	n = recv(fd, buf, sizeof(buf), 0);
	if (n <= 0)
		return 1;
	fwrite(buf, 1, (size_t)n, stdout);
	putchar('\n');
	return 0;
}

/* What a process was told can be seen from outside: /proc/PID/comm. */
static void count_hups(void)
{
	sigset_t set;
	char name[16];

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int n = 0, sig = 0;; n += sig == SIGHUP) {
		snprintf(name, sizeof(name), "hups-%d", n);
		prctl(PR_SET_NAME, name);
		sigwait(&set, &sig);
	}
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "HUPS"))
		count_hups();
	if (argc > 2 && !strcmp(argv[1], "LISTEN"))
		return do_listen(argc - 2, argv + 2);
	if (argc == 5 && !strcmp(argv[1], "SCAN"))
		return do_scan(SOCK_STREAM, argv[2], number(argv[3]), number(argv[4]));
	if (argc == 5 && !strcmp(argv[1], "SCANUDP"))
		return do_scan(SOCK_DGRAM, argv[2], number(argv[3]), number(argv[4]));
	if (argc == 5 && !strcmp(argv[1], "ASK"))
		return do_ask(argv[2], number(argv[3]), argv[4]);
	fputs("usage: probe LISTEN PORT... | SCAN IP FROM TO | SCANUDP IP FROM TO | ASK IP PORT "
	      "TEXT "
	      "| HUPS\n",
	      stderr);
	return 2;
}
