#include "manifests/problem.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/json.h"

#define SHOWN_MAX 160u /* characters of a source line */

void problem_add_source(struct problems *p, const char *file, const char *text, size_t size)
{
	p->sources = arena_grow(p->arena, p->sources, p->n_sources, &p->sources_room,
				sizeof(*p->sources));
	p->sources[p->n_sources++] = (struct source){ file, text, size };
}

/* What users wrote is quoted in messages: it must not drive their terminal. */
static void make_printable(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
}

static size_t *counter(struct problems *p, enum severity severity)
{
	switch (severity) {
	case PROBLEM_ERROR:
		return &p->errors;
	case PROBLEM_WARNING:
		return &p->warnings;
	case PROBLEM_NOTE:
		return &p->notes;
	}
	abort();
}

/* What several containers have in common is looked at once for each, and said once. */
static struct problem *find_same(const struct problems *p, const char *code, struct place at,
				 const char *text)
{
	for (size_t i = 0; at.file && i < p->n; i++) {
		struct problem *o = p->items[i];

		if (o->at.line == at.line && o->at.column == at.column && o->at.file &&
		    !strcmp(o->code, code) && !strcmp(o->at.file, at.file) &&
		    !strcmp(o->text, text))
			return o;
	}
	return NULL;
}

struct problem *problem_add(struct problems *p, enum severity severity, const char *code,
			    struct place at, const char *fmt, ...)
{
	AUTO(free) char *text = NULL;
	struct problem *item;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	va_end(ap);
	make_printable(text);
	item = find_same(p, code, at, text);
	if (item)
		return item;
	item = arena_new(p->arena, struct problem);
	if ((*counter(p, severity))++ < PROBLEMS_MAX)
		*arena_push(p->arena, p) = item;
	*item = (struct problem){
		.number = p->n,
		.severity = severity,
		.code = code,
		.at = at,
		.text = arena_strdup(p->arena, text),
	};
	return item;
}

static size_t rank(const struct problems *p, const char *file)
{
	size_t i = 0;

	if (!file)
		return 0;
	while (i < p->n_sources && strcmp(p->sources[i].file, file) != 0)
		i++;
	return i + 1;
}

static int compare(const void *a, const void *b, void *ctx)
{
	const struct problem *x = *(const struct problem *const *)a;
	const struct problem *y = *(const struct problem *const *)b;
	size_t fx = rank(ctx, x->at.file), fy = rank(ctx, y->at.file);

	if (fx != fy)
		return fx < fy ? -1 : 1;
	if (x->at.line != y->at.line)
		return x->at.line < y->at.line ? -1 : 1;
	if (x->at.column != y->at.column)
		return x->at.column < y->at.column ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

/* By file in the order they were read, then by place, then as found. */
const struct problem **problems_sort(struct arena *arena, const struct problems *p)
{
	const struct problem **order = arena_array(arena, p->n + 1, sizeof(*order));

	for (size_t i = 0; i < p->n; i++)
		order[i] = p->items[i];
	qsort_r(order, p->n, sizeof(*order), compare, (void *)(size_t)p);
	return order;
}

/* The text of a line, or NULL. */
static const char *find_line(const struct problems *p, const struct place *at, size_t *len)
{
	size_t i = rank(p, at->file);
	const char *s, *end;

	if (!i || i > p->n_sources || !p->sources[i - 1].text || !at->line)
		return NULL;
	s = p->sources[i - 1].text;
	end = s + p->sources[i - 1].size;
	for (unsigned line = 1; line < at->line; line++) {
		s = memchr(s, '\n', (size_t)(end - s));
		if (!s)
			return NULL;
		s++;
	}
	*len = (size_t)(end - s);
	for (size_t k = 0; k < *len; k++)
		if (s[k] == '\n' || s[k] == '\r')
			*len = k;
	return s;
}

static bool starts_character(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

static void print_source(const struct problems *p, const struct problem *item, FILE *to)
{
	size_t len = 0, k = 0;
	const char *line = find_line(p, &item->at, &len);
	unsigned characters = 0;

	if (!line || item->at.column > SHOWN_MAX)
		return;
	fprintf(to, "%5u | ", item->at.line);
	for (; k < len; k++) {
		characters += starts_character(line[k]);
		if (characters > SHOWN_MAX)
			break;
		putc((unsigned char)line[k] < 0x20 && line[k] != '\t' ? '?' : line[k], to);
	}
	fputs(k < len ? "...\n      | " : "\n      | ", to);
	characters = 1;
	for (k = 0; k < len && characters < item->at.column; k++)
		if (starts_character(line[k])) {
			putc(line[k] == '\t' ? '\t' : ' ', to);
			characters++;
		}
	for (; characters < item->at.column; characters++)
		putc(' ', to);
	putc('^', to);
	for (unsigned i = 1; i < item->at.width && characters + i <= SHOWN_MAX; i++)
		putc('~', to);
	if (item->hint)
		fprintf(to, " %s", item->hint);
	putc('\n', to);
}

const char *severity_name(enum severity s)
{
	switch (s) {
	case PROBLEM_ERROR:
		return "error";
	case PROBLEM_WARNING:
		return "warning";
	case PROBLEM_NOTE:
		return "note";
	}
	abort();
}

static void print_place(const struct place *at, FILE *to)
{
	if (!at->file)
		return;
	fprintf(to, "%s:", at->file);
	if (at->line)
		fprintf(to, "%u:%u:", at->line, at->column);
	putc(' ', to);
}

size_t problems_raise(struct problems *p, const char *code, const char *as)
{
	size_t found = 0;

	for (size_t i = 0; i < p->n; i++) {
		struct problem *item = p->items[i];

		if (strcmp(item->code, code) != 0)
			continue;
		(*counter(p, item->severity))--;
		item->severity = PROBLEM_ERROR;
		item->code = as;
		p->errors++;
		found++;
	}
	return found;
}

void problems_print(const struct problems *p, enum severity least, FILE *to)
{
	AUTO(arena) struct arena arena = { 0 };
	const struct problem **order = problems_sort(&arena, p);
	size_t left = p->errors;

	if (least >= PROBLEM_WARNING)
		left += p->warnings;
	if (least >= PROBLEM_NOTE)
		left += p->notes;
	for (size_t i = 0; i < p->n; i++) {
		const struct problem *item = order[i];

		if (item->severity > least)
			continue;
		left--;
		print_place(&item->at, to);
		fprintf(to, "%s: %s [%s]\n", severity_name(item->severity), item->text, item->code);
		print_source(p, item, to);
		if (!item->note)
			continue;
		print_place(&item->note_at, to);
		fprintf(to, "note: %s\n", item->note);
	}
	if (left)
		fprintf(to, "and %zu more\n", left);
}
