#include <criterion/criterion.h>
#include <string.h>

#include "base/auto.h"
#include "base/text.h"
#include "base/xml.h"

Test(xml, character_data)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{ "", "" },
		{ "plain\n\ttext", "plain\n\ttext" },
		{ "a<b & \"c\">", "a&#60;b &#38; &#34;c&#34;&#62;" },
		{ "]]>", "]]&#62;" },
		{ "\x1b[31mred\x07", "?[31mred?" },
		{ "line\r\n", "line&#13;\n" },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
		{ "\xf0\x9f\x90\x99", "\xf0\x9f\x90\x99" },
		{ "cut \xc3", "cut ?" },
		{ "\xff\xfe", "??" },
		{ "overlong \xc0\xaf \xe0\x80\xaf", "overlong ?? ???" },
		{ "surrogate \xed\xa0\x80", "surrogate ???" },
		{ "\xef\xbf\xbf", "???" },
		{ "\xf4\x90\x80\x80", "????" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO(text) struct text t = { 0 };

		xml_add(&t, cases[i].text, strlen(cases[i].text));
		cr_expect_str_eq(text_get(&t), cases[i].expected, "%zu: %s", i, text_get(&t));
	}
}

Test(xml, a_zero_byte_is_no_end)
{
	AUTO(text) struct text t = { 0 };

	xml_add(&t, "a\0b", 3);
	cr_expect_str_eq(text_get(&t), "a?b");
}
