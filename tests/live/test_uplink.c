/*
 * What passes between an environment, its host and the outside: egress, published ports, and the
 * host's own rules.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "netplan/links.h"
#include "netplan/rules.h"
#include "tests/live/netlab.h"

#define ID "orchtest1"
#define UPLINK_1 NET_IP(169, 254, 64, 2)
#define UPLINK_2 NET_IP(169, 254, 64, 3)

TestSuite(uplink, .init = lab_sandbox, .timeout = 60);

/* On hosts that check the return path (rp_filter=1) it must work as well. */
static void build(struct lab *lab)
{
	lab_set(LAB_HERE, "ipv4/conf/all/rp_filter", "1");
	lab_set(LAB_HERE, "ipv4/conf/default/rp_filter", "1");
	lab_build(lab, ID, UPLINK_1);
	lab_add_outside(lab);
}

/* Somebody at `from` opens address:port, and app's port 80 gets it; returns the address it came from there. */
static uint32_t reach_app(struct lab *lab, int listener, int from, uint32_t address, uint16_t port)
{
	AUTO(fd) int client = lab_dial(from, address, port);
	AUTO(fd) int server = -1;
	uint32_t who = 0;

	(void)lab;
	if (client < 0)
		return 0;
	server = lab_accept(listener, &who);
	cr_expect(lab_carries(client, server));
	return who;
}

static void publish(struct lab *lab, const struct net_publish *p)
{
	lab->plan.publishes = p;
	lab->plan.n_publishes = p != NULL;
	lab_apply(lab);
}

Test(uplink, egress_is_tcp_but_mail_and_dns)
{
	struct lab lab;
	AUTO(fd) int web = -1;
	AUTO(fd) int mail = -1;
	AUTO(fd) int dns = -1;
	AUTO(fd) int ntp = -1;
	AUTO(fd) int client = -1;
	AUTO(fd) int server = -1;
	uint32_t from = 0;

	build(&lab);
	web = lab_listen(lab.outside, SOCK_STREAM, 0, 443);
	mail = lab_listen(lab.outside, SOCK_STREAM, 0, 25);
	dns = lab_listen(lab.outside, SOCK_DGRAM, 0, 53);
	ntp = lab_listen(lab.outside, SOCK_DGRAM, 0, 123);
	client = lab_dial(lab.members[APP], LAB_OUTSIDE, 443);
	cr_assert_geq(client, 0);
	server = lab_accept(web, &from);
	cr_expect_eq(from, LAB_HOST);
	cr_expect(lab_carries(client, server));
	cr_expect_lt(lab_dial(lab.members[APP], LAB_OUTSIDE, 25), 0);
	cr_expect(lab_ask_udp(lab.members[APP], LAB_OUTSIDE, 53));
	cr_expect(lab_ask_udp(lab.members[APP], LAB_OUTSIDE, 123));
	cr_expect(lab_hears(dns));
	cr_expect_not(lab_hears(ntp));
	/* db has no egress. */
	cr_expect_lt(lab_dial(lab.members[DB], LAB_OUTSIDE, 443), 0);
	lab_close(&lab);
}

Test(uplink, only_listed_resolvers_are_asked)
{
	struct lab lab;
	AUTO(fd) int dns = -1;

	build(&lab);
	lab.plan.n_resolvers = 0;
	lab_apply(&lab);
	dns = lab_listen(lab.outside, SOCK_DGRAM, 0, 53);
	cr_assert(lab_ask_udp(lab.members[APP], LAB_OUTSIDE, 53));
	cr_expect_not(lab_hears(dns));
	lab_close(&lab);
}

Test(uplink, a_resolver_on_the_host_itself_can_be_asked)
{
	static const uint32_t host[] = { LAB_HOST };
	struct lab lab;
	AUTO(fd) int dns = -1;
	AUTO(fd) int other = -1;

	build(&lab);
	lab.plan.resolvers = host;
	lab_apply(&lab);
	dns = lab_listen(LAB_HERE, SOCK_DGRAM, 0, 53);
	other = lab_listen(LAB_HERE, SOCK_STREAM, 0, 80);
	cr_assert(lab_ask_udp(lab.members[APP], LAB_HOST, 53));
	cr_expect(lab_hears(dns));
	cr_expect_lt(lab_dial(lab.members[APP], LAB_HOST, 80), 0);
	lab_close(&lab);
}

Test(uplink, egress_taken_away_ends_open_connections)
{
	struct lab lab;
	struct net_member members[LAB_MEMBERS];
	AUTO(fd) int web = -1;
	AUTO(fd) int client = -1;
	AUTO(fd) int server = -1;

	build(&lab);
	web = lab_listen(lab.outside, SOCK_STREAM, 0, 443);
	client = lab_dial(lab.members[APP], LAB_OUTSIDE, 443);
	cr_assert_geq(client, 0);
	server = lab_accept(web, NULL);
	memcpy(members, lab.plan.members, sizeof(members));
	members[APP].egress = false;
	lab.plan.members = members;
	lab_apply(&lab);
	cr_assert_eq(send(client, "a", 1, MSG_NOSIGNAL), 1);
	cr_assert_eq(send(server, "b", 1, MSG_NOSIGNAL), 1);
	cr_expect_not(lab_hears(server));
	cr_expect_not(lab_hears(client));
	lab_close(&lab);
}

/* The outside has two addresses and listens at two ports. */
Test(uplink, a_limited_member_opens_what_its_firewall_says)
{
	static const struct net_allow rules[] = {
		{ LAB_OUTSIDE, 32, 443 },
		{ LAB_OUTSIDE, 24, 25 }, /* mail stays closed */
		{ LAB_OUTSIDE + 1, 32, 0 },
		{ LAB_OUTSIDE, 31, 443 }, /* overlaps */
	};
	AUTO(arena) struct arena arena = { 0 };
	struct net_outbounds list = { 0 };
	struct net_member members[LAB_MEMBERS];
	struct lab lab;
	AUTO(fd) int web = -1, alt = -1, mail = -1, dns = -1, client = -1, server = -1;

	build(&lab);
	free(lab_run(lab.outside, "ip addr add 203.0.113.2/32 dev lo"));
	free(lab_run(LAB_HERE, "ip route add 203.0.113.2/32 via 203.0.113.1 onlink dev wan0"));
	web = lab_listen(lab.outside, SOCK_STREAM, 0, 443);
	alt = lab_listen(lab.outside, SOCK_STREAM, 0, 8443);
	mail = lab_listen(lab.outside, SOCK_STREAM, 0, 25);
	dns = lab_listen(lab.outside, SOCK_DGRAM, 0, 53);
	client = lab_dial(lab.members[APP], LAB_OUTSIDE + 1, 8443);
	cr_assert_geq(client, 0, "it is there");
	server = lab_accept(alt, NULL);
	memcpy(members, lab.plan.members, sizeof(members));
	members[APP].limited = true;
	lab.plan.members = members;
	lab_apply(&lab);
	cr_expect_lt(lab_dial(lab.members[APP], LAB_OUTSIDE, 443), 0, "nothing is allowed");
	cr_assert_eq(send(client, "a", 1, MSG_NOSIGNAL), 1);
	cr_expect_not(lab_hears(server), "nor what was open");

	net_outbound_add(&arena, &list, LAB_APP, rules, ARRAY_SIZE(rules));
	lab.plan.outbounds = list.items;
	lab.plan.n_outbounds = list.n;
	LAB_OK(net_plan_check(&lab.plan, err));
	LAB_OK(rules_ensure_outbound(lab.router, &lab.plan, err));
	cr_expect_geq(lab_dial(lab.members[APP], LAB_OUTSIDE, 443), 0);
	cr_expect_lt(lab_dial(lab.members[APP], LAB_OUTSIDE, 8443), 0);
	cr_expect_geq(lab_dial(lab.members[APP], LAB_OUTSIDE + 1, 443), 0);
	cr_expect_geq(lab_dial(lab.members[APP], LAB_OUTSIDE + 1, 8443), 0);
	cr_expect_lt(lab_dial(lab.members[APP], LAB_OUTSIDE, 25), 0);
	cr_expect_lt(lab_dial(lab.members[APP], LAB_OUTSIDE + 1, 25), 0);
	cr_expect(lab_ask_udp(lab.members[APP], LAB_OUTSIDE, 53));
	cr_expect(lab_hears(dns), "resolvers are no part of it");
	cr_expect_lt(lab_dial(lab.members[DB], LAB_OUTSIDE, 443), 0, "nobody else's");
	lab_apply(&lab);
	cr_expect_geq(lab_dial(lab.members[APP], LAB_OUTSIDE + 1, 8443), 0, "all rules at once");
	lab.plan.n_outbounds = 0;
	LAB_OK(rules_ensure_outbound(lab.router, &lab.plan, err));
	cr_expect_lt(lab_dial(lab.members[APP], LAB_OUTSIDE, 443), 0, "taken away");
	lab_close(&lab);
}

Test(uplink, published_on_loopback_is_for_the_host_only)
{
	static const struct net_publish p = { LAB_LOOPBACK, 8080, LAB_APP, 80 };
	struct lab lab;
	AUTO(fd) int listener = -1;

	build(&lab);
	publish(&lab, &p);
	listener = lab_listen(lab.members[APP], SOCK_STREAM, 0, 80);
	cr_expect_eq(reach_app(&lab, listener, LAB_HERE, LAB_LOOPBACK, 8080), NET_GATEWAY);
	cr_expect_eq(reach_app(&lab, listener, LAB_HERE, LAB_HOST, 8080), 0);
	cr_expect_eq(reach_app(&lab, listener, lab.outside, LAB_HOST, 8080), 0);
	cr_expect_eq(reach_app(&lab, listener, lab.outside, UPLINK_1, 8080), 0);
	/* A neighbour that sends packets for 127.0.0.1 over the wire. */
	free(lab_run(lab.outside,
		     "ip route del local 127.0.0.0/8 table local;"
		     "ip route del local 127.0.0.1 table local;"
		     "echo 1 >/proc/sys/net/ipv4/conf/eth0/route_localnet;"
		     "ip route add 127.0.0.1 via 198.51.100.1 dev eth0 onlink src 203.0.113.1"));
	cr_expect_eq(reach_app(&lab, listener, lab.outside, LAB_LOOPBACK, 8080), 0);
	lab_close(&lab);
}

Test(uplink, published_on_an_address_keeps_the_clients)
{
	static const struct net_publish p = { LAB_HOST, 8080, LAB_APP, 80 };
	struct lab lab;
	AUTO(fd) int listener = -1;

	build(&lab);
	publish(&lab, &p);
	listener = lab_listen(lab.members[APP], SOCK_STREAM, 0, 80);
	cr_expect_eq(reach_app(&lab, listener, lab.outside, LAB_HOST, 8080), LAB_OUTSIDE);
	cr_expect_eq(reach_app(&lab, listener, LAB_HERE, LAB_HOST, 8080), LAB_HOST);
	cr_expect_eq(reach_app(&lab, listener, LAB_HERE, LAB_LOOPBACK, 8080), 0);
	/* The app by its public address: through the host and back. */
	cr_expect_eq(reach_app(&lab, listener, lab.members[APP], LAB_HOST, 8080), NET_GATEWAY);
	lab_close(&lab);
}

Test(uplink, published_everywhere_is_on_every_address)
{
	static const struct net_publish p = { 0, 8080, LAB_APP, 80 };
	struct lab lab;
	AUTO(fd) int listener = -1;
	AUTO(fd) int other = -1;

	build(&lab);
	publish(&lab, &p);
	listener = lab_listen(lab.members[APP], SOCK_STREAM, 0, 80);
	other = lab_listen(lab.members[APP], SOCK_STREAM, 0, 8080);
	cr_expect_eq(reach_app(&lab, listener, lab.outside, LAB_HOST, 8080), LAB_OUTSIDE);
	cr_expect_eq(reach_app(&lab, listener, LAB_HERE, LAB_LOOPBACK, 8080), NET_GATEWAY);
	cr_expect_eq(reach_app(&lab, listener, LAB_HERE, LAB_HOST, 8080), LAB_HOST);
	/* A port of elsewhere, though it has the same number. */
	cr_expect_geq(lab_listen(lab.outside, SOCK_STREAM, 0, 8080), 0);
	cr_expect_eq(reach_app(&lab, listener, LAB_HERE, LAB_OUTSIDE, 8081), 0);
	lab_close(&lab);
}

Test(uplink, unpublished_ends_open_connections)
{
	static const struct net_publish p = { LAB_HOST, 8080, LAB_APP, 80 };
	struct lab lab;
	AUTO(fd) int listener = -1;
	AUTO(fd) int client = -1;
	AUTO(fd) int server = -1;

	build(&lab);
	publish(&lab, &p);
	listener = lab_listen(lab.members[APP], SOCK_STREAM, 0, 80);
	client = lab_dial(lab.outside, LAB_HOST, 8080);
	cr_assert_geq(client, 0);
	server = lab_accept(listener, NULL);
	cr_assert(lab_carries(client, server));
	publish(&lab, NULL);
	cr_assert_eq(send(client, "a", 1, MSG_NOSIGNAL), 1);
	cr_assert_eq(send(server, "b", 1, MSG_NOSIGNAL), 1);
	cr_expect_not(lab_hears(server));
	cr_expect_not(lab_hears(client));
	cr_expect_lt(lab_dial(lab.outside, LAB_HOST, 8080), 0);
	lab_close(&lab);
}

Test(uplink, two_environments_publish_side_by_side)
{
	static const struct net_publish first = { LAB_HOST, 8080, LAB_APP, 80 };
	static const struct net_publish second = { LAB_LOOPBACK, 8081, LAB_DB, 80 };
	struct lab one, two;
	AUTO(fd) int listener_one = -1;
	AUTO(fd) int listener_two = -1;
	struct error why = { 0 };

	build(&one);
	lab_build(&two, "orchtest2", UPLINK_2);
	publish(&one, &first);
	publish(&two, &second);
	listener_one = lab_listen(one.members[APP], SOCK_STREAM, 0, 80);
	listener_two = lab_listen(two.members[DB], SOCK_STREAM, 0, 80);
	cr_expect_eq(reach_app(&one, listener_one, one.outside, LAB_HOST, 8080), LAB_OUTSIDE);
	cr_expect_eq(reach_app(&two, listener_two, LAB_HERE, LAB_LOOPBACK, 8081), NET_GATEWAY);
	/* What one publishes is public, to the other one's app also. */
	cr_expect_eq(reach_app(&one, listener_one, two.members[APP], LAB_HOST, 8080), NET_GATEWAY);
	/* One goes; the other stays. */
	cr_assert_eq(rules_ensure_no_host(ID, &why), 0, "%s", why.text);
	cr_expect_eq(reach_app(&two, listener_two, LAB_HERE, LAB_LOOPBACK, 8081), NET_GATEWAY);
	lab_close(&one);
	lab_close(&two);
}

Test(uplink, the_rules_of_others_stay_as_they_are)
{
	static const struct net_publish p = { 0, 8080, LAB_APP, 80 };
	static const char foreign[] =
		"nft 'add table ip filter; add chain ip filter FORWARD { type filter hook forward "
		"priority 0; policy accept; }; add rule ip filter FORWARD tcp dport 4711 counter "
		"drop; add table inet other; add set inet other s { type ipv4_addr; elements = { "
		"192.0.2.1 } }'";
	struct lab lab;
	struct error why = { 0 };
	AUTO(free) char *before = NULL;
	AUTO(free) char *during = NULL;
	AUTO(free) char *after = NULL;

	free(lab_run(LAB_HERE, foreign));
	before = lab_run(LAB_HERE, "nft -a list ruleset");
	build(&lab);
	publish(&lab, &p);
	during = lab_run(LAB_HERE, "nft -a list table ip filter; nft -a list table inet other");
	cr_expect_str_eq(during, before);
	cr_assert_eq(rules_ensure_no_host(ID, &why), 0, "%s", why.text);
	after = lab_run(LAB_HERE, "nft -a list ruleset");
	cr_expect_str_eq(after, before);
	/* Twice is once. */
	cr_expect_eq(rules_ensure_no_host(ID, &why), 0, "%s", why.text);
	lab_close(&lab);
}

/* A chain of somebody's in our table keeps the table. */
Test(uplink, a_table_in_use_is_not_deleted)
{
	struct lab lab;
	struct error why = { 0 };
	AUTO(free) char *after = NULL;

	build(&lab);
	free(lab_run(LAB_HERE, "nft add chain ip orch other-pre"));
	cr_assert_eq(rules_ensure_no_host(ID, &why), 0, "%s", why.text);
	after = lab_run(LAB_HERE, "nft list ruleset");
	cr_expect_str_eq(after, "table ip orch {\n\tchain other-pre {\n\t}\n}\n");
	lab_close(&lab);
}
