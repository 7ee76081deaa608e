#include "manifests/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/arena.h"

const char *pattern_check(struct arena *arena, const char *pattern, size_t *at)
{
	unsigned char text[256] = "";
	int number;
	PCRE2_SIZE offset;
	pcre2_code *code = pcre2_compile((const unsigned char *)pattern, PCRE2_ZERO_TERMINATED, 0,
					 &number, &offset, NULL);

	if (code) {
		pcre2_code_free(code);
		return NULL;
	}
	(void)pcre2_get_error_message(number, text, sizeof(text));
	*at = offset;
	return arena_strdup(arena, (const char *)text);
}
