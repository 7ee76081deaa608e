#include <criterion/criterion.h>
#include <string.h>

#include "base/auto.h"
#include "base/text.h"

Test(text, grows)
{
	AUTO(text) struct text t = { 0 };

	cr_expect_str_eq(text_get(&t), "");
	text_add(&t, "a");
	text_add_bytes(&t, "bcd", 2);
	text_printf(&t, "%d", 12);
	cr_expect_str_eq(text_get(&t), "abc12");
	for (int i = 0; i < 10000; i++)
		text_printf(&t, "%s", "0123456789");
	cr_expect_eq(t.size, 5 + 100000);
	cr_expect_eq(strlen(text_get(&t)), t.size);
}

Test(text, holds_zero_bytes)
{
	AUTO(text) struct text t = { 0 };

	text_add_bytes(&t, "a\0b", 3);
	cr_expect_eq(t.size, 3);
	cr_expect_eq(t.data[3], '\0');
}

Test(text, prefix_and_suffix)
{
	cr_expect(text_starts("app.yaml", "app"));
	cr_expect(text_starts("app", ""));
	cr_expect_not(text_starts("ap", "app"));
	cr_expect(text_ends("app.yaml", ".yaml"));
	cr_expect(text_ends("x", ""));
	cr_expect_not(text_ends("yaml", ".yaml"));
}

Test(text, nearest)
{
	static const char *const words[] = { "deploy", "destroy", "relationships", "ps", "plan" };
	static const struct {
		const char *word, *want; /* want NULL: none is near enough */
	} cases[] = {
		{ "depoly", "deploy" },
		{ "deplo", "deploy" },
		{ "desroy", "destroy" },
		{ "relationship", "relationships" },
		{ "realtionships", "relationships" },
		{ "pal", NULL },
		{ "plna", "plan" },
		{ "xyzzy", NULL },
		{ "", NULL },
		{ "ps", "ps" },
	};
	char longer[200];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *got = text_nearest(cases[i].word, words, ARRAY_SIZE(words));

		if (cases[i].want)
			cr_expect(got && !strcmp(got, cases[i].want), "%s: %s", cases[i].word,
				  got ? got : "none");
		else
			cr_expect_null(got, "%s: %s", cases[i].word, got);
	}
	memset(longer, 'p', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	cr_expect_null(text_nearest(longer, words, ARRAY_SIZE(words)), "too long to compare");
	cr_expect_null(text_nearest("x", words, 0));
}

Test(text, to_u64)
{
	static const struct {
		const char *text;
		uint64_t max, want;
		int r;
	} cases[] = {
		{ "0", 10, 0, 0 },
		{ "10", 10, 10, 0 },
		{ "11", 10, 99, -1 },
		{ "18446744073709551615", UINT64_MAX, UINT64_MAX, 0 },
		{ "18446744073709551616", UINT64_MAX, 99, -1 },
		{ "", 10, 99, -1 },
		{ "-1", UINT64_MAX, 99, -1 },
		{ "+1", 10, 99, -1 },
		{ " 1", 10, 99, -1 },
		{ "1 ", 10, 99, -1 },
		{ "0x1", 10, 99, -1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t got = 99;

		cr_expect_eq(text_to_u64(cases[i].text, cases[i].max, &got), cases[i].r, "\"%s\"",
			     cases[i].text);
		cr_expect_eq(got, cases[i].want, "\"%s\"", cases[i].text);
	}
}

Test(text, bytes)
{
	static const struct {
		uint64_t bytes;
		const char *want;
	} cases[] = {
		{ 0, "0B" },
		{ 999, "999B" },
		{ 1000, "1K" },
		{ 1536, "1.5K" },
		{ 10 << 10, "10K" },
		{ 142 << 20, "142M" },
		{ 1023488, "1M" }, /* 999.5K would be four digits */
		{ 3ull << 29, "1.5G" },
		{ UINT64_MAX, "16E" },
	};
	char buf[16];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		cr_expect_str_eq(text_bytes(buf, cases[i].bytes), cases[i].want);
}

Test(text, duration)
{
	static const struct {
		uint64_t ms;
		const char *want;
	} cases[] = {
		{ 0, "0.00s" },
		{ 420, "0.42s" },
		{ 6410, "6.41s" },
		{ 9960, "10.0s" },
		{ 12500, "12.5s" },
		{ 59940, "59.9s" },
		{ 59999, "1m00s" },
		{ 63000, "1m03s" },
		{ 3599999, "59m59s" },
		{ 3600000, "1h00m" },
		{ 7860000, "2h11m" },
		{ 86399999, "23h59m" },
		{ 11 * 86400000ull, "11d" },
	};
	char buf[16];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		cr_expect_str_eq(text_duration(buf, cases[i].ms), cases[i].want);
	cr_expect_lt(strlen(text_duration(buf, UINT64_MAX)), sizeof(buf));
}

Test(text, sizes_are_read)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = { { "0", 0 },
		     { "4096", 4096 },
		     { "300M", 300ull << 20 },
		     { "64G", 64ull << 30 },
		     { "2T", 2ull << 40 } };
	static const char *const bad[] = { "",
					   "G",
					   "-1",
					   "1.5G",
					   "64GB",
					   "64 G",
					   "99999999999T",
					   "1g",
					   "999999999999999999999999999" };
	uint64_t got;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		cr_expect_eq(text_to_bytes(good[i].text, &got), 0, "%s", good[i].text);
		cr_expect_eq(got, good[i].bytes, "%s", good[i].text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(text_to_bytes(bad[i], &got), -1, "%s", bad[i]);
}
