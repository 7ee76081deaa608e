#include <criterion/criterion.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "orchestrator/desired.h"
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
