#include "base/cli.h"

#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

struct reader {
	const struct cli_flag *tables[2];
	char *out;
	int argc, at;
	char **argv;
};

static bool names(const struct cli_command *c, const char *name)
{
	size_t len = strlen(name);

	if (!strcmp(c->name, name))
		return true;
	for (const char *p = c->aliases; p && *p; p += *p == ',') {
		size_t part = strcspn(p, ",");

		if (part == len && !strncmp(p, name, len))
			return true;
		p += part;
	}
	return false;
}

const struct cli_command *cli_find(const struct cli_command *commands, size_t n, const char *name,
				   struct error *err)
{
	const char *all[128];
	const char *near;
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		if (names(&commands[i], name))
			return &commands[i];
		if (count < sizeof(all) / sizeof(all[0]))
			all[count++] = commands[i].name;
	}
	near = text_nearest(name, all, count);
	fail(err, ERROR_INPUT, "unknown command \"%s\"%s%s%s", name,
	     near ? "; did you mean \"" : "", near ? near : "; orch --help lists them",
	     near ? "\"?" : "");
	return NULL;
}

static const struct cli_flag *find_flag(const struct reader *r, const char *name, size_t len)
{
	for (size_t t = 0; t < 2; t++)
		for (const struct cli_flag *f = r->tables[t]; f && f->name; f++)
			if (strlen(f->name) == len && !strncmp(f->name, name, len))
				return f;
	return NULL;
}

static const struct cli_flag *find_letter(const struct reader *r, char letter)
{
	for (size_t t = 0; t < 2; t++)
		for (const struct cli_flag *f = r->tables[t]; f && f->name; f++)
			if (f->letter == letter)
				return f;
	return NULL;
}

static int fail_unknown(const struct reader *r, const char *name, size_t len, struct error *err)
{
	const char *all[128];
	char word[65];
	size_t n = 0;
	const char *near;

	for (size_t t = 0; t < 2; t++)
		for (const struct cli_flag *f = r->tables[t]; f && f->name && n < 128; f++)
			all[n++] = f->name;
	if (len > 64)
		len = 64;
	memcpy(word, name, len);
	word[len] = '\0';
	near = text_nearest(word, all, n);
	return fail(err, ERROR_INPUT, "unknown flag --%s%s%s%s", word,
		    near ? "; did you mean --" : "", near ? near : "", near ? "?" : "");
}

/* "90", "90s", "5m", "2h", "1d", "500ms" in milliseconds. */
static int parse_time(const char *text, unsigned long *out)
{
	static const struct {
		const char *unit;
		uint64_t ms;
	} units[] = { { "", 1000 },   { "ms", 1 },	{ "s", 1000 },
		      { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 } };
	char digits[16];
	size_t len = strspn(text, "0123456789");
	uint64_t number;

	if (len == 0 || len >= sizeof(digits))
		return -1;
	memcpy(digits, text, len);
	digits[len] = '\0';
	if (text_to_u64(digits, UINT32_MAX, &number) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(text + len, units[i].unit) != 0)
			continue;
		*out = (unsigned long)(number * units[i].ms);
		return 0;
	}
	return -1;
}

static int put_choice(const struct cli_flag *f, void *at, const char *value, struct error *err)
{
	for (size_t i = 0; f->choices[i]; i++) {
		if (strcmp(f->choices[i], value) != 0)
			continue;
		*(const char **)at = f->choices[i];
		return 0;
	}
	return fail(err, ERROR_INPUT, "--%s: \"%s\" is none of %s", f->name, value, f->value);
}

static int put(const struct cli_flag *f, char *out, const char *value, struct error *err)
{
	void *at = out + f->offset;
	uint64_t number;

	switch (f->kind) {
	case FLAG_SWITCH:
		*(bool *)at = true;
		return 0;
	case FLAG_COUNT:
		++*(unsigned *)at;
		return 0;
	case FLAG_TEXT:
		*(const char **)at = value;
		return 0;
	case FLAG_NUMBER:
		if (text_to_u64(value, INT32_MAX, &number) < 0)
			return fail(err, ERROR_INPUT, "--%s: \"%s\" is not a number", f->name,
				    value);
		*(unsigned long *)at = (unsigned long)number;
		return 0;
	case FLAG_TIME:
		if (parse_time(value, at) < 0)
			return fail(err, ERROR_INPUT,
				    "--%s: \"%s\" is not a time such as 90s, 5m or 2h", f->name,
				    value);
		return 0;
	case FLAG_CHOICE:
		return put_choice(f, at, value, err);
	}
	__builtin_unreachable();
}

static bool takes_value(const struct cli_flag *f)
{
	return f->kind != FLAG_SWITCH && f->kind != FLAG_COUNT;
}

static int read_value(struct reader *r, const struct cli_flag *f, const char *joined,
		      struct error *err)
{
	if (!takes_value(f))
		return joined ? fail(err, ERROR_INPUT, "--%s takes no value", f->name)
			      : put(f, r->out, NULL, err);
	if (!joined && r->at + 1 >= r->argc)
		return fail(err, ERROR_INPUT, "--%s needs a value: --%s %s", f->name, f->name,
			    f->value);
	return put(f, r->out, joined ? joined : r->argv[++r->at], err);
}

static int read_long(struct reader *r, const char *word, struct error *err)
{
	size_t len = strcspn(word, "=");
	const struct cli_flag *f = find_flag(r, word, len);

	if (!f)
		return fail_unknown(r, word, len, err);
	return read_value(r, f, word[len] ? word + len + 1 : NULL, err);
}

/* "-qv", "-Cdir", "-C dir". */
static int read_letters(struct reader *r, const char *word, struct error *err)
{
	for (; *word; word++) {
		const struct cli_flag *f = find_letter(r, *word);

		if (!f)
			return fail(err, ERROR_INPUT, "unknown flag -%c", *word);
		if (takes_value(f))
			return read_value(r, f, word[1] ? word + 1 : NULL, err);
		if (put(f, r->out, NULL, err) < 0)
			return -1;
	}
	return 0;
}

int cli_parse(struct arena *arena, const struct cli_flag *common, const struct cli_flag *own,
	      bool stop_early, int argc, char **argv, void *out, const char ***args, size_t *n,
	      struct error *err)
{
	struct reader r = { .tables = { own, common }, .out = out, .argc = argc, .argv = argv };
	const char **list = arena_array(arena, (size_t)argc + 1, sizeof(*list));
	bool flags = true;
	size_t count = 0;

	for (; r.at < argc; r.at++) {
		const char *word = argv[r.at];

		if (flags && !strcmp(word, "--")) {
			flags = false;
			continue;
		}
		if (flags && (!strcmp(word, "--help") || !strcmp(word, "-h")))
			return CLI_HELP;
		if (flags && word[0] == '-' && word[1]) {
			if ((word[1] == '-' ? read_long(&r, word + 2, err)
					    : read_letters(&r, word + 1, err)) < 0)
				return -1;
			continue;
		}
		list[count++] = word;
		flags = flags && !stop_early;
	}
	*args = list;
	*n = count;
	return 0;
}

void cli_print_commands(const struct cli_command *commands, size_t n, const struct cli_flag *common,
			FILE *to)
{
	const char *group = "";

	for (size_t i = 0; i < n; i++) {
		if (!commands[i].group)
			continue;
		if (strcmp(commands[i].group, group) != 0)
			fprintf(to, "\n%s\n", commands[i].group);
		group = commands[i].group;
		fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].help);
	}
	fprintf(to, "\nFlags of all commands\n");
	for (const struct cli_flag *f = common; f && f->name; f++) {
		char name[40];

		snprintf(name, sizeof(name), "--%s%s%s", f->name, f->value ? " " : "",
			 f->value ? f->value : "");
		fprintf(to, "  %c%c%s %-24s %s\n", f->letter ? '-' : ' ',
			f->letter ? f->letter : ' ', f->letter ? "," : " ", name, f->help);
	}
	fprintf(to, "\norch COMMAND --help tells more of each.\n");
}

static void print_flags(const char *heading, const struct cli_flag *flags, FILE *to)
{
	if (!flags || !flags->name)
		return;
	fprintf(to, "\n%s\n", heading);
	for (const struct cli_flag *f = flags; f->name; f++) {
		char name[60];

		snprintf(name, sizeof(name), "--%s%s%s", f->name, f->value ? " " : "",
			 f->value ? f->value : "");
		fprintf(to, "  %c%c%s %-24s %s\n", f->letter ? '-' : ' ',
			f->letter ? f->letter : ' ', f->letter ? "," : " ", name, f->help);
	}
}

void cli_print_help(const struct cli_command *c, const struct cli_flag *common, FILE *to)
{
	fprintf(to, "usage: orch %s [FLAGS]%s%s\n\n%s\n", c->name, c->usage && *c->usage ? " " : "",
		c->usage ? c->usage : "", c->help);
	if (c->aliases)
		fprintf(to, "Also: %s\n", c->aliases);
	print_flags("Flags", c->flags, to);
	print_flags("Flags of all commands", common, to);
	if (c->examples) {
		fprintf(to, "\nExamples\n");
		for (size_t i = 0; c->examples[i]; i++)
			fprintf(to, "  %s\n", c->examples[i]);
	}
	fprintf(to, "\nExit codes: %s\n", c->exits ? c->exits : "0 done, 1 failed, 2 bad usage");
}
