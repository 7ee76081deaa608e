#include "tests/live/netlab.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/text.h"
#include "netplan/links.h"
#include "netplan/netlink.h"
#include "netplan/netns.h"
#include "netplan/pair.h"
#include "netplan/rules.h"

#define SOON_MS \
	400 /* enough for what gets through here, and no more than is needed for what doesn't */
#define SURELY_MS 5000 /* for what must come */

static const struct net_member members[LAB_MEMBERS] = {
	[APP] = { "app", LAB_APP, .egress = true },
	[DB] = { "db", LAB_DB },
	[CACHE] = { "cache", LAB_CACHE },
};

static const struct net_path paths[] = {
	{ LAB_APP, LAB_DB, IPPROTO_TCP, 3306 },
	{ LAB_APP, LAB_CACHE, IPPROTO_TCP, 6379 },
	{ LAB_APP, LAB_CACHE, IPPROTO_UDP, 8125 },
};

static const uint32_t resolvers[] = { LAB_OUTSIDE };

static void raise_loopback(void)
{
	AUTO(netlink) struct nl_sock *nl = NULL;
	AUTO(burst) struct burst b = { 0 };

	LAB_OK(netlink_open(-1, &nl, err));
	message_up(&b, 1, "lo");
	LAB_OK(burst_send(nl, &b, err));
}

void lab_sandbox(void)
{
	if (geteuid() != 0)
		cr_skip_test("needs root");
	cr_assert_eq(unshare(CLONE_NEWNS | CLONE_NEWNET), 0);
	cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	cr_assert_eq(mount("tmpfs", "/mnt", "tmpfs", 0, NULL), 0);
	raise_loopback();
}

int lab_netns(void)
{
	AUTO(home) int home = -1;
	int made = -1;

	LAB_OK(netns_make(&home, err));
	LAB_OK(netns_open(&made, err));
	return made;
}

/* As netns_enter(), but for LAB_HERE. */
static void enter(int netns, int *home)
{
	if (netns != LAB_HERE)
		LAB_OK(netns_enter(netns, home, err));
}

void lab_set(int netns, const char *name, const char *value)
{
	AUTO(home) int home = -1;

	enter(netns, &home);
	LAB_OK(netns_set(name, value, err));
}

void lab_get(int netns, const char *name, char *buf, size_t size)
{
	AUTO(home) int home = -1;
	AUTO(fd) int fd = -1;
	char path[128];
	ssize_t len;

	enter(netns, &home);
	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	fd = open(path, O_RDONLY);
	len = read(fd, buf, size - 1);
	cr_assert_gt(len, 0, "%s", path);
	buf[len - 1] = '\0';
}

void lab_build(struct lab *lab, const char *id, uint32_t uplink)
{
	*lab = (struct lab){ .router = -1, .outside = -1 };
	lab->plan = (struct net_plan){
		.id = id,
		.uplink = uplink,
		.members = members,
		.n_members = LAB_MEMBERS,
		.paths = paths,
		.n_paths = ARRAY_SIZE(paths),
		.resolvers = resolvers,
		.n_resolvers = ARRAY_SIZE(resolvers),
	};
	LAB_OK(net_plan_check(&lab->plan, err));
	LAB_OK(links_make_router(&lab->router, err));
	LAB_OK(links_ensure_uplink(lab->router, &lab->plan, err));
	for (int i = 0; i < LAB_MEMBERS; i++) {
		lab->members[i] = lab_netns();
		LAB_OK(links_ensure_member(lab->router, lab->members[i], &members[i], err));
	}
	lab_apply(lab);
}

void lab_apply(struct lab *lab)
{
	LAB_OK(net_plan_check(&lab->plan, err));
	LAB_OK(rules_ensure_router(lab->router, &lab->plan, err));
	LAB_OK(rules_ensure_host(&lab->plan, err));
}

void lab_close(struct lab *lab)
{
	for (int i = 0; i < LAB_MEMBERS; i++)
		auto_fd(&lab->members[i]);
	auto_fd(&lab->router);
	auto_fd(&lab->outside);
}

static void set_up_end(struct nl_sock *nl, int index, uint32_t own, uint32_t other,
		       const uint8_t mac[6])
{
	const struct route route = { .index = index, .destination = other };
	AUTO(burst) struct burst b = { 0 };

	message_up(&b, 1, "lo");
	message_up(&b, index, "link");
	message_address(&b, index, own);
	message_neighbour(&b, index, other, mac);
	message_route(&b, &route);
	LAB_OK(burst_send(nl, &b, err));
}

void lab_add_outside(struct lab *lab)
{
	AUTO(netlink) struct nl_sock *host = NULL;
	AUTO(netlink) struct nl_sock *outside = NULL;
	struct pair p = { .near = { "wan0", .up = true }, .far = { "eth0" } };

	lab->outside = lab_netns();
	p.far_netns = lab->outside;
	pair_mac(p.near.mac, SIDE_OUTER, LAB_HOST);
	pair_mac(p.far.mac, SIDE_INNER, LAB_OUTSIDE);
	LAB_OK(netlink_open(-1, &host, err));
	LAB_OK(netlink_open(lab->outside, &outside, err));
	p.near_nl = host;
	p.far_nl = outside;
	LAB_OK(pair_ensure(&p, err));
	set_up_end(host, p.near_index, LAB_HOST, LAB_OUTSIDE, p.far.mac);
	set_up_end(outside, p.far_index, LAB_OUTSIDE, LAB_HOST, p.near.mac);
	LAB_OK(pair_settle(&p, err));
}

static struct sockaddr_in at(uint32_t address, uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_addr.s_addr = htonl(address),
				     .sin_port = htons(port) };
}

static int open_socket(int netns, int type, int protocol)
{
	AUTO(home) int home = -1;
	int fd;

	enter(netns, &home);
	fd = socket(AF_INET, type | SOCK_CLOEXEC, protocol);
	cr_assert_geq(fd, 0);
	return fd;
}

int lab_listen(int netns, int type, uint32_t address, uint16_t port)
{
	const struct sockaddr_in to = at(address, port);
	const int on = 1;
	int fd = open_socket(netns, type, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	cr_assert_eq(bind(fd, (const struct sockaddr *)&to, sizeof(to)), 0, "%s", strerror(errno));
	if (type == SOCK_STREAM)
		cr_assert_eq(listen(fd, 16), 0);
	return fd;
}

static int begin_dial(int netns, uint32_t address, uint16_t port)
{
	const struct sockaddr_in to = at(address, port);
	int fd = open_socket(netns, SOCK_STREAM | SOCK_NONBLOCK, 0);

	(void)connect(fd, (const struct sockaddr *)&to, sizeof(to));
	return fd;
}

/* Connected, that is: it has a peer. */
static bool is_connected(int fd)
{
	struct sockaddr_in peer;
	socklen_t size = sizeof(peer);

	return getpeername(fd, (struct sockaddr *)&peer, &size) == 0;
}

size_t lab_scan(int netns, uint32_t address, const uint16_t *ports, size_t n, uint16_t *which)
{
	int *fds = calloc(n, sizeof(*fds));
	size_t open = 0;

	for (size_t i = 0; i < n; i++)
		fds[i] = begin_dial(netns, address, ports[i]);
	poll(NULL, 0, SOON_MS);
	for (size_t i = 0; i < n; i++) {
		if (is_connected(fds[i])) {
			*which = ports[i];
			open++;
		}
		close(fds[i]);
	}
	free(fds);
	return open;
}

int lab_dial(int netns, uint32_t address, uint16_t port)
{
	AUTO(fd) int fd = begin_dial(netns, address, port);
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	poll(&p, 1, SOON_MS);
	if (!is_connected(fd))
		return -1;
	fcntl(fd, F_SETFL, 0);
	return TAKE_FD(fd);
}

int lab_accept(int listener, uint32_t *from)
{
	struct pollfd p = { .fd = listener, .events = POLLIN };
	struct sockaddr_in peer;
	socklen_t size = sizeof(peer);
	int fd;

	cr_assert_eq(poll(&p, 1, SURELY_MS), 1, "nobody connected");
	fd = accept4(listener, (struct sockaddr *)&peer, &size, SOCK_CLOEXEC);
	cr_assert_geq(fd, 0);
	if (from)
		*from = ntohl(peer.sin_addr.s_addr);
	return fd;
}

bool lab_hears(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, SOON_MS) == 1 && p.revents & POLLIN;
}

static bool carries_one_way(int from, int to)
{
	static const char text[] = "one two three";
	char got[sizeof(text)] = { 0 };

	if (send(from, text, sizeof(text), MSG_NOSIGNAL) != sizeof(text) || !lab_hears(to))
		return false;
	return recv(to, got, sizeof(got), MSG_DONTWAIT) == sizeof(got) && !strcmp(got, text);
}

bool lab_carries(int a, int b)
{
	return carries_one_way(a, b) && carries_one_way(b, a);
}

bool lab_ask_udp(int netns, uint32_t address, uint16_t port)
{
	const struct sockaddr_in to = at(address, port);
	AUTO(fd) int fd = open_socket(netns, SOCK_DGRAM, 0);

	return sendto(fd, "?", 1, 0, (const struct sockaddr *)&to, sizeof(to)) == 1;
}

void lab_forge(int netns, uint32_t source, uint32_t destination, uint16_t port)
{
	const struct sockaddr_in to = at(destination, 0);
	struct {
		struct iphdr ip;
		struct udphdr udp;
		char text[4];
	} packet = {
		/* The kernel fills in length and checksum: raw(7). */
		.ip = { .version = 4,
			.ihl = 5,
			.ttl = 64,
			.protocol = IPPROTO_UDP,
			.saddr = htonl(source),
			.daddr = htonl(destination) },
		.udp = { .source = htons(40000),
			 .dest = htons(port),
			 .len = htons(sizeof(struct udphdr) + 4) },
		.text = "abc",
	};
	AUTO(fd) int fd = open_socket(netns, SOCK_RAW, IPPROTO_RAW);

	cr_assert_eq(
		sendto(fd, &packet, sizeof(packet), 0, (const struct sockaddr *)&to, sizeof(to)),
		(ssize_t)sizeof(packet), "%s", strerror(errno));
}

char *lab_run(int netns, const char *command)
{
	AUTO(home) int home = -1;
	struct text all = { 0 };
	char line[4096];
	FILE *out;

	enter(netns, &home);
	out = popen(command, "re");
	cr_assert_not_null(out);
	while (fgets(line, sizeof(line), out))
		text_add(&all, line);
	cr_assert_eq(pclose(out), 0, "%s", command);
	text_add(&all, "");
	return all.data;
}
