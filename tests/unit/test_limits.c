#include <criterion/criterion.h>

#include "base/auto.h"
#include "base/json.h"
#include "manifests/recipe.h"
#include "orchestrator/limits.h"
#include "tests/unit/fake_backend.h"

static const struct {
	const char *size, *declared;
	int memory; /* MB */
	int cpu_milli;
} cases[] = {
	{ "AUTO", "{}", 100, 300 },
	{ "XS", "{}", 100, 300 },
	{ "S", "{'resources': null, 'container_profile': null}", 100, 300 },
	{ "M", "{}", 200, 600 },
	{ "4XL", "{}", 3200, 9600 },
	/* The example of the format's own. */
	{ "S", "{'resources': {'base_memory': 128, 'memory_ratio': 180}}", 218, 500 },
	{ "XS", "{'resources': {'base_memory': 64, 'memory_ratio': 128}}", 96, 250 },
	{ "AUTO", "{'resources': {}}", 128, 500 },
	{ "2XL", "{'resources': {'base_memory': 64, 'memory_ratio': 128}}", 1088, 8000 },
	{ "L", "{'container_profile': 'HIGH_CPU'}", 256, 1200 },
	{ "M", "{'container_profile': 'HIGH_CPU'}", 128, 400 },
	{ "S", "{'container_profile': 'BALANCED'}", 100,
	  50 }, /* not less than the image asks for */
	{ "2XL", "{'container_profile': 'BALANCED'}", 1024, 200 },
	{ "XL", "{'container_profile': 'HIGH_MEMORY'}", 2624, 750 },
	{ "AUTO", "{'container_profile': 'HIGHER_MEMORY'}", 1472, 250 },
	{ "4XL", "{'container_profile': 'HIGHER_MEMORY'}", 14080, 6000 },
	{ "L", "{'container_profile': 'HIGH_MEMORY', 'resources': {'base_memory': 70}}", 326,
	  2000 },
};

Test(limits, are_what_the_manifest_declares)
{
	static const struct image_description image = { .memory = 100 << 20,
							.cpu_milli = 300,
							.pids = 7 };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO(json) struct json_t *declared = doc(cases[i].declared);
		AUTO(json) struct json_t *limits = limits_make(&image, cases[i].size, declared);

		cr_expect_eq(json_get_number(limits, "memory", 0), (int64_t)cases[i].memory << 20,
			     "%s %s", cases[i].size, cases[i].declared);
		cr_expect_eq(json_get_number(limits, "cpu_milli", 0), cases[i].cpu_milli, "%s %s",
			     cases[i].size, cases[i].declared);
		cr_expect_eq(json_get_number(limits, "pids", 0), 7);
	}
}
