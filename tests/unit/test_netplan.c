#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "netplan/links.h"
#include "netplan/plan.h"

Test(net_parse, reads_four_decimal_numbers_and_nothing_else)
{
	static const struct {
		const char *text;
		bool good;
		uint32_t address;
	} cases[] = {
		{ "0.0.0.0", true, 0 },
		{ "127.0.0.1", true, NET_IP(127, 0, 0, 1) },
		{ "169.254.16.2", true, NET_IP(169, 254, 16, 2) },
		{ "255.255.255.255", true, UINT32_MAX },
		{ "", false },
		{ "1.2.3", false },
		{ "1.2.3.4.5", false },
		{ "1.2.3.256", false },
		{ "1.2.3.-4", false },
		{ " 1.2.3.4", false },
		{ "1.2.3.4 ", false },
		{ "1.2.3.4/32", false },
		{ "01.2.3.4", false }, /* octal to some, decimal to others */
		{ "0x7f.0.0.1", false },
		{ "2130706433", false },
		{ "::1", false },
		{ "localhost", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t out = 42;

		cr_expect_eq(net_parse(cases[i].text, &out) == 0, cases[i].good, "'%s'",
			     cases[i].text);
		cr_expect_eq(out, cases[i].good ? cases[i].address : 42, "'%s'", cases[i].text);
	}
}

Test(net_parse, reads_what_net_print_writes)
{
	uint32_t address = 1;
	char buf[16];

	for (int i = 0; i < 100000; i++) {
		uint32_t back = 0;

		address = address * 1664525u + 1013904223u;
		cr_assert_eq(net_parse(net_print(buf, address), &back), 0, "%s", buf);
		cr_assert_eq(back, address, "%s", buf);
	}
}

Test(net_free_address, is_the_lowest_that_is_not_taken)
{
	static uint32_t all[NET_CONTAINERS_N];
	static const uint32_t some[] = { NET_CONTAINERS + 2, NET_CONTAINERS + 4, 7,
					 NET_CONTAINERS + 3, NET_CONTAINERS + 3, UINT32_MAX };

	cr_expect_eq(net_free_address(NULL, 0), NET_CONTAINERS + 2);
	cr_expect_eq(net_free_address(some, ARRAY_SIZE(some)), NET_CONTAINERS + 5);
	for (uint32_t i = 0; i < NET_CONTAINERS_N; i++)
		all[i] = NET_CONTAINERS + i;
	cr_expect_eq(net_free_address(all, NET_CONTAINERS_N), 0);
	cr_expect_eq(net_free_address(all, NET_CONTAINERS_N - 1),
		     NET_CONTAINERS + NET_CONTAINERS_N - 1);
}

#define APP NET_IP(169, 254, 16, 2)
#define DB NET_IP(169, 254, 16, 3)

static const struct net_member members[] = { { "app", APP, true }, { "db", DB } };
static const struct net_path paths[] = { { APP, DB, IPPROTO_TCP, 3306 },
					 { APP, DB, IPPROTO_UDP, 53 } };
static const struct net_publish publishes[] = {
	{ NET_IP(127, 0, 0, 1), 8080, APP, 80 },
	{ 0, 8443, APP, 443 },
	{ NET_IP(192, 0, 2, 1), 8081, APP, 80 },
};
static const uint32_t resolvers[] = { NET_IP(9, 9, 9, 9), NET_IP(169, 254, 169, 253) };

static struct net_plan good_plan(void)
{
	return (struct net_plan){
		.id = "orab12cd3",
		.uplink = NET_UPLINKS + 2,
		.members = members,
		.n_members = ARRAY_SIZE(members),
		.paths = paths,
		.n_paths = ARRAY_SIZE(paths),
		.publishes = publishes,
		.n_publishes = ARRAY_SIZE(publishes),
		.resolvers = resolvers,
		.n_resolvers = ARRAY_SIZE(resolvers),
	};
}

static void expect_refused(const struct net_plan *plan, const char *why)
{
	struct error err = { 0 };

	cr_expect_eq(net_plan_check(plan, &err), -1, "accepted, expected: %s", why);
	cr_expect_str_eq(err.text, why);
	cr_expect_eq(err.kind, ERROR_INPUT, "%s", why);
}

Test(net_plan_check, accepts_a_sound_plan)
{
	struct net_plan plan = good_plan();
	const struct net_plan least = { .id = "a", .uplink = NET_UPLINKS };
	struct error err = { 0 };

	cr_expect_eq(net_plan_check(&plan, &err), 0, "%s", err.text);
	plan.id = "123456789012345";
	cr_expect_eq(net_plan_check(&plan, &err), 0, "%s", err.text);
	cr_expect_eq(net_plan_check(&least, &err), 0, "%s", err.text);
}

Test(net_plan_check, refuses_ids)
{
	static const struct {
		const char *id, *why;
	} cases[] = {
		{ NULL, "network id '' must be 1 to 15 of a-z, 0-9" },
		{ "", "network id '' must be 1 to 15 of a-z, 0-9" },
		{ "1234567890123456", "network id '1234567890123456' must be 1 to 15 of a-z, 0-9" },
		{ "Web", "network id 'Web' must be 1 to 15 of a-z, 0-9" },
		{ "a-pre", "network id 'a-pre' must be 1 to 15 of a-z, 0-9" },
		{ "../x", "network id '../x' must be 1 to 15 of a-z, 0-9" },
		{ "all", "network id 'all' is reserved" },
		{ "default", "network id 'default' is reserved" },
		{ "lo", "network id 'lo' is reserved" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct net_plan plan = good_plan();

		plan.id = cases[i].id;
		expect_refused(&plan, cases[i].why);
	}
}

Test(net_plan_check, refuses_uplinks)
{
	struct net_plan plan = good_plan();

	plan.uplink = NET_GATEWAY;
	expect_refused(&plan, "169.254.1.1 is no uplink's address");
	plan.uplink = NET_UPLINKS + NET_UPLINKS_N;
	expect_refused(&plan, "169.254.128.0 is no uplink's address");
	plan.uplink = 0;
	expect_refused(&plan, "0.0.0.0 is no uplink's address");
}

Test(net_plan_check, refuses_members)
{
	static const struct {
		struct net_member second;
		const char *why;
	} cases[] = {
		{ { NULL, DB }, "a member of the network has no name" },
		{ { "", DB }, "a member of the network has no name" },
		{ { "db", APP }, "db: address 169.254.16.2 is taken twice" },
		{ { "app", DB }, "app: is a member twice" },
		{ { "db", NET_GATEWAY }, "db: 169.254.1.1 is no container's address" },
		{ { "db", NET_CONTAINERS + NET_CONTAINERS_N },
		  "db: 169.254.32.0 is no container's address" },
		{ { "db", 0 }, "db: 0.0.0.0 is no container's address" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct net_member two[] = { members[0], cases[i].second };
		struct net_plan plan = good_plan();

		plan.members = two;
		expect_refused(&plan, cases[i].why);
	}
}

Test(net_plan_check, refuses_paths)
{
	static const struct {
		struct net_path path;
		const char *why;
	} cases[] = {
		{ { APP, DB + 1, IPPROTO_TCP, 1 },
		  "path to 169.254.16.4 is no member of the network" },
		{ { 0, DB, IPPROTO_TCP, 1 }, "path from 0.0.0.0 is no member of the network" },
		{ { UINT32_MAX, DB, IPPROTO_TCP, 1 },
		  "path from 255.255.255.255 is no member of the network" },
		{ { APP, APP, IPPROTO_TCP, 1 }, "path from 169.254.16.2 to itself" },
		{ { APP, DB, IPPROTO_ICMP, 1 },
		  "path to 169.254.16.3: protocol 1 is not TCP or UDP" },
		{ { APP, DB, IPPROTO_TCP, 0 }, "path to 169.254.16.3 has no port" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct net_plan plan = good_plan();

		plan.paths = &cases[i].path;
		plan.n_paths = 1;
		expect_refused(&plan, cases[i].why);
	}
}

Test(net_plan_check, refuses_publishes)
{
	static const struct {
		struct net_publish publish;
		const char *why;
	} cases[] = {
		{ { 0, 0, APP, 80 }, "a published port is 0" },
		{ { 0, 80, APP, 0 }, "a published port is 0" },
		{ { 0, 80, DB + 1, 80 }, "published 169.254.16.4 is no member of the network" },
		{ { NET_IP(0, 0, 0, 1), 80, APP, 80 }, "can't publish a port on address 0.0.0.1" },
		{ { NET_IP(224, 0, 0, 1), 80, APP, 80 },
		  "can't publish a port on address 224.0.0.1" },
		{ { UINT32_MAX, 80, APP, 80 }, "can't publish a port on address 255.255.255.255" },
		{ { NET_GATEWAY, 80, APP, 80 }, "can't publish a port on address 169.254.1.1" },
		{ { APP, 80, APP, 80 }, "can't publish a port on address 169.254.16.2" },
	};
	static const struct net_publish twice[] = { { NET_IP(192, 0, 2, 1), 80, APP, 80 },
						    { NET_IP(192, 0, 2, 2), 80, DB, 80 } };
	struct net_plan plan = good_plan();

	plan.publishes = twice;
	plan.n_publishes = 2;
	expect_refused(&plan, "host port 80 is published twice");
	plan.n_publishes = 1;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		plan.publishes = &cases[i].publish;
		expect_refused(&plan, cases[i].why);
	}
}

Test(net_plan_check, refuses_resolvers)
{
	static const struct {
		uint32_t address;
		const char *why;
	} cases[] = {
		{ 0, "resolver 0.0.0.0 can't be reached by containers" },
		{ NET_IP(127, 0, 0, 53), "resolver 127.0.0.53 can't be reached by containers" },
		{ NET_GATEWAY, "resolver 169.254.1.1 can't be reached by containers" },
		{ DB, "resolver 169.254.16.3 can't be reached by containers" },
		{ NET_IP(224, 0, 0, 251), "resolver 224.0.0.251 can't be reached by containers" },
	};
	struct net_plan plan = good_plan();

	plan.n_resolvers = 1;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		plan.resolvers = &cases[i].address;
		expect_refused(&plan, cases[i].why);
	}
}

Test(links_resolvers, lists_what_a_container_can_reach)
{
	static const char text[] = "# nameserver 192.0.2.99\n"
				   "search example.org\n"
				   "nameserver 127.0.0.53\n"
				   "nameserver\t192.0.2.1\r\n"
				   "  nameserver 192.0.2.2 # second\n"
				   "nameserver 192.0.2.1\n"
				   "nameserver 2001:db8::1\n"
				   "nameserver fe80::1%eth0\n"
				   "nameserver 0.0.0.0\n"
				   "nameserver\n"
				   "nameservers 192.0.2.4\n"
				   "nameserver 169.254.16.9\n"
				   "nameserver 169.254.169.253\n"
				   "options edns0\n"
				   "nameserver 192.0.2.3";
	char path[] = "/tmp/test_netplan.XXXXXX";
	AUTO(fd) int fd = mkstemp(path);
	uint32_t out[8];

	cr_assert_eq(write(fd, text, sizeof(text) - 1), (ssize_t)sizeof(text) - 1);
	cr_expect_eq(links_resolvers(path, out, 8), 4);
	cr_expect_eq(out[0], NET_IP(192, 0, 2, 1));
	cr_expect_eq(out[1], NET_IP(192, 0, 2, 2));
	cr_expect_eq(out[2], NET_IP(169, 254, 169, 253));
	cr_expect_eq(out[3], NET_IP(192, 0, 2, 3));
	cr_expect_eq(links_resolvers(path, out, 1), 1);
	cr_expect_eq(unlink(path), 0);
	cr_expect_eq(links_resolvers(path, out, 8), 0);
}

Test(net_outbound, reads_networks)
{
	struct net_allow a = { .port = 7 };

	cr_expect_eq(net_parse_network("10.1.2.3/8", &a), 0);
	cr_expect_eq(a.prefix, 8);
	cr_expect_eq(a.port, 7);
	cr_expect_eq(net_parse_network("192.0.2.1", &a), 0);
	cr_expect_eq(a.prefix, 32);
	cr_expect_lt(net_parse_network("192.0.2.0/33", &a), 0);
	cr_expect_lt(net_parse_network("2001:db8::/32", &a), 0);
	cr_expect_lt(net_parse_network("/8", &a), 0);
}

static bool allows(const struct net_allow *a, uint32_t address, uint16_t port)
{
	uint32_t mask = a->prefix ? UINT32_MAX << (32 - a->prefix) : 0;

	return ((address ^ a->address) & mask) == 0 && (!a->port || a->port == port);
}

/* What the pieces say is what the rules say, and each thing is said once. */
Test(net_outbound, pieces_are_the_rules_and_do_not_overlap)
{
	uint32_t seed = 1;

	for (int round = 0; round < 300; round++) {
		AUTO(arena) struct arena arena = { 0 };
		struct net_outbounds list = { 0 };
		struct net_allow rules[6];
		size_t n = (size_t)(round % 7);

		for (size_t i = 0; i < n; i++) {
			seed = seed * 1664525u + 1013904223u;
			rules[i] = (struct net_allow){
				NET_IP(10, 0, 0, 0) | (seed >> 8 & 0xff),
				seed >> 16 & 1 ? 24 + (seed >> 17 & 7) : (seed >> 20 & 1) * 32,
				(uint16_t)(seed >> 24 & 1 ? seed >> 25 & 3 : 65535)
			};
		}
		net_outbound_add(&arena, &list, 5, rules, n);
		for (uint32_t host = 0; host < 258; host++)
			for (int k = 0; k < 8; k++) {
				const uint16_t ports[] = { 1, 2, 3, 4, 5, 25, 65534, 65535 };
				uint32_t address = NET_IP(9, 255, 255, 255) + host;
				size_t hits = 0, wanted = 0;

				for (size_t i = 0; i < list.n; i++)
					hits += list.items[i].source == 5 &&
						list.items[i].first <= address &&
						address <= list.items[i].last &&
						list.items[i].first_port <= ports[k] &&
						ports[k] <= list.items[i].last_port;
				for (size_t i = 0; i < n; i++)
					wanted |= allows(&rules[i], address, ports[k]);
				cr_assert_eq(hits, wanted, "round %d: %u:%u", round, host,
					     ports[k]);
			}
	}
}
