#include <criterion/criterion.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/json.h"
#include "netplan/plan.h"
#include "orchestrator/lower.h"
#include "orchestrator/names.h"
#include "tests/unit/fake_backend.h"

static const char group[] =
	"{'containers': {"
	" 'app': {'kind': 'app', 'address': '169.254.16.2', 'app': {'firewall': {'outbound': ["
	"   {'protocol': 'tcp', 'ips': ['192.0.2.0/24', '2001:db8::/32'], 'domains': [], 'ports': "
	"[443]},"
	"   {'protocol': 'tcp', 'ips': [], 'domains': ['a.example', 'b.example'], 'ports': []}]}}},"
	" 'open': {'kind': 'app', 'address': '169.254.16.3', 'app': {'firewall': null}},"
	" 'shut': {'kind': 'worker', 'address': '169.254.16.4', 'app': {'firewall': {'outbound': "
	"[]}}},"
	" 'only6': {'kind': 'worker', 'address': '169.254.16.5', 'app': {'firewall': {'outbound': ["
	"   {'ips': ['2001:db8::/32'], 'domains': [], 'ports': []}]}}},"
	" 'db': {'kind': 'service', 'address': '169.254.16.6'},"
	" 'cache': {'kind': 'service', 'address': '169.254.16.7', 'firewall': {'outbound': ["
	"   {'ips': [], 'domains': ['a.example'], 'ports': [80]}]}}}}";

Test(names, are_those_that_firewalls_name)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *desired = doc(group);
	AUTO(json) struct json_t *wanted = names_wanted(desired);

	cr_expect_str_eq(json_print(&arena, wanted, FORM_CANONICAL),
			 "{\"a.example\":{},\"b.example\":{}}");
}

Test(names, keep_an_address_for_an_hour)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *wanted = doc("{'a.example': {}}");
	AUTO(json) struct json_t *known = doc("{'old.example': {'192.0.2.9': 1000}}");

	names_learn(known, wanted,
		    "a.example 192.0.2.1\nb.example 192.0.2.8\na.example nonsense\na.exa", 1000);
	cr_expect_str_eq(json_print(&arena, known, FORM_CANONICAL),
			 "{\"a.example\":{\"192.0.2.1\":1000}}");
	names_learn(known, wanted, "a.example 192.0.2.2\n", 4600);
	cr_expect_eq(json_count(json_get(known, "a.example")), 2);
	names_learn(known, wanted, "a.example 192.0.2.2\n", 4601);
	cr_expect_str_eq(json_print(&arena, known, FORM_CANONICAL),
			 "{\"a.example\":{\"192.0.2.2\":4601}}");
	names_learn(known, wanted, "", 99999);
	cr_expect_str_eq(json_print(&arena, known, FORM_CANONICAL), "{\"a.example\":{}}",
			 "nothing is allowed, and it is known");
}

/* How many of the plan's pieces let this through. */
static size_t hits(const struct net_plan *plan, uint32_t from, uint32_t to, uint16_t port)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n_outbounds; i++) {
		const struct net_outbound *o = &plan->outbounds[i];

		n += o->source == from && o->first <= to && to <= o->last &&
			o->first_port <= port && port <= o->last_port;
	}
	return n;
}

Test(names, lower_a_firewall)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *desired = doc(group);
	AUTO(json)
	struct json_t *known = doc("{'a.example': {'198.51.100.7': 1}, 'b.example': {}}");
	const uint32_t app = NET_IP(169, 254, 16, 2), cache = app + 5;
	const uint32_t a = NET_IP(198, 51, 100, 7), net = NET_IP(192, 0, 2, 77);
	static const struct {
		const char *name;
		bool egress, limited;
	} expected[] = { { "app", true, true },	  { "cache", true, true }, { "db", false, false },
			 { "only6", true, true }, { "open", true, false }, { "shut", true, true } };
	struct net_plan plan = { 0 };

	lower_network(&arena, desired, NULL, 0, known, &plan);
	cr_assert_eq(plan.n_members, 6);
	for (size_t i = 0; i < 6; i++) {
		cr_expect_str_eq(plan.members[i].name, expected[i].name);
		cr_expect_eq(plan.members[i].egress, expected[i].egress, "%s", expected[i].name);
		cr_expect_eq(plan.members[i].limited, expected[i].limited, "%s", expected[i].name);
	}
	cr_expect_eq(hits(&plan, app, net, 443), 1);
	cr_expect_eq(hits(&plan, app, net, 80), 0);
	cr_expect_eq(hits(&plan, app, a, 1), 1);
	cr_expect_eq(hits(&plan, app, a + 1, 1), 0);
	cr_expect_eq(hits(&plan, cache, a, 80), 1);
	cr_expect_eq(hits(&plan, cache, a, 443), 0);
	cr_expect_eq(hits(&plan, app + 2, net, 443), 0, "shut");
	cr_expect_eq(hits(&plan, app + 3, net, 443), 0, "networks of IPv6 alone open nothing");
}
