#include "orchestrator/record.h"

#include <fcntl.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "orchestrator/host.h"

#define RECORD_MAX_BYTES (64u << 20)

char *record_path(struct arena *arena, const struct host *h, const char *environment,
		  const char *name)
{
	return arena_printf(arena, "%s/%s%s%s", h->run, environment, *name ? "/" : "", name);
}

static struct json_t *empty(const char *boot)
{
	struct json_t *record = json_new_map();

	json_put_text(record, "boot", boot);
	json_put(record, "containers", json_new_map());
	return record;
}

struct json_t *record_load(const struct host *h, const char *environment, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *path = record_path(&arena, h, environment, "record.json");
	AUTO(json) struct json_t *record = NULL;
	char boot[40];
	char *text;
	size_t size;
	int r = file_read(&arena, AT_FDCWD, path, RECORD_MAX_BYTES, &text, &size, err);

	host_boot_id(boot);
	if (r < 0)
		return NULL;
	if (r == FILE_ABSENT)
		return empty(boot);
	record = json_parse(path, text, size, err);
	if (!record) {
		err->kind = ERROR_BROKEN;
		return NULL;
	}
	if (strcmp(json_get_text(record, "boot", ""), boot) != 0)
		return empty(boot);
	return TAKE_PTR(record);
}

int record_save(const struct host *h, const char *environment, struct json_t *record,
		struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *text = json_print(&arena, record, FORM_COMPACT);

	if (file_make_dirs(record_path(&arena, h, environment, ""), 0755, err) < 0)
		return -1;
	return file_write(AT_FDCWD, record_path(&arena, h, environment, "record.json"), text,
			  strlen(text), 0600, false, err);
}

int record_remove(const struct host *h, const char *environment, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };

	return file_remove(AT_FDCWD, record_path(&arena, h, environment, ""), err);
}

struct json_t *record_entry(struct json_t *record, const char *container)
{
	struct json_t *containers = json_get(record, "containers");
	struct json_t *entry;

	if (!containers)
		containers = json_put(record, "containers", json_new_map());
	entry = json_get(containers, container);
	return entry ? entry : json_put(containers, container, json_new_map());
}
