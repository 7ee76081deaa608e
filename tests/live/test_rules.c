/*
 * Packets between namespaces, through real links and rules: what is allowed arrives, and nothing else.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "netplan/links.h"
#include "netplan/rules.h"
#include "tests/live/netlab.h"

#define ID "orchtest1"
#define UPLINK_1 NET_IP(169, 254, 64, 2)
#define UPLINK_2 NET_IP(169, 254, 64, 3)

TestSuite(rules, .init = lab_sandbox, .timeout = 60);

static const uint16_t some_ports[] = { 1,    22,   53,	 80,   443,  3305,  3306,
				       3307, 6379, 8080, 8125, 9000, 40000, 65535 };

/* Everything that could answer does, on every one of them. */
static void listen_everywhere(int netns)
{
	for (size_t i = 0; i < ARRAY_SIZE(some_ports); i++)
		lab_listen(netns, SOCK_STREAM, 0, some_ports[i]);
}

Test(rules, an_allowed_path_carries_data_both_ways)
{
	struct lab lab;
	AUTO(fd) int listener = -1;
	AUTO(fd) int client = -1;
	AUTO(fd) int server = -1;
	uint32_t from = 0;

	lab_build(&lab, ID, UPLINK_1);
	listener = lab_listen(lab.members[DB], SOCK_STREAM, 0, 3306);
	client = lab_dial(lab.members[APP], LAB_DB, 3306);
	cr_assert_geq(client, 0);
	server = lab_accept(listener, &from);
	cr_expect_eq(from, LAB_APP);
	cr_expect(lab_carries(client, server));
	lab_close(&lab);
}

/* From each member to each other: one port of them all answers, where it was declared. */
Test(rules, nothing_but_the_declared_paths_is_open)
{
	static const uint32_t addresses[] = { LAB_APP, LAB_DB, LAB_CACHE };
	static const uint16_t expected[LAB_MEMBERS][LAB_MEMBERS] = {
		[APP] = { [DB] = 3306, [CACHE] = 6379 },
	};
	struct lab lab;

	lab_build(&lab, ID, UPLINK_1);
	for (int i = 0; i < LAB_MEMBERS; i++)
		listen_everywhere(lab.members[i]);
	for (int i = 0; i < LAB_MEMBERS; i++)
		for (int j = 0; j < LAB_MEMBERS; j++) {
			uint16_t which = 0;
			size_t n;

			if (i == j)
				continue;
			n = lab_scan(lab.members[i], addresses[j], some_ports,
				     ARRAY_SIZE(some_ports), &which);
			cr_expect_eq(n, expected[i][j] != 0, "%d to %d: %zu open", i, j, n);
			cr_expect_eq(which, expected[i][j], "%d to %d: %d", i, j, which);
		}
	lab_close(&lab);
}

Test(rules, protocols_are_told_apart)
{
	struct lab lab;
	AUTO(fd) int declared = -1;
	AUTO(fd) int other = -1;

	lab_build(&lab, ID, UPLINK_1);
	declared = lab_listen(lab.members[CACHE], SOCK_DGRAM, 0, 8125);
	other = lab_listen(lab.members[CACHE], SOCK_DGRAM, 0, 6379);
	cr_assert(lab_ask_udp(lab.members[APP], LAB_CACHE, 8125));
	cr_assert(lab_ask_udp(lab.members[APP], LAB_CACHE, 6379));
	cr_assert(lab_ask_udp(lab.members[DB], LAB_CACHE, 6379));
	cr_expect(lab_hears(declared));
	cr_expect_not(lab_hears(other));
	lab_close(&lab);
}

Test(rules, a_forged_source_is_dropped)
{
	struct lab lab;
	AUTO(fd) int server = -1;
	char got[8];

	lab_build(&lab, ID, UPLINK_1);
	server = lab_listen(lab.members[CACHE], SOCK_DGRAM, 0, 8125);
	lab_forge(lab.members[DB], LAB_APP, LAB_CACHE, 8125);
	cr_expect_not(lab_hears(server));
	/* The same packet from where it belongs arrives, so it was the source. */
	lab_forge(lab.members[APP], LAB_APP, LAB_CACHE, 8125);
	cr_assert(lab_hears(server));
	cr_expect_eq(recv(server, got, sizeof(got), 0), 4);
	lab_close(&lab);
}

Test(rules, a_forged_source_does_not_come_in_by_the_uplink_either)
{
	struct lab lab;
	AUTO(fd) int server = -1;

	lab_build(&lab, ID, UPLINK_1);
	server = lab_listen(lab.members[CACHE], SOCK_DGRAM, 0, 8125);
	free(lab_run(LAB_HERE, "ip route add 169.254.16.4/32 dev " ID " via 169.254.64.2 onlink"));
	lab_forge(LAB_HERE, LAB_APP, LAB_CACHE, 8125);
	lab_forge(LAB_HERE, LAB_HOST, LAB_CACHE, 8125);
	cr_expect_not(lab_hears(server));
	lab_close(&lab);
}

Test(rules, router_and_host_answer_nobody)
{
	static const uint32_t addresses[] = { NET_GATEWAY, UPLINK_1, LAB_HOST, LAB_LOOPBACK };
	struct lab lab;
	uint16_t which;

	lab_build(&lab, ID, UPLINK_1);
	lab_add_outside(&lab);
	listen_everywhere(LAB_HERE);
	listen_everywhere(lab.router);
	for (int i = 0; i < LAB_MEMBERS; i++)
		for (size_t j = 0; j < ARRAY_SIZE(addresses); j++)
			cr_expect_eq(lab_scan(lab.members[i], addresses[j], some_ports,
					      ARRAY_SIZE(some_ports), &which),
				     0, "member %d, address %zu: port %d", i, j, which);
	/* Nor does the router to the host. */
	cr_expect_eq(lab_scan(LAB_HERE, UPLINK_1, some_ports, ARRAY_SIZE(some_ports), &which), 0);
	/* They are open otherwise. */
	cr_expect_eq(lab_scan(LAB_HERE, LAB_LOOPBACK, some_ports, ARRAY_SIZE(some_ports), &which),
		     ARRAY_SIZE(some_ports));
	lab_close(&lab);
}

/* Both have the same addresses inside. What the first one's app reaches is its own db. */
Test(rules, environments_do_not_reach_each_other)
{
	struct lab one, two;
	AUTO(fd) int own = -1;
	AUTO(fd) int others = -1;
	AUTO(fd) int client = -1;
	uint16_t which;

	lab_build(&one, ID, UPLINK_1);
	lab_build(&two, "orchtest2", UPLINK_2);
	own = lab_listen(one.members[DB], SOCK_STREAM, 0, 3306);
	others = lab_listen(two.members[DB], SOCK_STREAM, 0, 3306);
	listen_everywhere(two.router);
	client = lab_dial(one.members[APP], LAB_DB, 3306);
	cr_assert_geq(client, 0);
	cr_expect(lab_hears(own));
	cr_expect_not(lab_hears(others));
	cr_expect_eq(
		lab_scan(one.members[APP], UPLINK_2, some_ports, ARRAY_SIZE(some_ports), &which),
		0);
	/* Even if its router let it: the host does not pass it on. */
	cr_expect_eq(lab_scan(one.router, UPLINK_2, some_ports, ARRAY_SIZE(some_ports), &which), 0);
	lab_close(&one);
	lab_close(&two);
}

Test(rules, a_path_taken_away_ends_its_open_connection)
{
	struct lab lab;
	AUTO(fd) int listener = -1;
	AUTO(fd) int client = -1;
	AUTO(fd) int server = -1;
	AUTO(fd) int kept_listener = -1;
	AUTO(fd) int kept_client = -1;
	AUTO(fd) int kept_server = -1;

	lab_build(&lab, ID, UPLINK_1);
	listener = lab_listen(lab.members[DB], SOCK_STREAM, 0, 3306);
	kept_listener = lab_listen(lab.members[CACHE], SOCK_STREAM, 0, 6379);
	client = lab_dial(lab.members[APP], LAB_DB, 3306);
	kept_client = lab_dial(lab.members[APP], LAB_CACHE, 6379);
	server = lab_accept(listener, NULL);
	kept_server = lab_accept(kept_listener, NULL);
	cr_assert(lab_carries(client, server));

	lab.plan.paths++; /* the first is app to db */
	lab.plan.n_paths--;
	lab_apply(&lab);
	cr_assert_eq(send(client, "a", 1, MSG_NOSIGNAL), 1);
	cr_assert_eq(send(server, "b", 1, MSG_NOSIGNAL), 1);
	cr_expect_not(lab_hears(server));
	cr_expect_not(lab_hears(client));
	cr_expect_lt(lab_dial(lab.members[APP], LAB_DB, 3306), 0);
	cr_expect(lab_carries(kept_client, kept_server));

	/* Back again, it goes on: TCP repeats what was lost. */
	lab.plan.paths--;
	lab.plan.n_paths++;
	lab_apply(&lab);
	cr_expect_geq(lab_dial(lab.members[APP], LAB_DB, 3306), 0);
	lab_close(&lab);
}

/* Applied while data flows: none of it is lost for good. */
Test(rules, applying_again_changes_nothing_and_disturbs_nobody)
{
	struct lab lab;
	AUTO(fd) int listener = -1;
	AUTO(fd) int client = -1;
	AUTO(fd) int server = -1;
	AUTO(free) char *router = NULL;
	AUTO(free) char *host = NULL;

	lab_build(&lab, ID, UPLINK_1);
	listener = lab_listen(lab.members[DB], SOCK_STREAM, 0, 3306);
	client = lab_dial(lab.members[APP], LAB_DB, 3306);
	server = lab_accept(listener, NULL);
	router = lab_run(lab.router, "nft list ruleset");
	host = lab_run(LAB_HERE, "nft list ruleset");
	for (int i = 0; i < 20; i++) {
		lab_apply(&lab);
		cr_expect(lab_carries(client, server), "round %d", i);
	}
	AUTO(free) char *router_after = lab_run(lab.router, "nft list ruleset");
	AUTO(free) char *host_after = lab_run(LAB_HERE, "nft list ruleset");

	cr_expect_str_eq(router_after, router);
	cr_expect_str_eq(host_after, host);
	lab_close(&lab);
}

Test(rules, the_list_is_the_plan)
{
	struct lab lab;
	struct net_path out[8];
	struct error why = { 0 };

	lab_build(&lab, ID, UPLINK_1);
	cr_assert_eq(rules_list(lab.router, out, ARRAY_SIZE(out), &why), 3, "%s", why.text);
	cr_expect_eq(out[0].source, LAB_APP);
	cr_expect_eq(out[0].destination, LAB_DB);
	cr_expect_eq(out[0].protocol, IPPROTO_TCP);
	cr_expect_eq(out[0].port, 3306);
	cr_expect_eq(out[1].destination, LAB_CACHE);
	cr_expect_eq(out[1].port, 6379);
	cr_expect_eq(out[2].protocol, IPPROTO_UDP);
	cr_expect_eq(out[2].port, 8125);
	cr_expect_eq(rules_list(lab.router, out, 2, &why), 2);
	/* Without rules there is nothing. */
	cr_expect_eq(rules_list(lab.members[DB], out, ARRAY_SIZE(out), &why), 0, "%s", why.text);
	lab_close(&lab);
}

/* Several messages, more than one page of a batch. */
Test(rules, large_environments_fit)
{
	enum { MEMBERS = 1500, PATHS = 6000 };
	static struct net_member members[MEMBERS];
	static struct net_path paths[PATHS], out[PATHS + 1];
	static char names[MEMBERS][8];
	struct lab lab;
	struct error why = { 0 };

	for (uint32_t i = 0; i < MEMBERS; i++) {
		snprintf(names[i], sizeof(names[i]), "m%u", i);
		members[i] = (struct net_member){ names[i], NET_CONTAINERS + 2 + i, true };
	}
	for (uint32_t i = 0; i < PATHS; i++)
		paths[i] = (struct net_path){ NET_CONTAINERS + 2 + i / 4,
					      NET_CONTAINERS + 2 + (i / 4 + 1) % MEMBERS,
					      IPPROTO_TCP, (uint16_t)(1 + i % 4) };
	lab_build(&lab, ID, UPLINK_1);
	lab.plan.members = members;
	lab.plan.n_members = MEMBERS;
	lab.plan.paths = paths;
	lab.plan.n_paths = PATHS;
	lab_apply(&lab);
	cr_expect_eq(rules_list(lab.router, out, PATHS + 1, &why), PATHS, "%s", why.text);
	lab_close(&lab);
}
