/* The ready examples for CI: YAML, of the shape that each reads, calling orch as it is. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "manifests/tree.h"
#include "orchestrator/flags.h"
#include "orchestrator/options.h"

#define EXAMPLES TEST_DATA "/../../examples/ci/"

static struct arena arena;

static const struct node *load(const char *path, char **text)
{
	struct problems problems = { .arena = &arena };
	struct error err = { 0 };
	const struct node *tree;
	size_t size;

	cr_assert_eq(file_read(&arena, AT_FDCWD, path, 1 << 20, text, &size, &err), 0, "%s",
		     err.text);
	tree = tree_parse(&problems, path, *text, size);
	cr_assert(tree, "%s", problems.errors ? problems.items[0]->text : "");
	cr_assert_eq(problems.errors, 0);
	return tree;
}

static bool is_flag(const struct cli_flag *flags, const char *name)
{
	for (; flags->name; flags++)
		if (!strcmp(flags->name, name))
			return true;
	return false;
}

/* Flags of each "orch run" up to its "--"; returns how many calls there are. */
static size_t check_calls(char *text)
{
	size_t calls = 0;

	for (char *at = strstr(text, "sudo orch run "); at; at = strstr(at, "sudo orch run ")) {
		char *word;

		at += strlen("sudo orch run ");
		calls++;
		while ((word = strsep(&at, " \n")) && strcmp(word, "--") != 0)
			if (!strncmp(word, "--", 2))
				cr_expect(is_flag(run_flags, word + 2) ||
						  is_flag(common_flags, word + 2),
					  "orch run has no %s", word);
		cr_assert(at, "no command behind --");
	}
	return calls;
}

Test(ci, github_actions)
{
	char *text;
	const struct node *tree = load(EXAMPLES "github-actions.yml", &text);
	const struct node *steps = tree_get(tree_get(tree_get(tree, "jobs"), "test"), "steps");

	cr_assert(steps && steps->kind == NODE_LIST);
	for (const struct node *step = steps->child; step; step = step->next)
		cr_expect(tree_get(step, "uses") || tree_get(step, "run"));
	cr_expect_geq(check_calls(text), 2);
}

Test(ci, gitlab_ci)
{
	char *text;
	const struct node *tree = load(EXAMPLES "gitlab-ci.yml", &text);
	static const char *const jobs[] = { "validate", "unit", "browser" };

	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
		const struct node *script = tree_get(tree_get(tree, jobs[i]), "script");

		cr_expect(script && script->kind == NODE_LIST && script->n, "%s", jobs[i]);
	}
	cr_expect_geq(check_calls(text), 2);
}
