/*
 * cli.h - commands, flags and help from one table
 *
 * A command's table drives parsing, --help, and shell completion.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct arena;
struct error;

enum flag_kind {
	FLAG_SWITCH, /* bool: --yes */
	FLAG_TEXT,   /* const char *: --root DIR, --root=DIR */
	FLAG_NUMBER, /* unsigned long */
	FLAG_COUNT,  /* unsigned: -v -v */
	FLAG_TIME,   /* unsigned long, milliseconds: 90 (seconds), 500ms, 90s, 5m, 2h, 1d */
	FLAG_LIST,   /* const char *: each of several, with a newline between them */
	FLAG_CHOICE, /* const char *: one of .choices */
};

struct cli_flag {
	const char *name; /* long name without "--" */
	char letter;	  /* or 0 */
	enum flag_kind kind;
	size_t offset;	   /* in the struct that cli_parse fills */
	const char *value; /* shown in help: "DIR" */
	const char *help;
	const char *const *choices; /* FLAG_CHOICE: NULL-terminated */
};

struct cli_command {
	const char *name;
	const char *aliases;	      /* "up,apply", or NULL */
	const char *group;	      /* heading in the list of commands; NULL: not listed */
	const char *usage;	      /* the arguments: "CONTAINER -- COMMAND..." */
	const char *help;	      /* one line */
	const struct cli_flag *flags; /* ends with .name == NULL; or NULL */
	const char *const *examples;  /* NULL-terminated; three of them */
	const char *exits;	      /* "0 done, 2 ...": one line for --help */
	unsigned min_args, max_args;  /* operands; max_args ~0u: any number */
	bool rest; /* operands after the first (or after "--") are the user's command */
	int (*run)(void *ctx, int argc, const char **argv, struct error *err);
};

/* The command called name, also by alias; NULL with the nearest name in *err. */
const struct cli_command *cli_find(const struct cli_command *commands, size_t n, const char *name,
				   struct error *err);

/*
 * Reads flags (those of `common` and of `own`, either may be NULL) into out, which
 * holds the defaults. argv is what follows the program's or the command's name. Flags
 * and operands may be mixed; "--" ends the flags. stop_early: the first operand ends
 * them too, and everything behind it is kept as it is, a "--" included. The operands are left in *args (arena, NULL-terminated), *n of them. A bad
 * flag is an ERROR_INPUT that names the nearest one; out may then be half filled.
 * CLI_HELP when -h or --help was met; nothing behind it is read.
 */
#define CLI_HELP 1
int cli_parse(struct arena *arena, const struct cli_flag *common, const struct cli_flag *own,
	      bool stop_early, int argc, char **argv, void *out, const char ***args, size_t *n,
	      struct error *err);

/* As FLAG_TIME, in milliseconds; -1 when it is no time. */
int cli_parse_time(const char *text, unsigned long *out);

/* The list, by group, without a usage line; and the whole help of one command. */
void cli_print_commands(const struct cli_command *commands, size_t n, const struct cli_flag *common,
			FILE *to);
void cli_print_help(const struct cli_command *command, const struct cli_flag *common, FILE *to);
