/* Any bytes as the manifest of a backup, as they are and with a digest that is right. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "base/sha256.h"
#include "orchestrator/backup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse(struct arena *arena, const char *text, size_t size)
{
	AUTO(backup) struct backup b = { 0 };
	struct error err;

	if (backup_parse(arena, "manifest.json", text, size, &b, &err) < 0)
		return;
	for (size_t i = 0; i < b.n_volumes; i++)
		if (strchr(b.volumes[i].file, '/') || strchr(b.volumes[i].container, '/'))
			__builtin_trap();
	(void)backup_print(arena, &b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *json = NULL;
	char *text = arena_alloc(&arena, size + 1);
	char hex[SHA256_HEX];
	struct error err;

	if (size)
		memcpy(text, data, size);
	parse(&arena, text, size);
	json = json_parse("manifest.json", text, size, &err);
	if (json_kind_of(json) != KIND_MAP)
		return 0;
	json_put_text(json, "schema", "orch.backup/1");
	json_drop(json, "sha256");
	text = json_print(&arena, json, FORM_CANONICAL);
	sha256_of(text, strlen(text), hex);
	json_put_text(json, "sha256", hex);
	text = json_print(&arena, json, FORM_COMPACT);
	parse(&arena, text, strlen(text));
	return 0;
}
