/* Any bytes as YAML: bounded, never a crash; and the tree's JSON is that of a tree. */
#include "base/arena.h"
#include "base/auto.h"
#include "base/json.h"
#include "manifests/scalar.h"
#include "manifests/tree.h"
#include "tests/fuzz/project.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena) struct arena arena = { 0 };
	struct problems p = { .arena = &arena };
	const struct node *root = tree_parse(&p, "tree.yaml", (const char *)data, size);
	AUTO(json) struct json_t *value = root ? node_json(root) : NULL;

	if (value)
		(void)json_print(&arena, value, FORM_CANONICAL);
	return 0;
}
