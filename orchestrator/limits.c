#include "orchestrator/limits.h"

#include <stdint.h>
#include <string.h>

#include "base/auto.h"
#include "base/json.h"
#include "manifests/recipe.h"

enum { XS, S, STEPS = 7 }; /* XS S M L XL 2XL 4XL */

struct share {
	uint32_t cpu_milli, megabytes;
};

/* The format's own tables; its HIGHER_MEMORY goes by processors alone, of which each step takes the next row. */
static const struct profile {
	const char *name;
	struct share steps[STEPS];
} profiles[] = {
	{ "HIGH_CPU",
	  { { 400, 128 },
	    { 400, 128 },
	    { 400, 128 },
	    { 1200, 256 },
	    { 2500, 384 },
	    { 5000, 768 },
	    { 10000, 1536 } } },
	{ "BALANCED",
	  { { 50, 32 },
	    { 50, 32 },
	    { 50, 64 },
	    { 80, 256 },
	    { 100, 512 },
	    { 200, 1024 },
	    { 400, 2048 } } },
	{ "HIGH_MEMORY",
	  { { 250, 128 },
	    { 250, 128 },
	    { 250, 288 },
	    { 400, 1280 },
	    { 750, 2624 },
	    { 1500, 5248 },
	    { 3000, 10496 } } },
	{ "HIGHER_MEMORY",
	  { { 250, 1472 },
	    { 250, 1472 },
	    { 500, 2368 },
	    { 1000, 3840 },
	    { 2000, 6336 },
	    { 4000, 10496 },
	    { 6000, 14080 } } },
};

static unsigned step_of(const char *size)
{
	static const char *const steps[STEPS] = { "XS", "S", "M", "L", "XL", "2XL", "4XL" };

	for (unsigned i = 0; size && i < STEPS; i++)
		if (!strcmp(size, steps[i]))
			return i;
	return S;
}

static void by_size(const struct image_description *image, unsigned step, struct json_t *limits)
{
	unsigned shift = step > S ? step - S : 0;

	json_put_number(limits, "memory", (int64_t)(image->memory << shift));
	json_put_number(limits, "cpu_milli", (int64_t)image->cpu_milli << shift);
}

static void by_profile(const struct image_description *image, unsigned step, const char *name,
		       struct json_t *limits)
{
	for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
		const struct share *share = &profiles[i].steps[step];
		int64_t memory = (int64_t)share->megabytes << 20;

		if (strcmp(name, profiles[i].name) != 0)
			continue;
		if (memory < (int64_t)image->memory)
			memory = (int64_t)image->memory;
		json_put_number(limits, "memory", memory);
		json_put_number(limits, "cpu_milli", share->cpu_milli);
	}
}

/* A quarter of a processor for XS, and each step doubles. */
static void by_formula(unsigned step, const struct json_t *resources, struct json_t *limits)
{
	int64_t milli = (int64_t)250 << step;
	int64_t base = json_get_number(resources, "base_memory", 64);
	int64_t ratio = json_get_number(resources, "memory_ratio", 128);

	json_put_number(limits, "memory", (base + ratio * milli / 1000) << 20);
	json_put_number(limits, "cpu_milli", milli);
}

struct json_t *limits_make(const struct image_description *image, const char *size,
			   const struct json_t *declared)
{
	const struct json_t *resources = json_get(declared, "resources");
	const char *profile = json_get_text(declared, "container_profile", NULL);
	struct json_t *limits = json_new_map();
	unsigned step = step_of(size);

	by_size(image, step, limits);
	if (json_kind_of(resources) == KIND_MAP)
		by_formula(step, resources, limits);
	else if (profile)
		by_profile(image, step, profile, limits);
	json_put_number(limits, "pids", image->pids);
	return limits;
}
