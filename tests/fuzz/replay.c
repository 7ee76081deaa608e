/* Runs a fuzz target over the files of a folder: what it once found stays found, with any compiler. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "tests/fuzz/project.h"

int main(int argc, char **argv)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *folder = argc > 1 ? argv[1] : TEST_FOLDER;
	const char **names;
	struct error err;
	size_t n;

	if (file_list(&arena, folder, &names, &n, &err) != 0 || !n) {
		fprintf(stderr, "%s: nothing there\n", folder);
		return 1;
	}
	for (size_t i = 0; i < n; i++) {
		const char *path = arena_printf(&arena, "%s/%s", folder, names[i]);
		AUTO(free) uint8_t *exact = NULL;
		char *data;
		size_t size;

		if (file_read(&arena, AT_FDCWD, path, 1u << 24, &data, &size, &err) != 0) {
			fprintf(stderr, "%s: can't be read\n", path);
			return 1;
		}
		exact = malloc(size ? size : 1);
		if (!exact)
			abort();
		for (size_t k = 0; k < size; k++)
			exact[k] = (uint8_t)data[k];
		(void)LLVMFuzzerTestOneInput(exact, size);
	}
	printf("%s: %zu files\n", folder, n);
	return 0;
}
