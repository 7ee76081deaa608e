#include "base/table.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void table_row(struct table *t, ...)
{
	size_t at = t->rows * TABLE_COLUMNS;
	const char *cell;
	va_list ap;

	t->cells = realloc(t->cells, (at + TABLE_COLUMNS) * sizeof(*t->cells));
	if (!t->cells)
		abort();
	memset(t->cells + at, 0, TABLE_COLUMNS * sizeof(*t->cells));
	t->rows++;
	va_start(ap, t);
	for (size_t i = 0; i < TABLE_COLUMNS && (cell = va_arg(ap, const char *)); i++) {
		char *copy = strdup(cell);

		if (!copy)
			abort();
		for (char *p = copy; *p; p++)
			if ((unsigned char)*p < ' ' || *p == 127)
				*p = '?';
		t->cells[at + i] = copy;
	}
	va_end(ap);
}

/* Code points: every byte that doesn't continue one. */
static size_t width_of(const char *s)
{
	size_t n = 0;

	for (; s && *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

void table_print(const struct table *t, FILE *to)
{
	size_t widths[TABLE_COLUMNS] = { 0 };

	for (size_t i = 0; i < t->rows * TABLE_COLUMNS; i++) {
		size_t width = width_of(t->cells[i]);

		if (width > widths[i % TABLE_COLUMNS])
			widths[i % TABLE_COLUMNS] = width;
	}
	for (size_t r = 0; r < t->rows; r++) {
		char **row = t->cells + r * TABLE_COLUMNS;

		for (size_t i = 0; i < TABLE_COLUMNS && row[i]; i++) {
			bool last = i + 1 == TABLE_COLUMNS || !row[i + 1];
			size_t pad = last ? 0 : widths[i] - width_of(row[i]) + 2;

			fprintf(to, "%s%*s", row[i], (int)pad, "");
		}
		fputc('\n', to);
	}
}

void table_clear(struct table *t)
{
	for (size_t i = 0; i < t->rows * TABLE_COLUMNS; i++)
		free(t->cells[i]);
	free(t->cells);
	*t = (struct table){ 0 };
}
