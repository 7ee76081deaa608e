/*
 * table.h - a table for people: left-aligned columns two spaces apart
 *
 *	AUTO(table) struct table t = { 0 };
 *	table_row(&t, "CONTAINER", "STATE", NULL);
 *	table_row(&t, "app", "run", NULL);
 *	table_print(&t, stdout);
 *
 * Widths count UTF-8 code points. The last column is not padded; control
 * characters in a cell are printed as '?'.
 */
#pragma once

#include <stdio.h>

#define TABLE_COLUMNS 16

struct table {
	char **cells; /* rows of TABLE_COLUMNS */
	size_t rows;
};

/* Cells are copied; NULL ends the row. */
void table_row(struct table *t, ...) __attribute__((sentinel));
void table_print(const struct table *t, FILE *to);
void table_clear(struct table *t);
#define auto_table table_clear
