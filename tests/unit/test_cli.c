#include <criterion/criterion.h>
#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/cli.h"
#include "base/error.h"

struct options {
	const char *root, *color;
	unsigned long timeout_ms, lines;
	unsigned verbose;
	bool yes, json;
};

#define OF(member) offsetof(struct options, member)

static const char *const colors[] = { "auto", "always", "never", NULL };
static const struct cli_flag common[] = {
	{ "root", 0, FLAG_TEXT, OF(root), "DIR", "where all state is", NULL },
	{ "verbose", 'v', FLAG_COUNT, OF(verbose), NULL, "say more", NULL },
	{ "color", 0, FLAG_CHOICE, OF(color), "WHEN", "colours", colors },
	{ 0 },
};
static const struct cli_flag own[] = {
	{ "timeout", 't', FLAG_TIME, OF(timeout_ms), "TIME", "give up after", NULL },
	{ "lines", 'n', FLAG_NUMBER, OF(lines), "N", "how many", NULL },
	{ "yes", 'y', FLAG_SWITCH, OF(yes), NULL, "don't ask", NULL },
	{ "json", 0, FLAG_SWITCH, OF(json), NULL, "for machines", NULL },
	{ 0 },
};
static const char *const examples[] = { "orch deploy", "orch deploy --yes", "orch deploy -e x",
					NULL };
static const struct cli_command commands[] = {
	{ .name = "deploy",
	  .aliases = "up,apply",
	  .group = "Everyday",
	  .usage = "[NAME]",
	  .help = "make it so",
	  .flags = own,
	  .examples = examples,
	  .exits = "0 done, 1 failed" },
	{ .name = "doctor", .group = "Host", .help = "what the host lacks" },
	{ .name = "ps", .group = "Everyday", .help = "what runs" },
	{ .name = "hidden-and-long", .help = "not for people" },
};

static struct arena arena;
static struct options options;
static struct error err;
static const char **args;
static size_t n;

static void fresh(void)
{
	arena_clear(&arena);
	options = (struct options){ .root = "/", .timeout_ms = 5000 };
	err = (struct error){ 0 };
}

/* Words separated by single blanks. */
static int parse(const char *line, bool stop_early)
{
	char *words[32], *copy = arena_strdup(&arena, line), *save = NULL;
	int argc = 0;

	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		words[argc++] = w;
	return cli_parse(&arena, common, own, stop_early, argc, words, &options, &args, &n, &err);
}

static const char *joined(void)
{
	char *all = arena_strdup(&arena, "");

	for (size_t i = 0; i < n; i++)
		all = arena_printf(&arena, "%s%s%s", all, i ? " " : "", args[i]);
	cr_expect_null(args[n]);
	return all;
}

TestSuite(cli, .init = fresh);

Test(cli, every_kind_of_flag)
{
	cr_assert_eq(parse("one --root /x --timeout=2m -vv -v two -n12 -y --color never", false), 0,
		     "%s", err.text);
	cr_expect_str_eq(options.root, "/x");
	cr_expect_eq(options.timeout_ms, 120000);
	cr_expect_eq(options.verbose, 3);
	cr_expect_eq(options.lines, 12);
	cr_expect(options.yes);
	cr_expect_not(options.json);
	cr_expect_str_eq(options.color, "never");
	cr_expect_str_eq(joined(), "one two");
}

Test(cli, defaults_stay)
{
	cr_assert_eq(parse("", false), 0);
	cr_expect_eq(n, 0);
	cr_expect_null(args[0]);
	cr_expect_str_eq(options.root, "/");
	cr_expect_eq(options.timeout_ms, 5000);
	cr_assert_eq(cli_parse(&arena, NULL, NULL, false, 0, NULL, NULL, &args, &n, &err), 0);
}

Test(cli, letters_in_one_word)
{
	cr_assert_eq(parse("-yvt5s", false), 0, "%s", err.text);
	cr_expect(options.yes);
	cr_expect_eq(options.verbose, 1);
	cr_expect_eq(options.timeout_ms, 5000);
	cr_assert_eq(parse("-t 7s", false), 0);
	cr_expect_eq(options.timeout_ms, 7000);
}

Test(cli, where_flags_end)
{
	cr_assert_eq(parse("a -y -- --json -v", false), 0);
	cr_expect_str_eq(joined(), "a --json -v");
	cr_expect(options.yes);
	cr_expect_not(options.json);
	cr_assert_eq(parse("- x", false), 0);
	cr_expect_str_eq(joined(), "- x", "a single dash is an operand");
}

Test(cli, stop_early_leaves_the_users_command_alone)
{
	cr_assert_eq(parse("-y app ls -v -- x", true), 0);
	cr_expect_str_eq(joined(), "app ls -v -- x");
	cr_expect_eq(options.verbose, 0);
	cr_assert_eq(parse("app -- ls --help", true), 0);
	cr_expect_str_eq(joined(), "app -- ls --help", "for the command to tell apart");
	cr_assert_eq(parse("-v -- ls -- -y", true), 0);
	cr_expect_str_eq(joined(), "ls -- -y");
}

Test(cli, times)
{
	static const struct {
		const char *text;
		unsigned long ms;
	} cases[] = {
		{ "0", 0 },	  { "90", 90000 },   { "90s", 90000 },	 { "500ms", 500 },
		{ "5m", 300000 }, { "2h", 7200000 }, { "1d", 86400000 },
	};
	static const char *const bad[] = {
		"x", "5x", "s", "5 s", "-5", "1.5h", "99999999999999999d", "184467440737095516150"
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cr_expect_eq(parse(arena_printf(&arena, "-t %s", cases[i].text), false), 0);
		cr_expect_eq(options.timeout_ms, cases[i].ms, "%s", cases[i].text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char *words[] = { arena_printf(&arena, "--timeout=%s", bad[i]) };

		cr_expect_eq(
			cli_parse(&arena, common, own, false, 1, words, &options, &args, &n, &err),
			-1, "%s", bad[i]);
		cr_expect_eq(err.kind, ERROR_INPUT);
	}
	cr_expect_eq(options.timeout_ms, 86400000, "a bad time changes nothing");
}

Test(cli, bad_flags)
{
	static const struct {
		const char *line, *want;
	} cases[] = {
		{ "--timeot 5", "unknown flag \"--timeot\": did you mean \"--timeout\"?" },
		{ "--timeot=5", "unknown flag \"--timeot\": did you mean \"--timeout\"?" },
		{ "--hlep", "unknown flag \"--hlep\": did you mean \"--help\"?" },
		{ "--tim 5", "unknown flag \"--tim\": did you mean \"--timeout\"?" },
		{ "--frobnicate", "unknown flag \"--frobnicate\"" },
		{ "-x", "unknown flag \"-x\"" },
		{ "-yx", "unknown flag \"-x\"" },
		{ "-json", "unknown flag \"-json\": did you mean \"--json\"?" },
		{ "--yes=no", "--yes takes no value" },
		{ "--root", "--root needs a value: --root DIR" },
		{ "-n", "--lines needs a value: --lines N" },
		{ "-n x", "--lines: \"x\" is not a number" },
		{ "--color alwys",
		  "--color: \"alwys\" is not one of auto, always, never: "
		  "did you mean \"always\"?" },
		{ "--color=red", "--color: \"red\" is not one of auto, always, never" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cr_expect_eq(parse(cases[i].line, false), -1, "%s", cases[i].line);
		cr_expect_str_eq(err.text, cases[i].want);
		cr_expect_eq(err.kind, ERROR_INPUT);
	}
}

Test(cli, help_is_an_outcome)
{
	cr_expect_eq(parse("a --help", false), CLI_HELP);
	cr_expect_eq(parse("-h --nonsense", false), CLI_HELP, "help wins over what follows");
	cr_expect_eq(parse("-yh", false), CLI_HELP);
	cr_expect_eq(parse("-- --help", false), 0);
}

Test(cli, finds_commands)
{
	cr_expect_eq(cli_find(commands, ARRAY_SIZE(commands), "ps", &err), &commands[2]);
	cr_expect_eq(cli_find(commands, ARRAY_SIZE(commands), "up", &err), &commands[0]);
	cr_expect_eq(cli_find(commands, ARRAY_SIZE(commands), "apply", &err), &commands[0]);
	cr_expect_null(cli_find(commands, ARRAY_SIZE(commands), "up,apply", &err));
	cr_expect_null(cli_find(commands, ARRAY_SIZE(commands), "depoly", &err));
	cr_expect_str_eq(err.text, "unknown command \"depoly\": did you mean \"deploy\"?");
	cr_expect_eq(err.kind, ERROR_INPUT);
	cr_expect_null(cli_find(commands, ARRAY_SIZE(commands), "aply", &err));
	cr_expect_str_eq(err.text, "unknown command \"aply\": did you mean \"apply\"?");
	cr_expect_null(cli_find(commands, ARRAY_SIZE(commands), "xyzzy", &err));
	cr_expect_str_eq(err.text, "unknown command \"xyzzy\"");
}

Test(cli, prints_the_list_by_group)
{
	AUTO(free) char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	cli_print_commands(commands, ARRAY_SIZE(commands), common, f);
	fclose(f);
	cr_expect_str_eq(text,
			 "\n"
			 "Everyday:\n"
			 "  deploy  make it so\n"
			 "  ps      what runs\n"
			 "\n"
			 "Host:\n"
			 "  doctor  what the host lacks\n"
			 "\n"
			 "Common flags:\n"
			 "      --root DIR    where all state is\n"
			 "  -v, --verbose     say more\n"
			 "      --color WHEN  colours: auto, always, never\n"
			 "  -h, --help        say this\n"
			 "\n"
			 "orch COMMAND --help says more about one.\n");
}

Test(cli, prints_the_help_of_one)
{
	AUTO(free) char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	cli_print_help(&commands[0], common, f);
	fclose(f);
	cr_expect_str_eq(text,
			 "Usage: orch deploy [FLAGS] [NAME]\n"
			 "\n"
			 "make it so\n"
			 "\n"
			 "Arguments:\n"
			 "  [NAME]\n"
			 "\n"
			 "Also called:\n"
			 "  up, apply\n"
			 "\n"
			 "Flags:\n"
			 "  -t, --timeout TIME  give up after\n"
			 "  -n, --lines N       how many\n"
			 "  -y, --yes           don't ask\n"
			 "      --json          for machines\n"
			 "\n"
			 "Common flags:\n"
			 "      --root DIR    where all state is\n"
			 "  -v, --verbose     say more\n"
			 "      --color WHEN  colours: auto, always, never\n"
			 "  -h, --help        say this\n"
			 "\n"
			 "Examples:\n"
			 "  orch deploy\n"
			 "  orch deploy --yes\n"
			 "  orch deploy -e x\n"
			 "\n"
			 "Exit codes:\n"
			 "  0 done, 1 failed\n");
}
