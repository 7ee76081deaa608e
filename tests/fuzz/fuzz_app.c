/* Any bytes as app.yaml: problems, never a crash or a leak; and what is fine reads back the same. */
#include "tests/fuzz/project.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct memory m = { 0 };

	static const char services[] =
		"db: {type: 'mysql:10.11', disk: 256}\ncache: {type: 'redis:7.0'}\n"
		"files: {type: 'files:1.0', disk: 128}\n";

	memory_add(&m, "app.yaml", data, size);
	memory_add(&m, "services.yaml", services, sizeof(services) - 1);
	memory_load(&m);
	return 0;
}
