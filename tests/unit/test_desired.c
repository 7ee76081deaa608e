#include <criterion/criterion.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "manifests/manifest.h"
#include "manifests/recipe.h"
#include "orchestrator/desired.h"
#include "orchestrator/lower.h"
#include "orchestrator/project.h"
#include "orchestrator/routes.h"
#include "orchestrator/state.h"
#include "tests/unit/fake_backend.h"

static const char parent[] =
	"{'commit': 'c1', 'containers': {"
	" 'db': {'type': 'mariadb:10.11', 'address': '169.254.16.2',"
	"  'environment': {'name': 'main', 'machine_name': 'main-a', 'type': 'production',"
	"   'project': 'shop', 'project_id': 'p'}},"
	" 'app': {'type': 'php:8.2', 'url': 'http://127.0.0.1:20001/',"
	"  'environment': {'name': 'main', 'machine_name': 'main-a', 'type': 'production',"
	"   'project': 'shop', 'project_id': 'p'}}},"
	" 'network': {'paths': {}, 'publish': {'address': '127.0.0.1', 'port': 20001, 'to': "
	"'app'}}}";

static const char child[] =
	"{'commit': 'c1', 'containers': {"
	" 'db': {'type': 'mariadb:10.11', 'address': '169.254.16.2',"
	"  'environment': {'name': 'fix', 'machine_name': 'fix-b', 'type': 'development',"
	"   'project': 'shop', 'project_id': 'p'}},"
	" 'app': {'type': 'php:8.2', 'url': 'http://127.0.0.1:20002/',"
	"  'environment': {'name': 'fix', 'machine_name': 'fix-b', 'type': 'development',"
	"   'project': 'shop', 'project_id': 'p'}}},"
	" 'network': {'paths': {}, 'publish': {'address': '0.0.0.0', 'port': 20002, 'to': 'app'}}}";

static const struct environment fix = {
	.id = "fix-b",
	.name = "fix",
	.type = "development",
	.project = "shop",
	.project_id = "p",
	.publish_address = "0.0.0.0",
	.publish_port = 20002,
};

Test(desired, is_made_again_for_another_environment)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *before = doc(parent);
	AUTO(json) struct json_t *expected = doc(child);
	AUTO(json) struct json_t *made = desired_remake(before, &fix);
	AUTO(json) struct json_t *again = desired_remake(made, &fix);
	AUTO(json) struct json_t *untouched = doc(parent);

	cr_expect_str_eq(json_print(&arena, made, FORM_CANONICAL),
			 json_print(&arena, expected, FORM_CANONICAL));
	cr_expect(json_same(again, made));
	cr_expect(json_same(before, untouched));
}

static struct json_t *make_with_worker(const struct mount *mounts, size_t n)
{
	static const char *program[] = { "/bin/httpd", NULL };
	static struct image_process process = { .name = "app", .command = { program, 1 } };
	static struct image_endpoint http = { "http", "http", 80, true };
	static struct recipe recipes[] = {
		{ .type = "php:8.2",
		  .image = { .app = true,
			     .processes = &process,
			     .n_processes = 1,
			     .endpoints = &http,
			     .n_endpoints = 1,
			     .memory = 1,
			     .pids = 9 } },
		{ .type = "store:1", .image = { .memory = 1, .pids = 9 } },
	};
	static const struct catalog catalog = { .recipes = recipes, .n = ARRAY_SIZE(recipes) };
	static const struct project project = { .commit = "c1", .subject = "one" };
	static struct relationship link = { .name = "db", .service = "db", .endpoint = "data" };
	static const struct desired_image code = { "app", "digest", "tree" };
	struct worker worker = { .name = "queue",
				 .container = "app--queue",
				 .size = "S",
				 .disk = 300,
				 .relationships = &link,
				 .n_relationships = 1,
				 .mounts = (struct mount *)(uintptr_t)mounts,
				 .n_mounts = n };
	struct app app = { .name = "app",
			   .type = "php:8.2",
			   .size = "AUTO",
			   .disk = 300,
			   .workers = &worker,
			   .n_workers = 1 };
	struct service service = { .name = "db", .type = "store:1", .size = "S" };
	const struct manifest manifest = {
		.apps = &app, .n_apps = 1, .services = &service, .n_services = 1
	};
	const struct desired_input in = { .manifest = &manifest,
					  .catalog = &catalog,
					  .environment = &fix,
					  .project = &project,
					  .codes = &code,
					  .n_codes = 1 };
	struct error err;
	struct json_t *made;

	worker.document = doc("{'name': 'app', 'worker': {'commands': {'start': 'work'}}}");
	app.document = doc("{'name': 'app', 'web': {'locations': {}}}");
	service.configuration = json_new_map();
	made = desired_make(&in, &err);
	json_free(worker.document);
	json_free(app.document);
	json_free(service.configuration);
	cr_assert_not_null(made);
	return made;
}

Test(desired, has_a_container_for_each_worker)
{
	static const struct mount mounts[] = { { "cache", MOUNT_TMP, "cache" },
					       { "files", MOUNT_LOCAL, "files" } };
	AUTO(json) struct json_t *keeps = make_with_worker(mounts, 2);
	AUTO(json) struct json_t *forgets = make_with_worker(mounts, 1);
	const struct json_t *c = json_path(keeps, "containers", "app--queue", NULL);
	const struct json_t *paths = json_path(keeps, "network", "paths", NULL);

	cr_expect_str_eq(json_get_text(c, "kind", ""), "worker");
	cr_expect_str_eq(json_text(json_path(c, "code", "image", NULL), ""), "digest");
	cr_expect_str_eq(json_text(json_path(c, "app", "worker", "commands", "start", NULL), ""),
			 "work");
	cr_expect_eq(json_count(json_get(c, "endpoints")), 0);
	cr_expect_eq(json_get_number(c, "disk", 0), 300);
	cr_expect_eq(json_number(json_path(forgets, "containers", "app--queue", "disk", NULL), 0),
		     0, "nothing is kept without a local mount");
	cr_expect_eq(json_count(paths), 1);
	cr_expect_not_null(json_get(paths, "app--queue -> db tcp/0"));
	cr_expect_str_neq(json_get_text(c, "address", ""), "");
}

static struct json_t *make_with_routes(const struct environment *e, bool file)
{
	static struct image_endpoint http = { "http", "http", 80, true };
	static struct image_endpoint data = { "data", "http", 6000, true };
	static struct recipe recipes[] = {
		{ .type = "php:8.2",
		  .image = { .app = true, .endpoints = &http, .n_endpoints = 1, .pids = 9 } },
		{ .type = "store:1", .image = { .endpoints = &data, .n_endpoints = 1, .pids = 9 } },
		{ .type = ROUTES_TYPE,
		  .image = { .router = true, .endpoints = &http, .n_endpoints = 1, .pids = 9 } },
	};
	static const struct catalog catalog = { .recipes = recipes, .n = ARRAY_SIZE(recipes) };
	static const struct project project = { .commit = "c1", .subject = "one" };
	static const struct desired_image code = { "app", "digest", "tree" };
	struct app apps[] = { { .name = "app", .type = "php:8.2", .size = "S" },
			      { .name = "router", .type = "php:8.2", .size = "S" } };
	struct service service = { .name = "db", .type = "store:1", .size = "S" };
	struct route routes[] = {
		{ .url = "https://{default}/",
		  .type = "upstream",
		  .upstream = "app",
		  .endpoint = "http",
		  .primary = true },
		{ .url = "https://db.{default}/",
		  .type = "upstream",
		  .upstream = "db",
		  .endpoint = "more" },
	};
	const struct manifest manifest = { .apps = apps,
					   .n_apps = 2,
					   .services = &service,
					   .n_services = 1,
					   .routes = routes,
					   .n_routes = 2,
					   /* Whether there is one is all that is asked. */
					   .routes_node = file ? (const void *)routes : NULL };
	const struct desired_input in = { .manifest = &manifest,
					  .catalog = &catalog,
					  .environment = e,
					  .project = &project,
					  .codes = &code,
					  .n_codes = 1 };
	struct error err;
	struct json_t *made;

	apps[0].document = doc("{'name': 'app'}");
	apps[1].document = doc("{'name': 'router'}");
	service.configuration = json_new_map();
	routes[0].document =
		doc("{'type': 'upstream', 'upstream': 'app:http', 'redirects': {'paths':"
		    " {'/b': {'to': '/x'}, '/a': {'to': '/y'}}}}");
	routes[1].document = doc("{'type': 'upstream', 'upstream': 'db:more'}");
	made = desired_make(&in, &err);
	json_free(apps[0].document);
	json_free(apps[1].document);
	json_free(service.configuration);
	json_free(routes[0].document);
	json_free(routes[1].document);
	cr_assert_not_null(made);
	return made;
}

Test(desired, has_a_router_where_there_are_routes)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *made = make_with_routes(&fix, true);
	const struct json_t *router = json_path(made, "containers", "orch-router", NULL);
	const struct json_t *paths = json_path(made, "network", "paths", NULL);
	const struct json_t *route = json_path(router, "routes", "https://{default}/", NULL);
	struct net_plan plan = { .id = "x" };
	const char **order;
	size_t n;

	cr_expect_str_eq(json_get_text(router, "kind", ""), "router");
	cr_expect_eq(routes_router(made), router);
	cr_expect_str_eq(json_text(json_path(made, "network", "publish", "to", NULL), ""),
			 "orch-router", "something else is called router");
	cr_expect_str_eq(json_get_text(route, "upstream", ""), "app");
	cr_expect_str_eq(
		json_get_text(json_at(json_path(route, "redirects", "paths", NULL), 0), "path", ""),
		"/b", "in the order of the file");
	cr_expect_str_eq(json_text(json_path(router, "versions", "app", NULL), ""), "digest");
	cr_expect_eq(json_count(paths), 2);
	cr_expect_not_null(json_get(paths, "orch-router -> app tcp/80"));
	cr_expect_not_null(json_get(paths, "orch-router -> db tcp/6000"));
	order = desired_order(&arena, made, &n);
	cr_assert_eq(n, 4);
	cr_expect_str_eq(order[0], "app");
	cr_expect_str_eq(order[1], "db");
	cr_expect_str_eq(order[2], "orch-router", "after what it leads to");
	lower_network(&arena, made, NULL, 0, NULL, &plan);
	for (size_t i = 0; i < plan.n_members; i++)
		cr_expect_eq(plan.members[i].egress,
			     !strcmp(plan.members[i].name, "app") ||
				     !strcmp(plan.members[i].name, "router"),
			     "%s", plan.members[i].name);
	json_put_text(json_path(made, "containers", "orch-router", "routes",
				"https://db.{default}/", NULL),
		      "type", "proxy");
	lower_network(&arena, made, NULL, 0, NULL, &plan);
	for (size_t i = 0; i < plan.n_members; i++)
		cr_expect(plan.members[i].egress ||
				  strcmp(plan.members[i].name, "orch-router") != 0,
			  "where a route leads outside, it goes there");
}

Test(desired, has_a_router_only_where_somebody_asks_for_it)
{
	struct environment named = fix, guarded = fix;
	AUTO(json) struct json_t *plain = make_with_routes(&fix, false);
	AUTO(json) struct json_t *with_name = NULL, *with_rules = NULL, *again = NULL;
	const struct json_t *router;

	named.domains = "a.b c.d";
	guarded.access = "{\"addresses\": [{\"permission\": \"deny\", \"address\": \"any\"}]}";
	with_name = make_with_routes(&named, false);
	with_rules = make_with_routes(&guarded, false);
	cr_expect_null(routes_router(plain));
	cr_expect_str_eq(json_text(json_path(plain, "network", "publish", "to", NULL), ""), "app");
	cr_expect_eq(json_count(json_get(routes_router(with_name), "domains")), 2);
	router = routes_router(with_rules);
	cr_expect_eq(json_count(json_path(router, "access", "addresses", NULL)), 1);
	/* Another environment has names of its own, and may be for others. */
	again = desired_remake(with_rules, &named);
	cr_expect_eq(json_count(json_get(routes_router(again), "domains")), 2);
	cr_expect_eq(json_count(json_get(routes_router(again), "access")), 0);
}
