#include "base/xml.h"

#include <stdint.h>

#include "base/text.h"

static int continues(const unsigned char *s, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return 1;
}

/* Bytes of the character that s begins with, and which it is; 0: none that XML 1.0 (2.2, "Char") allows. */
static size_t character(const unsigned char *s, size_t size, uint32_t *code)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = *s < 0x80 ? 1 : *s >= 0xf0 ? 4 : *s >= 0xe0 ? 3 : *s >= 0xc0 ? 2 : 0;

	if (!n || n > size || *s > 0xf4 || !continues(s, n))
		return 0;
	*code = n == 1 ? *s : *s & (0x7fu >> n);
	for (size_t i = 1; i < n; i++)
		*code = *code << 6 | (s[i] & 0x3f);
	if (*code < smallest[n] || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000) ||
	    *code == 0xfffe || *code == 0xffff)
		return 0;
	return *code >= ' ' || *code == '\t' || *code == '\n' || *code == '\r' ? n : 0;
}

void xml_add(struct text *t, const char *s, size_t size)
{
	for (size_t i = 0, n; i < size; i += n) {
		uint32_t code;

		n = character((const unsigned char *)s + i, size - i, &code);
		if (!n)
			text_add_bytes(t, "?", n = 1);
		else if (code == '<' || code == '>' || code == '&' || code == '"' || code == '\r')
			text_printf(t, "&#%u;", (unsigned)code);
		else
			text_add_bytes(t, s + i, n);
	}
}
