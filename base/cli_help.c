#include "base/cli.h"

#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/table.h"

#define PROGRAM "orch"

static bool same_group(const struct cli_command *a, const struct cli_command *b)
{
	return a->group && b->group && !strcmp(a->group, b->group);
}

static bool group_is_new(const struct cli_command *commands, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (same_group(&commands[k], &commands[i]))
			return false;
	return commands[i].group;
}

/* "  -e, --environment NAME", or without a letter "      --root DIR" */
static char *flag_label(struct arena *arena, const struct cli_flag *f)
{
	char *letter =
		f->letter ? arena_printf(arena, "-%c, ", f->letter) : arena_strdup(arena, "");

	return arena_printf(arena, "  %4s--%s%s%s", letter, f->name, f->value ? " " : "",
			    f->value ? f->value : "");
}

static char *flag_help(struct arena *arena, const struct cli_flag *f)
{
	char *text = arena_strdup(arena, f->help ? f->help : "");

	if (f->kind != FLAG_CHOICE)
		return text;
	text = arena_printf(arena, "%s:", text);
	for (const char *const *c = f->choices; *c; c++)
		text = arena_printf(arena, "%s %s%s", text, *c, c[1] ? "," : "");
	return text;
}

static void add_flags(struct arena *arena, struct table *t, const struct cli_flag *flags)
{
	for (const struct cli_flag *f = flags; f && f->name; f++)
		table_row(t, flag_label(arena, f), flag_help(arena, f), NULL);
}

static void print_flags(const char *heading, const struct cli_flag *flags, bool with_help, FILE *to)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(table) struct table t = { 0 };

	add_flags(&arena, &t, flags);
	if (with_help)
		table_row(&t, "  -h, --help", "say this", NULL);
	if (!t.rows)
		return;
	fprintf(to, "\n%s:\n", heading);
	table_print(&t, to);
}

void cli_print_commands(const struct cli_command *commands, size_t n, const struct cli_flag *common,
			FILE *to)
{
	size_t longest = 0;

	for (size_t i = 0; i < n; i++)
		if (commands[i].group && strlen(commands[i].name) > longest)
			longest = strlen(commands[i].name);
	for (size_t i = 0; i < n; i++) {
		if (!group_is_new(commands, i))
			continue;
		fprintf(to, "\n%s:\n", commands[i].group);
		for (size_t k = i; k < n; k++)
			if (same_group(&commands[i], &commands[k]))
				fprintf(to, "  %-*s  %s\n", (int)longest, commands[k].name,
					commands[k].help);
	}
	print_flags("Common flags", common, true, to);
	fprintf(to, "\n" PROGRAM " COMMAND --help says more about one.\n");
}

static void print_usage(const struct cli_command *c, FILE *to)
{
	bool arguments = c->usage && *c->usage;

	fprintf(to, "Usage: " PROGRAM " %s [FLAGS]%s%s\n\n%s\n", c->name, arguments ? " " : "",
		arguments ? c->usage : "", c->help);
	if (arguments)
		fprintf(to, "\nArguments:\n  %s\n", c->usage);
	if (!c->aliases)
		return;
	fprintf(to, "\nAlso called:\n  ");
	for (const char *p = c->aliases; *p; p++)
		fprintf(to, *p == ',' ? ", " : "%c", *p);
	fputc('\n', to);
}

void cli_print_help(const struct cli_command *command, const struct cli_flag *common, FILE *to)
{
	print_usage(command, to);
	print_flags("Flags", command->flags, false, to);
	print_flags("Common flags", common, true, to);
	if (command->examples && command->examples[0]) {
		fprintf(to, "\nExamples:\n");
		for (const char *const *e = command->examples; *e; e++)
			fprintf(to, "  %s\n", *e);
	}
	fprintf(to, "\nExit codes:\n  %s\n",
		command->exits ? command->exits : "0 done, 1 failed, 2 bad usage");
}
