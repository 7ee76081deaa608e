/* Several files, cut at lines of "%%%", that include each other and themselves. */
#include <string.h>

#include "tests/fuzz/project.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "app.yaml", "a.yaml", "b.yaml", "c/d.yaml",
					     "services.yaml" };
	static const char cut[] = "\n%%%\n";
	struct memory m = { 0 };
	const uint8_t *end = data + size;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names) && data; i++) {
		const uint8_t *next = memmem(data, (size_t)(end - data), cut, sizeof(cut) - 1);

		memory_add(&m, names[i], data, (size_t)((next ? next : end) - data));
		data = next ? next + sizeof(cut) - 1 : NULL;
	}
	memory_load(&m);
	return 0;
}
