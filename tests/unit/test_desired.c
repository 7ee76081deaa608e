#include <criterion/criterion.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "manifests/manifest.h"
#include "manifests/recipe.h"
#include "orchestrator/desired.h"
#include "orchestrator/project.h"
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
