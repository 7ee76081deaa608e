/* Any bytes as services.yaml: problems, never a crash or a leak; and what is fine reads back the same. */
#include "tests/fuzz/project.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct memory m = { 0 };

	memory_add(&m, "app.yaml", project_app, sizeof("name: app\ntype: php:8.2\n") - 1);
	memory_add(&m, "services.yaml", data, size);
	memory_load(&m);
	return 0;
}
