#include <criterion/criterion.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "base/password.h"
#include "base/text.h"
#include "orchestrator/access.h"

#define RULES                                       \
	"{\"addresses\":[{\"address\":\"192.0.2.0/" \
	"24\",\"permission\":\"allow\"},{\"address\":\"any\",\"permission\":\"deny\"}]}"

static const struct {
	const char *had, *rules, *users, *expected; /* NULL: refused */
} cases[] = {
	{ "", "allow:192.0.2.0/24\ndeny:any", NULL, RULES },
	{ NULL, "allow:192.0.2.0/24\ndeny:any", NULL, RULES },
	{ RULES, NULL, NULL, RULES },
	{ RULES, NULL, "-", RULES },
	{ RULES, "-", NULL, "" },
	{ "", "-", "-", "" },
	{ RULES, "deny:192.0.2.1", NULL,
	  "{\"addresses\":[{\"address\":\"192.0.2.1\",\"permission\":\"deny\"}]}" },
	{ "", "permit:any", NULL, NULL },
	{ "", "any", NULL, NULL },
	{ "", "allow:", NULL, NULL },
	{ "", "allow:192.0.2.0/33", NULL, NULL },
	{ "", "allow:192.0.2", NULL, NULL },
	{ "", "allow:::1", NULL, NULL },
	{ "", "allow:any; deny all", NULL, NULL },
	{ "", NULL, "guest", NULL },
	{ "", NULL, "guest:", NULL },
	{ "", NULL, ":secret", NULL },
	{ "", NULL, "a b:secret", NULL },
	{ "", NULL, "a\nb:secret", NULL },
};

Test(access, is_set)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO(arena) struct arena arena = { 0 };
		struct error err;
		const char *got =
			access_set(&arena, cases[i].had, cases[i].rules, cases[i].users, &err);

		if (cases[i].expected)
			cr_expect_str_eq(got ? got : err.text, cases[i].expected, "%zu", i);
		else
			cr_expect(!got && err.kind == ERROR_INPUT, "%zu: %s", i, got);
	}
}

Test(access, keeps_no_password)
{
	AUTO(arena) struct arena arena = { 0 };
	struct error err;
	const char *got = access_set(&arena, RULES, NULL, "guest:se:cret\nother:x", &err);
	AUTO(json) struct json_t *access = json_parse("access", got, strlen(got), &err);
	const struct json_t *users = json_get(access, "basic_auth");
	const char *hash = json_get_text(users, "guest", "");

	cr_expect_null(strstr(got, "se:cret"));
	cr_expect_eq(json_count(users), 2);
	cr_expect_eq(json_count(json_get(access, "addresses")), 2);
	cr_expect(text_starts(hash, "$6$rounds=1000$"), "%s", hash);
}

Test(password, has_a_salt)
{
	char one[PASSWORD_HASH], two[PASSWORD_HASH];
	struct error err;

	cr_assert_eq(password_hash("secret", one, &err), 0);
	cr_assert_eq(password_hash("secret", two, &err), 0);
	cr_expect_str_neq(one, two);
	cr_expect_eq(strlen(one), strlen(two));
}
