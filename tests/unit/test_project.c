#include <criterion/criterion.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "orchestrator/project.h"

Test(project_slug, keeps_what_a_host_name_may_hold)
{
	static const struct {
		const char *text, *slug;
	} cases[] = {
		{ "main", "main" },
		{ "feature/Search #2", "feature-search-2" },
		{ "UPPER_case.dots", "upper-case-dots" },
		{ "a---b", "a-b" },
		{ "--a--", "a" },
		{ "../../etc", "etc" },
		{ "42", "42" },
		{ "caf\xc3\xa9 au lait", "caf-au-lait" },
		{ "", "x" },
		{ "///", "x" },
		{ "1234567890123456789012345678901234567890tail",
		  "1234567890123456789012345678901234567890" },
		{ "123456789012345678901234567890123456789/tail",
		  "123456789012345678901234567890123456789" },
	};
	AUTO(arena) struct arena arena = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *slug = project_slug(&arena, cases[i].text);

		cr_expect_str_eq(slug, cases[i].slug, "'%s' gives '%s'", cases[i].text, slug);
		cr_expect_str_eq(project_slug(&arena, slug), slug, "a slug is its own");
	}
}

/*
 * SHA-256 of "" starts with e3b0c44298fc1c14, of "abc" with ba7816bf8f01cfea: FIPS 180-4. A digit
 * is the five low bits of a byte.
 */
Test(project_hash, is_made_of_the_digest)
{
	AUTO(arena) struct arena arena = { 0 };

	cr_expect_str_eq(project_hash(&arena, "", 8), "dqecy44u");
	cr_expect_str_eq(project_hash(&arena, "abc", 8), "2yw7pbpk");
	cr_expect_str_eq(project_hash(&arena, "", 0), "");
}

Test(project_hash, has_the_size_asked_for_and_differs)
{
	AUTO(arena) struct arena arena = { 0 };
	char *id = project_hash(&arena, "/srv/shop", 13);
	char *longest = project_hash(&arena, "/srv/shop", 32);

	cr_expect_eq(strlen(id), 13);
	cr_expect_eq(strlen(longest), 32);
	cr_expect_eq(strspn(longest, "abcdefghijklmnopqrstuvwxyz234567"), 32);
	cr_expect_eq(strncmp(id, longest, 13), 0);
	cr_expect_str_eq(id, project_hash(&arena, "/srv/shop", 13));
	cr_expect_str_neq(id, project_hash(&arena, "/srv/shop2", 13));
}

Test(project_is_environment, knows_machine_names)
{
	static const char *const good[] = { "main-ab22cd3", "fix-42-search-aaaaaaa", "x-2234567" };
	static const char *const bad[] = { "images",	    "dev",	    "main-ab12cd",
					   "main-ab12cd34", "main-AB12CD3", "-abcdefg",
					   "main-abcdef1",  "a/b-abcdefg",  "main-abcdefg@g1" };
	AUTO(arena) struct arena arena = { 0 };

	cr_expect(project_is_environment(project_environment(&arena, "id", "feature/Search")));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		cr_expect_not(project_is_environment(bad[i]), "%s", bad[i]);
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		cr_expect(project_is_environment(good[i]), "%s", good[i]);
	cr_expect_not(project_is_environment("main-ab12cd3"), "there is no 1 in base32");
}
