#include "base/cli.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/text.h"

struct words {
	const char **items;
	size_t n, room;
};

static void add_word(struct arena *arena, struct words *words, const char *word)
{
	*arena_push(arena, words) = word;
}

/* The parts of a comma-separated list; none of NULL. */
static void add_list(struct arena *arena, struct words *words, const char *list)
{
	while (list && *list) {
		size_t len = strcspn(list, ",");

		add_word(arena, words, arena_strndup(arena, list, len));
		list += len + (list[len] == ',');
	}
}

/* What begins like that, if just one does. */
static const char *the_only_longer(const char *word, const struct words *known)
{
	const char *found = NULL;

	for (size_t i = 0; i < known->n; i++) {
		if (!text_starts(known->items[i], word) || known->items[i] == found)
			continue;
		if (found && strcmp(found, known->items[i]) != 0)
			return NULL;
		found = known->items[i];
	}
	return *word ? found : NULL;
}

static int fail_unknown(struct error *err, const char *what, const char *dashes, const char *word,
			const struct words *known)
{
	const char *near = text_nearest(word, known->items, known->n);

	if (!near)
		near = the_only_longer(word, known);
	if (!near)
		return fail(err, ERROR_INPUT, "unknown %s \"%s%s\"", what, dashes, word);
	return fail(err, ERROR_INPUT, "unknown %s \"%s%s\": did you mean \"%s%s\"?", what, dashes,
		    word, dashes, near);
}

const struct cli_command *cli_find(const struct cli_command *commands, size_t n, const char *name,
				   struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	struct words known = { 0 };

	for (size_t i = 0; i < n; i++) {
		size_t from = known.n;

		add_word(&arena, &known, commands[i].name);
		add_list(&arena, &known, commands[i].aliases);
		for (size_t k = from; k < known.n; k++)
			if (!strcmp(known.items[k], name))
				return &commands[i];
	}
	fail_unknown(err, "command", "", name, &known);
	return NULL;
}

/* One call of cli_parse. */
struct parser {
	struct arena *arena;
	const struct cli_flag *tables[2]; /* own first: it may give a letter another meaning */
	char **argv;
	int argc, at;
	void *out;
	struct words operands;
	bool help;
};

static const struct cli_flag *find_long(const struct parser *p, const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(p->tables); i++)
		for (const struct cli_flag *f = p->tables[i]; f && f->name; f++)
			if (!strncmp(f->name, name, len) && f->name[len] == '\0')
				return f;
	return NULL;
}

static const struct cli_flag *find_letter(const struct parser *p, char letter)
{
	for (size_t i = 0; i < ARRAY_SIZE(p->tables); i++)
		for (const struct cli_flag *f = p->tables[i]; f && f->name; f++)
			if (f->letter == letter)
				return f;
	return NULL;
}

static int fail_flag(const struct parser *p, const char *name, struct error *err)
{
	struct words known = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(p->tables); i++)
		for (const struct cli_flag *f = p->tables[i]; f && f->name; f++)
			add_word(p->arena, &known, f->name);
	add_word(p->arena, &known, "help");
	return fail_unknown(err, "flag", "--", name, &known);
}

int cli_parse_time(const char *text, unsigned long *out)
{
	static const struct {
		const char *unit;
		uint64_t ms;
	} units[] = {
		{ "", 1000 },	{ "s", 1000 },	  { "ms", 1 },
		{ "m", 60000 }, { "h", 3600000 }, { "d", 86400000 },
	};
	size_t digits = strspn(text, "0123456789");
	uint64_t number;
	char copy[24];

	if (digits == 0 || digits >= sizeof(copy))
		return -1;
	memcpy(copy, text, digits);
	copy[digits] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(units[i].unit, text + digits) != 0)
			continue;
		if (text_to_u64(copy, ULONG_MAX / units[i].ms, &number) < 0)
			return -1;
		*out = number * units[i].ms;
		return 0;
	}
	return -1;
}

static int fail_choice(struct parser *p, const struct cli_flag *flag, const char *value,
		       struct error *err)
{
	AUTO(text) struct text all = { 0 };
	struct words known = { 0 };
	const char *near;

	for (const char *const *c = flag->choices; *c; c++) {
		add_word(p->arena, &known, *c);
		text_printf(&all, "%s%s", all.size ? ", " : "", *c);
	}
	near = text_nearest(value, known.items, known.n);
	if (!near)
		return fail(err, ERROR_INPUT, "--%s: \"%s\" is not one of %s", flag->name, value,
			    text_get(&all));
	return fail(err, ERROR_INPUT, "--%s: \"%s\" is not one of %s: did you mean \"%s\"?",
		    flag->name, value, text_get(&all), near);
}

static int set_choice(struct parser *p, const struct cli_flag *flag, const char *value,
		      const char **to, struct error *err)
{
	for (const char *const *c = flag->choices; *c; c++) {
		if (strcmp(*c, value) != 0)
			continue;
		*to = *c;
		return 0;
	}
	return fail_choice(p, flag, value, err);
}

static int set_flag(struct parser *p, const struct cli_flag *flag, const char *value,
		    struct error *err)
{
	void *to = (char *)p->out + flag->offset;
	uint64_t number;

	switch (flag->kind) {
	case FLAG_SWITCH:
		*(bool *)to = true;
		return 0;
	case FLAG_COUNT:
		++*(unsigned *)to;
		return 0;
	case FLAG_TEXT:
		*(const char **)to = value;
		return 0;
	case FLAG_NUMBER:
		if (text_to_u64(value, ULONG_MAX, &number) < 0)
			return fail(err, ERROR_INPUT, "--%s: \"%s\" is not a number", flag->name,
				    value);
		*(unsigned long *)to = number;
		return 0;
	case FLAG_TIME:
		if (cli_parse_time(value, to) < 0)
			return fail(err, ERROR_INPUT,
				    "--%s: \"%s\" is not a time such as 90, 500ms, 90s, 5m, 2h, 1d",
				    flag->name, value);
		return 0;
	case FLAG_LIST:
		*(const char **)to = *(const char **)to
			? arena_printf(p->arena, "%s\n%s", *(const char **)to, value)
			: value;
		return 0;
	case FLAG_CHOICE:
		return set_choice(p, flag, value, to, err);
	}
	abort();
}

static bool takes_value(const struct cli_flag *flag)
{
	return flag->kind != FLAG_SWITCH && flag->kind != FLAG_COUNT;
}

/* attached: what was written behind the flag in the same word, or NULL. */
static int take_flag(struct parser *p, const struct cli_flag *flag, const char *attached,
		     struct error *err)
{
	if (!takes_value(flag))
		return attached ? fail(err, ERROR_INPUT, "--%s takes no value", flag->name)
				: set_flag(p, flag, NULL, err);
	if (!attached && p->at == p->argc)
		return fail(err, ERROR_INPUT, "--%s needs a value: --%s %s", flag->name, flag->name,
			    flag->value ? flag->value : "VALUE");
	return set_flag(p, flag, attached ? attached : p->argv[p->at++], err);
}

static int take_long(struct parser *p, const char *word, struct error *err)
{
	size_t len = strcspn(word, "=");
	const struct cli_flag *flag = find_long(p, word, len);

	if (flag)
		return take_flag(p, flag, word[len] ? word + len + 1 : NULL, err);
	if (strcmp(word, "help") != 0)
		return fail_flag(p, arena_strndup(p->arena, word, len), err);
	p->help = true;
	return 0;
}

/* "-q", "-qv", "-e NAME", "-eNAME". */
static int take_letters(struct parser *p, const char *word, struct error *err)
{
	for (const char *c = word; *c; c++) {
		const struct cli_flag *flag = find_letter(p, *c);

		if (!flag && *c != 'h') {
			if (c == word && word[1] && find_long(p, word, strcspn(word, "=")))
				return fail(err, ERROR_INPUT,
					    "unknown flag \"-%s\": did you mean \"--%s\"?", word,
					    word);
			return fail(err, ERROR_INPUT, "unknown flag \"-%c\"", *c);
		}
		if (!flag)
			p->help = true;
		else if (takes_value(flag))
			return take_flag(p, flag, c[1] ? c + 1 : NULL, err);
		else if (set_flag(p, flag, NULL, err) < 0)
			return -1;
	}
	return 0;
}

static void take_rest(struct parser *p)
{
	while (p->at < p->argc)
		add_word(p->arena, &p->operands, p->argv[p->at++]);
}

static void take_operand(struct parser *p, const char *word, bool last_of_ours)
{
	add_word(p->arena, &p->operands, word);
	if (last_of_ours)
		take_rest(p);
}

int cli_parse(struct arena *arena, const struct cli_flag *common, const struct cli_flag *own,
	      bool stop_early, int argc, char **argv, void *out, const char ***args, size_t *n,
	      struct error *err)
{
	struct parser p = {
		.arena = arena, .tables = { own, common }, .argv = argv, .argc = argc, .out = out
	};
	int r = 0;

	while (r == 0 && !p.help && p.at < p.argc) {
		const char *word = argv[p.at++];

		if (!strcmp(word, "--"))
			take_rest(&p);
		else if (text_starts(word, "--"))
			r = take_long(&p, word + 2, err);
		else if (word[0] == '-' && word[1])
			r = take_letters(&p, word + 1, err);
		else
			take_operand(&p, word, stop_early);
	}
	if (r < 0)
		return -1;
	add_word(arena, &p.operands, NULL);
	*args = p.operands.items;
	*n = p.operands.n - 1;
	return p.help ? CLI_HELP : 0;
}
