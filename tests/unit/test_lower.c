#include <criterion/criterion.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/cron.h"
#include "base/json.h"
#include "manifests/recipe.h"
#include "orchestrator/lower.h"
#include "tests/unit/fake_backend.h"

static const char group[] =
	"{'containers': {"
	" 'app': {'kind': 'app', 'address': '169.254.16.2', 'app': {'name': 'app',"
	"  'web': {'commands': {'post_start': 'warm'}},"
	"  'crons': {'tidy up': {'spec': 'H 3 * * *', 'commands': {'start': 'tidy', 'stop': "
	"'halt'},"
	"   'shutdown_timeout': null, 'timeout': 60}},"
	"  'operations': {'clear': {'role': 'admin', 'timeout': null,"
	"   'commands': {'start': 'clear', 'stop': null}}}}},"
	" 'app--queue': {'kind': 'worker', 'address': '169.254.16.3', 'app': {'name': 'app',"
	"  'worker': {'commands': {'start': 'work', 'pre_start': 'look'}}}}}}";

static const char *server[] = { "/bin/server", NULL }, *front[] = { "/bin/front", NULL },
		  *helper[] = { "/bin/helper", NULL }, *check[] = { "/bin/check", NULL };
static struct image_process processes[] = {
	{ .name = "app",
	  .command = { server, 1 },
	  .main = true,
	  .stop_signal = 3,
	  .grace_ms = 1000,
	  .on_reload = REACTION_SIGNAL,
	  .on_swap = REACTION_SIGNAL },
	{ .name = "front", .command = { front, 1 }, .web = true },
	{ .name = "helper", .command = { helper, 1 } },
};
static struct image_user users[] = { { "web", 10000, 10000, "/app", "/bin/sh" } };
static const struct image_description image = {
	.app = true,
	.user = "web",
	.users = users,
	.n_users = 1,
	.processes = processes,
	.n_processes = ARRAY_SIZE(processes),
	.ready = { check, 1 },
	.ready_user = "root",
};

static struct json_t *lower(struct arena *arena, const char *container, struct lowered *out)
{
	struct json_t *desired = doc(group);
	const struct lower_input in = {
		.contract = { .desired = desired, .container = container, .image = &image },
		.image = &image
	};

	lower_container(arena, &in, out);
	return desired;
}

static const char *variable(const char *const *env, const char *name)
{
	for (; *env; env++)
		if (!strncmp(*env, name, strlen(name)) && (*env)[strlen(name)] == '=')
			return *env + strlen(name) + 1;
	return "none";
}

Test(lower, gives_the_web_container_all_processes_of_the_image)
{
	AUTO(arena) struct arena arena = { 0 };
	struct lowered l;
	AUTO(json) struct json_t *desired = lower(&arena, "app", &l);

	cr_assert_not_null(desired);
	cr_assert_eq(l.init.n, 3);
	cr_expect_str_eq(l.init.processes[1].name, "front");
	cr_expect_eq(l.init.processes[0].stop_signal, 3);
	cr_expect_eq(l.init.processes[0].grace_ms, 1000);
	cr_expect_eq(l.init.processes[0].on_swap, REACT_SIGNAL);
	cr_expect_null(l.init.processes[0].facts, "it goes on over commits");
	cr_expect_str_eq(variable(l.init.processes[0].env, "PLATFORM_APPLICATION"), "none");
	cr_expect_str_eq(l.init.ready.argv[4], "warm");
	cr_expect_str_eq(l.init.ready.argv[5], "/bin/check");
	cr_expect_eq(l.init.ready.uid, 0);
	cr_expect_str_eq(variable(l.env, "PORT"), "8888");
}

Test(lower, gives_a_worker_its_command_and_nothing_for_requests)
{
	AUTO(arena) struct arena arena = { 0 };
	struct lowered l;
	AUTO(json) struct json_t *desired = lower(&arena, "app--queue", &l);
	const struct init_process *p = &l.init.processes[0];

	cr_assert_not_null(desired);
	cr_assert_eq(l.init.n, 2);
	cr_expect_str_eq(l.init.processes[1].name, "helper");
	cr_expect_str_eq(p->name, "app");
	cr_expect_str_eq(p->argv[4], "look");
	cr_expect_str_eq(p->argv[5], "work");
	cr_expect_eq(p->uid, 10000);
	cr_expect_str_eq(p->folder, "/app");
	cr_expect_str_eq(variable(p->env, "PLATFORM_APPLICATION"), "none", "lest it be another");
	cr_expect_str_neq(variable(p->facts, "PLATFORM_APPLICATION"), "none");
	cr_expect_str_eq(variable(p->facts, "PLATFORM_APP_DIR"), "none");
	cr_expect_eq(p->stop_signal, 0, "SIGTERM, whatever the image's own is");
	cr_expect_eq(p->grace_ms, 15000);
	cr_expect_eq(p->on_reload, REACT_RESTART);
	cr_expect_eq(p->on_swap, REACT_RESTART);
	cr_expect(p->may_end);
	cr_expect(p->group);
	cr_expect_null(l.init.ready.argv);
	cr_expect_str_eq(l.hostname, "app--queue\n");
	cr_expect_str_eq(variable(l.env, "PORT"), "none");
	cr_expect_str_eq(variable(l.env, "PLATFORM_APPLICATION_NAME"), "app");
	cr_expect_str_eq(variable(l.env, "PLATFORM_APP_COMMAND"), "work");
}

Test(lower, gives_the_web_container_its_jobs)
{
	AUTO(arena) struct arena arena = { 0 };
	struct lowered l, worker;
	AUTO(json) struct json_t *desired = lower(&arena, "app", &l);
	AUTO(json) struct json_t *again = lower(&arena, "app--queue", &worker);
	const struct init_cron *c = &l.init.crons[0];

	cr_assert_not_null(desired);
	cr_assert_not_null(again);
	cr_assert_eq(l.init.n_crons, 2);
	cr_expect_eq(worker.init.n_crons, 0);
	cr_expect_str_eq(c->process.name, "tidy up");
	cr_expect_str_eq(c->process.argv[4], "tidy");
	cr_expect_not_null(strstr(c->stop, "halt"));
	cr_expect_str_eq(c->schedule, "H 3 * * *");
	cr_expect_eq(c->hash, cron_hash("/app/tidy up"));
	cr_expect_eq(c->process.uid, 10000);
	cr_expect_eq(c->process.grace_ms, 10000);
	cr_expect_eq(c->process.timeout_ms, 60000);
	cr_expect_eq(c->jitter_s, 0, "of production only");
	cr_expect_str_eq(variable(c->process.env, "PLATFORM_APPLICATION_NAME"), "app");
	c = &l.init.crons[1];
	cr_expect_str_eq(c->process.name, "clear");
	cr_expect_str_eq(c->process.argv[4], "clear");
	cr_expect_null(c->schedule, "only when asked");
	cr_expect_null(c->stop);
	cr_expect_eq(c->process.uid, 10000);
	cr_expect_eq(c->process.timeout_ms, 86400000);
}
