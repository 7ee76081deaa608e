#include <criterion/criterion.h>

#include "base/auto.h"
#include "base/table.h"

static void expect_print(const struct table *t, const char *want)
{
	AUTO(free) char *got = NULL;
	size_t size;
	FILE *f = open_memstream(&got, &size);

	table_print(t, f);
	fclose(f);
	cr_expect_str_eq(got, want);
}

Test(table, aligns_left_without_trailing_blanks)
{
	AUTO(table) struct table t = { 0 };

	expect_print(&t, "");
	table_row(&t, "CONTAINER", "STATE", "WHY", NULL);
	table_row(&t, "app", "run", "-", NULL);
	table_row(&t, "a-long-name", "", "x", NULL);
	table_row(&t, "db", "", "", NULL);
	table_row(&t, "one", NULL);
	expect_print(&t,
		     "CONTAINER    STATE  WHY\n"
		     "app          run    -\n"
		     "a-long-name         x\n"
		     "db\n"
		     "one\n");
}

Test(table, counts_characters_not_bytes)
{
	AUTO(table) struct table t = { 0 };

	table_row(&t, "größe", "a", NULL);
	table_row(&t, "€", "b", NULL);
	table_row(&t, "12345", "c", NULL);
	expect_print(&t, "größe  a\n€      b\n12345  c\n");
}

Test(table, nothing_in_a_cell_controls_the_terminal)
{
	AUTO(table) struct table t = { 0 };

	table_row(&t, "\033[2J\n\t\x7f", "x", NULL);
	table_row(&t,
		  "\x9b"
		  "2J",
		  "C1 as a byte", NULL);
	table_row(&t,
		  "\xc2\x9b"
		  "2J",
		  "C1 in UTF-8", NULL);
	table_row(&t, "\xe2\x82", "cut off", NULL);
	expect_print(&t,
		     "?[2J???  x\n"
		     "?2J      C1 as a byte\n"
		     "??2J     C1 in UTF-8\n"
		     "??       cut off\n");
}

Test(table, cells_are_copies)
{
	AUTO(table) struct table t = { 0 };
	char cell[] = "before";

	table_row(&t, cell, NULL);
	cell[0] = 'X';
	expect_print(&t, "before\n");
	table_clear(&t);
	table_row(&t, "again", NULL);
	expect_print(&t, "again\n");
}
