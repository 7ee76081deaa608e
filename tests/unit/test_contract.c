#include <criterion/criterion.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "manifests/recipe.h"
#include "orchestrator/contract.h"

Test(contract_base64, gives_the_vectors_of_rfc_4648)
{
	static const struct {
		const char *plain, *encoded;
	} cases[] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
		{ "\xff\xfe\xfd", "//79" },
		{ "\xfb\xef\xbe", "++++" },
	};
	AUTO(arena) struct arena arena = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		cr_expect_str_eq(contract_base64(&arena, cases[i].plain, strlen(cases[i].plain)),
				 cases[i].encoded);
	cr_expect_str_eq(contract_base64(&arena, "\0\0", 2), "AAA=");
}

/* Documents in C, with ' for ". */
static struct json_t *doc(const char *text)
{
	AUTO(arena) struct arena arena = { 0 };
	char *copy = arena_strdup(&arena, text);
	struct error err;
	struct json_t *value;

	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	value = json_parse("test", copy, strlen(copy), &err);
	cr_assert_not_null(value, "%s", text);
	return value;
}

#define ENVIRONMENT                                                                 \
	"'environment': {'name': 'feature/x', 'machine_name': 'feature-x-ab12cd3'," \
	" 'type': 'development', 'project': 'shop', 'project_id': 'abcdefghijklm'}"

static const char desired_text[] =
	"{'containers': {"
	" 'app': {'kind': 'app', 'type': 'php:8.2', 'address': '169.254.16.2',"
	"  'code': {'image': 'i1', 'tree': '0123456789012345678901234567890123456789'},"
	"  'url': 'http://127.0.0.1:20321/', " ENVIRONMENT ","
	"  'relationships': {'database': {'service': 'db', 'endpoint': 'mysql'},"
	"   'cache': {'service': 'kv', 'endpoint': 'redis'}},"
	"  'app': {'type': 'php:8.2', 'variables': {'env': {'greeting': 'hi', 'n': 3, 'l': [1]},"
	"    'php': {'memory_limit': '1G'}, 'd8config': {'a.b': 'c'}},"
	"   'web': {'commands': {'start': 'run it'}, 'locations': {'/': {'root': 'public'}}}}},"
	" 'db': {'kind': 'service', 'type': 'mariadb:10.11', 'address': '169.254.16.3',"
	"  " ENVIRONMENT "},"
	" 'kv': {'kind': 'service', 'type': 'redis:7.0', 'address': '169.254.16.4',"
	"  " ENVIRONMENT "}},"
	" 'network': {'publish': {'address': '127.0.0.1', 'port': 20321, 'to': 'app'}}}";

static const char opened_text[] =
	"{'db': {'mysql': {'scheme': 'mysql', 'port': 3306, 'username': 'user', 'password': '',"
	"  'path': 'main', 'query': {'is_master': true}}},"
	" 'kv': {'redis': {'scheme': 'redis', 'port': 6379, 'username': null, 'password': null,"
	"  'path': null, 'query': {}}}}";

struct fixture {
	struct json_t *desired, *opened;
	struct contract c;
};

static void setup(struct fixture *f)
{
	f->desired = doc(desired_text);
	f->opened = doc(opened_text);
	f->c = (struct contract){ f->desired, "app", f->opened, "entropy" };
}

static void teardown(struct fixture *f)
{
	json_free(f->desired);
	json_free(f->opened);
}

static void drop_hostname(struct json_t *e)
{
	const char *host = json_get_text(e, "hostname", "");

	cr_expect_eq(strspn(host, "abcdefghijklmnopqrstuvwxyz234567"), 26, "%s", host);
	cr_expect_eq(strncmp(host + 26, ".", 1), 0);
	cr_expect_not_null(strstr(host, ".service._."), "%s", host);
	json_drop(e, "hostname");
}

Test(contract_relationships, have_the_shape_that_client_libraries_read)
{
	AUTO(json)
	struct json_t *expected =
		doc("{'database': [{'cluster': 'abcdefghijklm-feature-x-ab12cd3', 'epoch': 0,"
		    " 'fragment': null, 'host': 'database.internal', 'host_mapped': false,"
		    " 'instance_ips': ['169.254.16.3'], 'ip': '169.254.16.3', 'password': '',"
		    " 'path': 'main', 'port': 3306, 'public': false, 'query': {'is_master': true},"
		    " 'rel': 'mysql', 'scheme': 'mysql', 'service': 'db', 'type': 'mariadb:10.11',"
		    " 'username': 'user'}],"
		    " 'cache': [{'cluster': 'abcdefghijklm-feature-x-ab12cd3', 'epoch': 0,"
		    " 'fragment': null, 'host': 'cache.internal', 'host_mapped': false,"
		    " 'instance_ips': ['169.254.16.4'], 'ip': '169.254.16.4', 'password': null,"
		    " 'path': null, 'port': 6379, 'public': false, 'query': [],"
		    " 'rel': 'redis', 'scheme': 'redis', 'service': 'kv', 'type': 'redis:7.0',"
		    " 'username': null}]}");
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *got = NULL;
	struct fixture f;

	setup(&f);
	got = contract_relationships(&f.c);
	cr_expect_neq(strcmp(json_get_text(json_at(json_get(got, "database"), 0), "hostname", ""),
			     json_get_text(json_at(json_get(got, "cache"), 0), "hostname", "")),
		      0);
	drop_hostname(json_at(json_get(got, "database"), 0));
	drop_hostname(json_at(json_get(got, "cache"), 0));
	cr_expect(json_same(got, expected), "%s", json_print(&arena, got, FORM_CANONICAL));
	teardown(&f);
}

Test(contract_relationships, are_an_empty_map_for_who_has_none)
{
	AUTO(json) struct json_t *got = NULL;
	struct fixture f;

	setup(&f);
	f.c.container = "db";
	got = contract_relationships(&f.c);
	cr_expect_eq(json_kind_of(got), KIND_MAP);
	cr_expect_eq(json_count(got), 0);
	teardown(&f);
}

Test(contract_routes, lead_to_the_published_app)
{
	AUTO(json)
	struct json_t *expected =
		doc("{'http://127.0.0.1:20321/': {'primary': true, 'id': null, 'attributes': {},"
		    " 'type': 'upstream', 'upstream': 'app', 'original_url': 'https://{default}/',"
		    " 'cache': {'enabled': false}, 'ssi': {'enabled': false},"
		    " 'sticky': {'enabled': false}, 'tls': {}, 'restrict_robots': false,"
		    " 'http_access': {'addresses': [], 'basic_auth': {}}}}");
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *got = NULL, *none = NULL;
	struct fixture f;

	setup(&f);
	got = contract_routes(&f.c);
	cr_expect(json_same(got, expected), "%s", json_print(&arena, got, FORM_CANONICAL));
	json_drop(json_get(f.desired, "network"), "publish");
	none = contract_routes(&f.c);
	cr_expect_eq(json_kind_of(none), KIND_MAP);
	cr_expect_eq(json_count(none), 0);
	teardown(&f);
}

static void expect_text(const struct json_t *env, const char *name, const char *value)
{
	const char *got = json_get_text(env, name, NULL);

	cr_expect_not_null(got, "%s", name);
	cr_expect_str_eq(got ? got : "", value, "%s", name);
}

static void expect_absent(const struct json_t *env, const char *const *names)
{
	for (; *names; names++)
		cr_expect_null(json_get(env, *names), "%s", *names);
}

static void expect_encoded(const struct json_t *env, const char *name, const struct json_t *value)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *text = json_print(&arena, value, FORM_CANONICAL);

	expect_text(env, name, contract_base64(&arena, text, strlen(text)));
}

static const char tree[] = "0123456789012345678901234567890123456789";

static void expect_common(const struct json_t *env)
{
	AUTO(json) struct json_t *variables = doc("{'d8config:a.b': 'c'}");

	expect_text(env, "PLATFORM_APPLICATION_NAME", "app");
	expect_text(env, "PLATFORM_APP_DIR", "/app");
	expect_text(env, "PLATFORM_PROJECT", "abcdefghijklm");
	expect_text(env, "PLATFORM_PROJECT_ENTROPY", "entropy");
	expect_text(env, "PLATFORM_TREE_ID", tree);
	expect_encoded(env, "PLATFORM_VARIABLES", variables);
	cr_expect_not_null(json_get_text(env, "PLATFORM_APPLICATION", NULL));
	expect_text(env, "GREETING", "hi");
	expect_text(env, "N", "3");
	expect_text(env, "L", "[1]");
	cr_expect_null(json_get(env, "MEMORY_LIMIT"));
}

Test(contract_environment, tells_processes_where_they_are)
{
	static const char *const build_only[] = {
		"PLATFORM_VENDOR", "PLATFORM_CACHE_DIR", "PLATFORM_OUTPUT_DIR", "CI", "SOCKET", NULL
	};
	AUTO(json) struct json_t *env = NULL, *relationships = NULL, *routes = NULL;
	struct fixture f;

	setup(&f);
	env = contract_environment(&f.c, 1);
	relationships = contract_relationships(&f.c);
	routes = contract_routes(&f.c);
	expect_common(env);
	expect_absent(env, build_only);
	expect_encoded(env, "PLATFORM_RELATIONSHIPS", relationships);
	expect_encoded(env, "PLATFORM_ROUTES", routes);
	expect_text(env, "PLATFORM_ENVIRONMENT", "feature-x-ab12cd3");
	expect_text(env, "PLATFORM_ENVIRONMENT_TYPE", "development");
	expect_text(env, "PLATFORM_BRANCH", "feature/x");
	expect_text(env, "PLATFORM_DOCUMENT_ROOT", "/app/public");
	expect_text(env, "PLATFORM_APP_COMMAND", "run it");
	expect_text(env, "PLATFORM_SMTP_HOST", "");
	expect_text(env, "PORT", "8888");
	teardown(&f);
}

Test(contract_environment, tells_a_build_nothing_of_where_it_will_run)
{
	/* Client libraries take the absence of PLATFORM_ENVIRONMENT for "this is a build". */
	static const char *const runtime_only[] = {
		"PLATFORM_RELATIONSHIPS",
		"PLATFORM_ROUTES",
		"PLATFORM_ENVIRONMENT",
		"PLATFORM_ENVIRONMENT_TYPE",
		"PLATFORM_BRANCH",
		"PLATFORM_DOCUMENT_ROOT",
		"PLATFORM_SMTP_HOST",
		"PORT",
		"SOCKET",
		NULL,
	};
	AUTO(json) struct json_t *env = NULL;
	struct fixture f;

	setup(&f);
	env = contract_environment(&f.c, 0);
	expect_common(env);
	expect_absent(env, runtime_only);
	expect_text(env, "PLATFORM_CACHE_DIR", "/tmp/cache");
	expect_text(env, "PLATFORM_OUTPUT_DIR", "/app");
	expect_text(env, "CI", "true");
	teardown(&f);
}

Test(contract_environment, names_the_socket_instead_of_the_port)
{
	AUTO(json) struct json_t *env = NULL;
	struct json_t *web;
	struct fixture f;

	setup(&f);
	web = json_path(f.desired, "containers", "app", "app", "web", NULL);
	json_put(web, "upstream", doc("{'socket_family': 'unix'}"));
	env = contract_environment(&f.c, 1);
	expect_text(env, "SOCKET", "/run/app.sock");
	cr_expect_null(json_get(env, "PORT"));
	teardown(&f);
}

/* What the platform says can't be overridden by accident of a variable's name. */
Test(contract_environment, keeps_its_own_names_to_itself)
{
	AUTO(json) struct json_t *env = NULL;
	struct fixture f;

	setup(&f);
	json_put_text(json_path(f.desired, "containers", "app", "app", "variables", "env", NULL),
		      "platform_branch", "mine");
	env = contract_environment(&f.c, 1);
	expect_text(env, "PLATFORM_BRANCH", "feature/x");
	teardown(&f);
}

/* A service that opens nothing but a port is said in few words; what it opens as null is said. */
Test(contract_relationships, are_short_for_what_has_no_credentials)
{
	static const char *const absent[] = { "username",     "password", "path", "query",
					      "instance_ips", "epoch",	  NULL };
	AUTO(json) struct json_t *got = NULL;
	const struct json_t *e;
	struct fixture f;

	setup(&f);
	json_put(f.opened, "kv", doc("{'redis': {'scheme': 'memcached', 'port': 11211}}"));
	got = contract_relationships(&f.c);
	e = json_at(json_get(got, "cache"), 0);
	expect_absent(e, absent);
	expect_text(e, "host", "cache.internal");
	cr_expect_eq(json_get_number(e, "port", 0), 11211);
	teardown(&f);
}

Test(contract_environment, has_relationships_as_plain_variables)
{
	static const struct {
		const char *name, *value;
	} cases[] = {
		{ "DATABASE_HOST", "database.internal" },
		{ "DATABASE_PORT", "3306" },
		{ "DATABASE_PASSWORD", "" },
		{ "DATABASE_USERNAME", "user" },
		{ "DATABASE_FRAGMENT", "" },
		{ "DATABASE_PUBLIC", "false" },
		{ "DATABASE_QUERY", "{\"is_master\":true}" },
		{ "DATABASE_INSTANCE_IPS", "[\"169.254.16.3\"]" },
		{ "DATABASE_NAME", "database" },
		{ "CACHE_URL", "redis://cache.internal:6379" },
		{ "CACHE_USERNAME", "" },
		/* The manifest's own variable is stronger. */
		{ "DATABASE_URL", "mine" },
	};
	AUTO(json) struct json_t *env = NULL;
	struct json_t *own;
	struct fixture f;

	setup(&f);
	own = json_path(f.desired, "containers", "app", "app", "variables", "env", NULL);
	json_put_text(own, "DATABASE_URL", "mine");
	env = contract_environment(&f.c, 1);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect_text(env, cases[i].name, cases[i].value);
	json_drop(own, "DATABASE_URL");
	json_free(env);
	env = contract_environment(&f.c, 1);
	expect_text(env, "DATABASE_URL", "mysql://user:@database.internal:3306/main");
	teardown(&f);
}

Test(contract_environment, takes_from_the_image_what_the_app_leaves_open)
{
	static const char *command[] = { "/bin/run", "-f", NULL };
	struct image_process process = { .name = "app", .command = { command, 2 }, .main = true };
	const struct image_description image = { .socket_family = "unix",
						 .protocol = "fastcgi",
						 .processes = &process,
						 .n_processes = 1 };
	AUTO(json) struct json_t *env = NULL, *upstream = NULL;
	struct fixture f;

	setup(&f);
	f.c.image = &image;
	json_drop(json_path(f.desired, "containers", "app", "app", "web", "commands", NULL),
		  "start");
	env = contract_environment(&f.c, 1);
	upstream = contract_upstream(&f.c);
	expect_text(env, "SOCKET", "/run/app.sock");
	expect_text(env, "PLATFORM_APP_COMMAND", "/bin/run -f");
	expect_text(upstream, "protocol", "fastcgi");
	teardown(&f);
}
