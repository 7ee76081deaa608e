#include "base/table.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of the UTF-8 sequence that starts with c; 1 for anything that can't start one. */
static size_t sequence(unsigned char c)
{
	if (c >= 0xc2 && c < 0xe0)
		return 2;
	if (c >= 0xe0 && c < 0xf0)
		return 3;
	return c >= 0xf0 && c < 0xf5 ? 4 : 1;
}

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* Bytes of the printable character at s, or 0: a terminal must not act on it. */
static size_t printable(const char *s)
{
	unsigned char c = (unsigned char)*s;
	size_t len = sequence(c);

	if (c < 0x20 || c == 0x7f || (len == 1 && c >= 0x80))
		return 0;
	for (size_t i = 1; i < len; i++)
		if (!is_continuation(s[i]))
			return 0;
	/* U+0080 to U+009F: control characters too. */
	return c == 0xc2 && (unsigned char)s[1] < 0xa0 ? 0 : len;
}

/* What is invalid or would control the terminal becomes one '?' a byte. */
static char *clean_copy(const char *s)
{
	char *copy = malloc(strlen(s) + 1), *to = copy;

	if (!copy)
		abort();
	while (*s) {
		size_t len = printable(s);

		if (len) {
			memcpy(to, s, len);
			to += len;
			s += len;
		} else {
			*to++ = '?';
			s++;
		}
	}
	*to = '\0';
	return copy;
}

static size_t width(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += !is_continuation(*s);
	return n;
}

void table_row(struct table *t, ...)
{
	size_t bytes = (t->rows + 1) * TABLE_COLUMNS * sizeof(*t->cells);
	const char *cell;
	size_t n = 0;
	char **row;
	va_list ap;

	t->cells = realloc(t->cells, bytes);
	if (!t->cells)
		abort();
	row = t->cells + t->rows++ * TABLE_COLUMNS;
	memset(row, 0, TABLE_COLUMNS * sizeof(*row));
	va_start(ap, t);
	while ((cell = va_arg(ap, const char *))) {
		if (n == TABLE_COLUMNS)
			abort();
		row[n++] = clean_copy(cell);
	}
	va_end(ap);
}

static void print_row(char *const *row, const size_t *widths, FILE *to)
{
	size_t gap = 0;

	for (size_t i = 0; i < TABLE_COLUMNS && row[i]; i++) {
		/* Written only once something follows: no blanks at the end of a line. */
		if (*row[i]) {
			fprintf(to, "%*s%s", (int)gap, "", row[i]);
			gap = 0;
		}
		gap += widths[i] - width(row[i]) + 2;
	}
	fputc('\n', to);
}

void table_print(const struct table *t, FILE *to)
{
	size_t widths[TABLE_COLUMNS] = { 0 };

	for (size_t i = 0; i < t->rows * TABLE_COLUMNS; i++) {
		size_t column = i % TABLE_COLUMNS;
		size_t n = t->cells[i] ? width(t->cells[i]) : 0;

		if (n > widths[column])
			widths[column] = n;
	}
	for (size_t i = 0; i < t->rows; i++)
		print_row(t->cells + i * TABLE_COLUMNS, widths, to);
}

void table_clear(struct table *t)
{
	for (size_t i = 0; i < t->rows * TABLE_COLUMNS; i++)
		free(t->cells[i]);
	free(t->cells);
	*t = (struct table){ 0 };
}
