/*
 * Namespaces, links, addresses: made, made again, and made where something else is left.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "netplan/links.h"
#include "netplan/netlink.h"
#include "netplan/rules.h"
#include "tests/live/netlab.h"

#define ID "orchtest1"
#define UPLINK_1 NET_IP(169, 254, 64, 2)
#define UPLINK_2 NET_IP(169, 254, 64, 3)
/* Everything that rtnetlink knows, but for what the kernel finds out in its own time. */
#define EVERYTHING                                                              \
	"ip -4 address | sed 's/ state [A-Z]*//'; ip -4 route show table all; " \
	"ip neigh | sort; ip link | sed 's/ state [A-Z]*//'"

TestSuite(links, .init = lab_sandbox, .timeout = 60);

static void expect_setting(int netns, const char *name, const char *value)
{
	char got[64];

	lab_get(netns, name, got, sizeof(got));
	cr_expect_str_eq(got, value, "%s is %s", name, got);
}

static void expect_in(int netns, const char *command, const char *part)
{
	AUTO(free) char *text = lab_run(netns, command);

	cr_expect_not_null(strstr(text, part), "%s: no '%s' in:\n%s", command, part, text);
}

static bool link_is_there(int netns, const char *name)
{
	AUTO(netlink) struct nl_sock *nl = NULL;
	struct link_found found;

	LAB_OK(netlink_open(netns, &nl, err));
	LAB_OK(link_find(nl, name, -1, &found, err));
	return found.index != 0;
}

/* Namespaces that nobody holds go in the background. */
static bool link_goes(int netns, const char *name)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	for (int i = 0; i < 5000 && link_is_there(netns, name); i++)
		nanosleep(&pause, NULL);
	return !link_is_there(netns, name);
}

Test(links, a_router_forwards_when_it_has_rules)
{
	const struct net_plan plan = { .id = ID, .uplink = UPLINK_1 };
	AUTO(fd) int router = -1;
	AUTO(free) char *links = NULL;

	LAB_OK(links_make_router(&router, err));
	expect_setting(router, "ipv6/conf/all/disable_ipv6", "1");
	expect_setting(router, "ipv6/conf/default/disable_ipv6", "1");
	expect_setting(router, "ipv4/ip_forward", "0");
	links = lab_run(router, "ip -o link show up");
	cr_expect_not_null(strstr(links, "1: lo:"));
	LAB_OK(rules_ensure_router(router, &plan, err));
	expect_setting(router, "ipv4/ip_forward", "1");
	/* The caller is where it was. */
	expect_setting(LAB_HERE, "ipv6/conf/default/disable_ipv6", "0");
}

Test(links, a_member_has_what_it_needs_and_no_more)
{
	struct lab lab;
	int inside;

	lab_build(&lab, ID, UPLINK_1);
	inside = lab.members[APP];
	expect_setting(inside, "ipv6/conf/eth0/disable_ipv6", "1");
	expect_setting(inside, "ipv6/conf/lo/disable_ipv6", "1");
	expect_setting(inside, "ipv4/ip_unprivileged_port_start", "0");
	expect_setting(inside, "ipv4/ping_group_range", "0\t2147483647");
	expect_in(inside, "ip -o link", "1: lo: <LOOPBACK,UP,LOWER_UP>");
	expect_in(inside, "ip -o link", "link/ether 02:6f:a9:fe:10:02");
	expect_in(inside, "ip -o address", "inet 169.254.16.2/32 scope global eth0");
	expect_in(inside, "ip route", "default via 169.254.1.1 dev eth0 proto static");
	expect_in(inside, "ip route", "169.254.1.1 dev eth0 proto static scope link");
	expect_in(inside, "ip neigh", "169.254.1.1 dev eth0 lladdr 06:6f:a9:fe:10:02 PERMANENT");
	expect_in(lab.router, "ip route", "169.254.16.2 dev c1002 proto static scope link");
	expect_in(lab.router, "ip neigh",
		  "169.254.16.2 dev c1002 lladdr 02:6f:a9:fe:10:02 PERMANENT");
	expect_in(lab.router, "ip route", "default via 169.254.1.1 dev uplink proto static onlink");
	expect_in(LAB_HERE, "ip route", "169.254.64.2 dev " ID " proto static scope link");
	expect_in(LAB_HERE, "ip -o address show " ID, "inet 169.254.1.1/32");
	expect_setting(LAB_HERE, "ipv6/conf/" ID "/disable_ipv6", "1");
	expect_setting(LAB_HERE, "ipv4/conf/" ID "/route_localnet", "1");
	expect_setting(LAB_HERE, "ipv4/conf/all/route_localnet", "0");
	expect_setting(LAB_HERE, "ipv4/ip_forward", "1");
	lab_close(&lab);
}

Test(links, connections_use_cubic_whatever_the_default)
{
	struct lab lab;
	AUTO(fd) int listener = -1;
	AUTO(fd) int client = -1;
	AUTO(fd) int server = -1;
	char name[16] = { 0 };
	socklen_t size = sizeof(name);

	lab_build(&lab, ID, UPLINK_1);
	lab_set(lab.members[APP], "ipv4/tcp_congestion_control", "reno");
	lab_set(lab.members[DB], "ipv4/tcp_congestion_control", "reno");
	listener = lab_listen(lab.members[DB], SOCK_STREAM, 0, 3306);
	client = lab_dial(lab.members[APP], LAB_DB, 3306);
	cr_assert_geq(client, 0);
	server = lab_accept(listener, NULL);
	cr_assert_eq(getsockopt(client, IPPROTO_TCP, TCP_CONGESTION, name, &size), 0);
	cr_expect_str_eq(name, "cubic");
	size = sizeof(name);
	cr_assert_eq(getsockopt(server, IPPROTO_TCP, TCP_CONGESTION, name, &size), 0);
	cr_expect_str_eq(name, "cubic");
	lab_close(&lab);
}

static void ensure_all(struct lab *lab)
{
	LAB_OK(links_ensure_uplink(lab->router, &lab->plan, err));
	for (int i = 0; i < LAB_MEMBERS; i++)
		LAB_OK(links_ensure_member(lab->router, lab->members[i], &lab->plan.members[i],
					   err));
}

Test(links, twenty_times_is_once)
{
	struct lab lab;
	AUTO(free) char *router = NULL;
	AUTO(free) char *host = NULL;
	AUTO(free) char *inside = NULL;

	lab_build(&lab, ID, UPLINK_1);
	router = lab_run(lab.router, EVERYTHING);
	host = lab_run(LAB_HERE, EVERYTHING);
	inside = lab_run(lab.members[APP], EVERYTHING);
	for (int i = 0; i < 20; i++)
		ensure_all(&lab);
	AUTO(free) char *router_after = lab_run(lab.router, EVERYTHING);
	AUTO(free) char *host_after = lab_run(LAB_HERE, EVERYTHING);
	AUTO(free) char *inside_after = lab_run(lab.members[APP], EVERYTHING);

	cr_expect_str_eq(router_after, router);
	cr_expect_str_eq(host_after, host);
	cr_expect_str_eq(inside_after, inside);
	lab_close(&lab);
}

/* Whatever of it is missing, as after a crash between any two requests, is made. */
Test(links, what_is_missing_is_made)
{
	static const struct {
		int where; /* 0: app, 1: router, 2: host */
		const char *command;
	} damages[] = {
		{ 0, "ip link set lo down" },
		{ 0, "ip link set eth0 down" },
		{ 0, "ip address flush dev eth0" },
		{ 0, "ip route flush table main" },
		{ 0, "ip neigh flush dev eth0 nud permanent" },
		{ 1, "ip link set c1002 down" },
		{ 1, "ip route del 169.254.16.2" },
		{ 1, "ip neigh flush dev c1002 nud permanent" },
		{ 1, "ip link del c1002" },
		{ 1, "ip link set uplink down" },
		{ 1, "ip address flush dev uplink" },
		{ 1, "ip route del default" },
		{ 1, "ip link del uplink" },
		{ 2, "ip link set " ID " down" },
		{ 2, "ip address flush dev " ID },
		{ 2, "ip route del 169.254.64.2" },
		{ 2, "ip link del " ID },
	};
	static const struct net_publish p = { LAB_LOOPBACK, 8080, LAB_APP, 80 };
	struct lab lab;
	AUTO(fd) int listener = -1;

	lab_build(&lab, ID, UPLINK_1);
	lab.plan.publishes = &p;
	lab.plan.n_publishes = 1;
	lab_apply(&lab);
	listener = lab_listen(lab.members[APP], SOCK_STREAM, 0, 80);
	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		const int places[] = { lab.members[APP], lab.router, LAB_HERE };
		AUTO(fd) int client = -1;
		AUTO(fd) int server = -1;

		free(lab_run(places[damages[i].where], damages[i].command));
		ensure_all(&lab);
		client = lab_dial(LAB_HERE, LAB_LOOPBACK, 8080);
		cr_assert_geq(client, 0, "not repaired: %s", damages[i].command);
		server = lab_accept(listener, NULL);
		cr_expect(lab_carries(client, server), "%s", damages[i].command);
	}
	lab_close(&lab);
}

/* The container is made anew while something keeps its old namespace, or while it is on its way out. */
Test(links, a_recreated_member_takes_the_place_of_the_old)
{
	struct lab lab;

	lab_build(&lab, ID, UPLINK_1);
	for (int i = 0; i < 20; i++) {
		AUTO(fd) int old = TAKE_FD(lab.members[DB]);
		AUTO(fd) int listener = -1;
		AUTO(fd) int client = -1;

		lab.members[DB] = lab_netns();
		if (i % 2)
			auto_fd(&old); /* its last reference: the kernel takes it apart meanwhile */
		LAB_OK(links_ensure_member(lab.router, lab.members[DB], &lab.plan.members[DB],
					   err));
		if (old >= 0)
			cr_expect_not(link_is_there(old, "eth0"));
		listener = lab_listen(lab.members[DB], SOCK_STREAM, 0, 3306);
		client = lab_dial(lab.members[APP], LAB_DB, 3306);
		cr_assert_geq(client, 0, "round %d", i);
	}
	lab_close(&lab);
}

/* UDP is not repeated: what is sent as soon as the call is back must get through. */
Test(links, a_new_link_carries_from_the_first_packet)
{
	struct lab lab;

	lab_build(&lab, ID, UPLINK_1);
	for (int i = 0; i < 40; i++) {
		AUTO(fd) int listener = -1;

		auto_fd(&lab.members[CACHE]);
		lab.members[CACHE] = lab_netns();
		listener = lab_listen(lab.members[CACHE], SOCK_DGRAM, 0, 8125);
		LAB_OK(links_ensure_member(lab.router, lab.members[CACHE], &lab.plan.members[CACHE],
					   err));
		cr_assert(lab_ask_udp(lab.members[APP], LAB_CACHE, 8125));
		cr_expect(lab_hears(listener), "round %d", i);
	}
	lab_close(&lab);
}

/* The router was lost (its pin removed by somebody), the containers live on. */
Test(links, members_and_uplink_move_to_a_new_router)
{
	struct lab lab;
	AUTO(fd) int old = -1;
	AUTO(fd) int listener = -1;
	AUTO(fd) int client = -1;

	lab_build(&lab, ID, UPLINK_1);
	lab_add_outside(&lab);
	old = TAKE_FD(lab.router);
	LAB_OK(links_make_router(&lab.router, err));
	ensure_all(&lab);
	lab_apply(&lab);
	cr_expect_not(link_is_there(old, "uplink"));
	cr_expect_not(link_is_there(old, "c1002"));
	listener = lab_listen(lab.outside, SOCK_STREAM, 0, 443);
	client = lab_dial(lab.members[APP], LAB_OUTSIDE, 443);
	cr_expect_geq(client, 0);
	lab_close(&lab);
}

Test(links, another_uplink_address_replaces_the_first)
{
	struct lab lab;

	lab_build(&lab, ID, UPLINK_1);
	lab.plan.uplink = UPLINK_2;
	LAB_OK(links_ensure_uplink(lab.router, &lab.plan, err));
	expect_in(lab.router, "ip -o address show uplink", "169.254.64.3/32");
	AUTO(free) char *address = lab_run(lab.router, "ip -o address show uplink");
	AUTO(free) char *routes = lab_run(LAB_HERE, "ip route");

	cr_expect_null(strstr(address, "169.254.64.2/32"));
	cr_expect_null(strstr(routes, "169.254.64.2"));
	lab_close(&lab);
}

Test(links, an_uplink_address_is_used_once)
{
	struct lab lab, other;
	struct net_plan plan;
	struct error why = { 0 };

	lab_build(&lab, ID, UPLINK_1);
	LAB_OK(links_make_router(&other.router, err));
	plan = lab.plan;
	plan.id = "orchtest2";
	cr_expect_eq(links_ensure_uplink(other.router, &plan, &why), LINKS_TAKEN);
	expect_in(LAB_HERE, "ip route", "169.254.64.2 dev " ID);
	auto_fd(&other.router);
	lab_close(&lab);
}

Test(links, a_free_uplink_has_no_route)
{
	struct lab lab;
	struct error why = { 0 };

	cr_expect_eq(links_free_uplink(UPLINK_1, &why), UPLINK_1, "%s", why.text);
	lab_build(&lab, ID, UPLINK_1);
	cr_expect_eq(links_free_uplink(NET_UPLINKS, &why), NET_UPLINKS);
	cr_expect_eq(links_free_uplink(0, &why), NET_UPLINKS);
	cr_expect_eq(links_free_uplink(UPLINK_1, &why), UPLINK_2);
	/* A wide route is in nobody's way, a narrow one takes all that it covers. */
	free(lab_run(LAB_HERE,
		     "ip route add 169.254.0.0/16 dev " ID
		     "; ip route add blackhole 169.254.64.4/30"));
	cr_expect_eq(links_free_uplink(UPLINK_1, &why), UPLINK_2);
	cr_expect_eq(links_free_uplink(UPLINK_2 + 1, &why), NET_IP(169, 254, 64, 8));
	cr_expect_eq(why.kind, ERROR_NONE);
	cr_expect_eq(links_free_uplink(NET_UPLINKS + NET_UPLINKS_N, &why), 0);
	cr_expect_eq(why.kind, ERROR_HOST);
	lab_close(&lab);
}

/* Without deleting anything: dropping the namespaces is enough. */
Test(links, dropped_namespaces_take_their_links_along)
{
	struct lab lab;
	struct error why = { 0 };
	AUTO(free) char *before = lab_run(LAB_HERE, "ip link; ip route show table all");
	AUTO(free) char *after = NULL;

	lab_build(&lab, ID, UPLINK_1);
	cr_assert(link_is_there(LAB_HERE, ID));
	lab_close(&lab);
	cr_expect(link_goes(LAB_HERE, ID));
	cr_expect_eq(links_ensure_no_uplink(ID, &why), 0, "%s", why.text);
	cr_expect_eq(rules_ensure_no_host(ID, &why), 0, "%s", why.text);
	after = lab_run(LAB_HERE, "ip link; ip route show table all");
	cr_expect_str_eq(after, before);
}

/* A router that somebody holds open. */
Test(links, an_uplink_left_by_a_crash_is_deleted)
{
	struct lab lab;
	struct error why = { 0 };

	lab_build(&lab, ID, UPLINK_1);
	cr_expect_eq(links_ensure_no_uplink(ID, &why), 0, "%s", why.text);
	cr_expect_not(link_is_there(LAB_HERE, ID));
	cr_expect_not(link_is_there(lab.router, "uplink"));
	lab_close(&lab);
}

static int make_tun(const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		cr_skip_test("no /dev/net/tun");
	memcpy(request.ifr_name, name, strlen(name));
	cr_assert_eq(ioctl(fd, TUNSETIFF, &request), 0, "%s", strerror(errno));
	return fd;
}

Test(links, a_link_of_somebody_elses_is_left_alone)
{
	AUTO(fd) int tun = make_tun(ID);
	AUTO(fd) int router = -1;
	const struct net_plan plan = { .id = ID, .uplink = UPLINK_1 };

	cr_assert_geq(tun, 0);
	struct error why = { 0 };

	LAB_OK(links_make_router(&router, err));
	cr_expect_eq(links_ensure_uplink(router, &plan, &why), -1);
	cr_expect_eq(why.kind, ERROR_CONFLICT);
	cr_expect_str_eq(why.text, "uplink: link " ID " is there and is not orch's");
	cr_expect_eq(links_ensure_no_uplink(ID, &why), 0);
	cr_expect(link_is_there(LAB_HERE, ID));
}

static bool same_file(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_ino == y.st_ino;
}

Test(links, a_pin_keeps_a_namespace)
{
	struct lab lab;
	AUTO(fd) int again = -1;
	AUTO(fd) int other = -1;
	struct error why = { 0 };

	lab_build(&lab, ID, UPLINK_1);
	cr_expect_eq(links_open_pinned("/mnt/router", &again, &why), LINKS_ABSENT);
	LAB_OK(links_pin(lab.router, "/mnt/router", err));
	LAB_OK(links_pin(lab.router, "/mnt/router", err));
	LAB_OK(links_open_pinned("/mnt/router", &again, err));
	cr_expect(same_file(again, lab.router));
	auto_fd(&again);
	lab_close(&lab);
	LAB_OK(links_open_pinned("/mnt/router", &again, err));
	cr_expect(link_is_there(again, "uplink"));
	auto_fd(&again);
	/* Another one in its place: the first goes. */
	other = lab_netns();
	LAB_OK(links_pin(other, "/mnt/router", err));
	LAB_OK(links_open_pinned("/mnt/router", &again, err));
	cr_expect(same_file(again, other));
	cr_expect(link_goes(LAB_HERE, ID));
	LAB_OK(links_unpin("/mnt/router", err));
	LAB_OK(links_unpin("/mnt/router", err));
	cr_expect_lt(access("/mnt/router", F_OK), 0);
}

Test(links, what_is_no_pin_is_told_apart)
{
	AUTO(fd) int file = open("/mnt/plain", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	int out = -1;
	struct error why = { 0 };

	cr_assert_geq(file, 0);

	/* Left by a crash before the mount: as good as nothing. */
	cr_expect_eq(links_open_pinned("/mnt/plain", &out, &why), LINKS_ABSENT);
	cr_expect_eq(mount("/proc/self/ns/uts", "/mnt/plain", NULL, MS_BIND, NULL), 0);
	cr_expect_eq(links_open_pinned("/mnt/plain", &out, &why), -1);
	cr_expect_str_eq(why.text, "/mnt/plain is no network namespace");
	cr_expect_eq(links_unpin("/mnt/plain", &why), 0, "%s", why.text);
	cr_expect_eq(symlink("/proc/self/ns/net", "/mnt/link"), 0);
	cr_expect_eq(links_open_pinned("/mnt/link", &out, &why), -1);
	cr_expect_eq(out, -1);
}
